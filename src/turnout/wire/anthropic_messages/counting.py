"""How long a request is, in tokens: asked for beside Messages, and answered without a model."""

from __future__ import annotations

from typing import Final

from turnout.wire.event_json import encode_json, expect, read_object

COUNT_PATH: Final = "/v1/messages/count_tokens"


def read_count(body: bytes) -> int:
    """The number of tokens that a provider counted.

    Raises:
        ValueError: it is no such answer.
    """
    return expect(int, read_object(body).get("input_tokens"), "input_tokens")


def encode_count(tokens: int) -> bytes:
    """The answer for that many tokens."""
    return encode_json({"input_tokens": tokens})
