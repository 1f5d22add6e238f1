"""The facts of a unary answer, read without taking it apart."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.types.chat import Finish
from turnout.wire.anthropic_messages.finish import FINISH
from turnout.wire.anthropic_messages.usage import usage_from
from turnout.wire.unary_facts import UnaryFacts, read_whole


class _Block(msgspec.Struct, gc=False):
    text: Any = None
    thinking: Any = None
    name: Any = None
    input: msgspec.Raw = msgspec.Raw()


class _Answer(msgspec.Struct, gc=False):
    type: Any = None
    content: list[_Block] | None = None
    stop_reason: Any = None
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
    if answer.error or answer.type == "error":
        raise ValueError("an error in a body with status 200")
    if answer.content is None:
        raise ValueError("an answer without content")
    if not isinstance(answer.stop_reason, str) or not answer.stop_reason:
        raise ValueError("an answer without a stop reason")
    return UnaryFacts(
        usage=usage_from(answer.usage) if isinstance(answer.usage, dict) and answer.usage else None,
        finish=FINISH.get(answer.stop_reason, Finish.OTHER),
        model=answer.model if isinstance(answer.model, str) else None,
        output_chars=sum(_chars(block) for block in answer.content),
    )


def _read(body: bytes) -> _Answer:
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        whole = read_whole(body)
    try:
        return msgspec.convert(_without_input(whole), _Answer)
    except msgspec.ValidationError as problem:
        raise ValueError(f"not a message: {problem}") from None


def _without_input(whole: dict[str, Any]) -> dict[str, Any]:
    content = whole.get("content")
    if not isinstance(content, list):
        return whole
    blocks = [
        {field: told for field, told in block.items() if field != "input"} if isinstance(block, dict) else block
        for block in content
    ]
    return whole | {"content": blocks}


def _chars(block: _Block) -> int:
    words = sum(len(word) for word in (block.text, block.thinking, block.name) if isinstance(word, str))
    return words + len(bytes(block.input))
