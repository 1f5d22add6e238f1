"""What executing needs to know of a unary answer."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.types.chat import Finish
from turnout.types.usage import Usage
from turnout.wire.event_json import read_object


class UnaryFacts(msgspec.Struct, gc=False):
    """The facts of an answer; the attributes are those of `turnout.wire.dialect.AnswerFacts`."""

    usage: Usage | None
    finish: Finish | None
    model: str | None
    output_chars: int


def read_whole(body: bytes) -> dict[str, Any]:
    """A body that the strict reading did not take: JSON that only lenient parsers take, or something else.

    Raises:
        ValueError: it is something else; the message says what.
    """
    if not body.strip():
        raise ValueError("an empty body")
    try:
        return read_object(body)
    except ValueError as problem:
        raise ValueError(f"not a JSON object: {problem}") from None
