"""What executing needs to know of a unary answer."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from turnout.types.chat import Finish
from turnout.types.usage import Usage
from turnout.wire.event_json import read_object

T = TypeVar("T", bound=msgspec.Struct)


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


def read_leniently(body: bytes, kind: type[T], refusal: str) -> T:
    """A body that the strict reading did not take, as a `kind`: one that only holds an `error` is one as well.

    Raises:
        ValueError: it is not; the message begins with `refusal`, or says what it is instead.
    """
    whole = read_whole(body)
    if whole.get("error"):
        return kind(error=whole["error"])
    try:
        return msgspec.convert(whole, kind)
    except msgspec.ValidationError as problem:
        raise ValueError(f"{refusal}: {problem}") from None
