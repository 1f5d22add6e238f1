"""The facts of a unary answer, read without taking it apart."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.wire.openai_responses.finish import finish_of
from turnout.wire.openai_responses.usage import usage_from
from turnout.wire.unary_facts import UnaryFacts, read_leniently


class _Item(msgspec.Struct, gc=False):
    type: Any = None
    content: Any = None
    summary: Any = None
    name: Any = None
    arguments: Any = None


class _Answer(msgspec.Struct, gc=False):
    status: Any = None
    output: list[_Item] | None = None
    incomplete_details: Any = None
    model: Any = None
    usage: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Answer).decode


def read_answer(body: bytes) -> UnaryFacts:
    """Check that a body is a complete answer and read its facts.

    Raises:
        ValueError: it is not; the message says why.
    """
    answer = _read(body)
    if answer.error:
        raise ValueError("an error in a body with status 200")
    calls = any(item.type == "function_call" for item in answer.output or ())
    finish = finish_of(answer.status, answer.incomplete_details, calls=calls)
    if answer.output is None:
        raise ValueError("an answer without output")
    return UnaryFacts(
        usage=usage_from(answer.usage) if isinstance(answer.usage, dict) and answer.usage else None,
        finish=finish,
        model=answer.model if isinstance(answer.model, str) else None,
        output_chars=sum(map(_chars, answer.output)),
    )


def _read(body: bytes) -> _Answer:
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        return read_leniently(body, _Answer, "not a response")


def _chars(item: _Item) -> int:
    told = sum(len(word) for word in (item.name, item.arguments) if isinstance(word, str))
    for parts in (item.content, item.summary):
        for part in parts if isinstance(parts, list) else ():
            words = (part.get("text"), part.get("refusal")) if isinstance(part, dict) else ()
            told += sum(len(word) for word in words if isinstance(word, str))
    return told
