"""Errors: before the first byte in the envelope that Chat Completions has as well, within a stream as an event."""

from __future__ import annotations

from typing import Final

from turnout.errors import RequestFailed
from turnout.wire.event_json import encode_json
from turnout.wire.openai_chat.errors import decode_failure, encode_error, envelope
from turnout.wire.openai_responses.response import response
from turnout.wire.sse import sse_event

__all__ = ["decode_failure", "encode_error", "encode_stream_error"]

_LAST: Final = 2**31 - 1
"""The failure comes after every event, whatever numbers they had."""

_FAILED: Final = "response.failed"
_RATE_LIMITED: Final = "rate_limit_error"


def encode_stream_error(error: RequestFailed) -> bytes:
    """The event that ends a committed stream, which is `response.failed`.

    The official SDK passes that event on without raising; `error` at its top is what it raises an exception for.
    """
    told = envelope(error)
    code = "rate_limit_exceeded" if told["type"] == _RATE_LIMITED else "server_error"
    failed = response({}, answer_id=f"resp_{error.decision_id or 'unknown'}", model="", created=None)
    failed |= {"status": "failed", "error": {"code": code, "message": error.message}}
    return sse_event(
        encode_json({"type": _FAILED, "sequence_number": _LAST, "response": failed, "error": told}), _FAILED
    )
