"""The facts of a unary answer, read without taking it apart."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.types.chat import Finish
from turnout.wire.openai_chat.finish import FINISH
from turnout.wire.openai_chat.usage import usage_from
from turnout.wire.unary_facts import UnaryFacts, read_leniently


class _Message(msgspec.Struct, gc=False):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: Any = None
    function_call: Any = None


class _Choice(msgspec.Struct, gc=False):
    message: _Message
    finish_reason: Any = None


class _Answer(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
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
    if not answer.choices:
        raise ValueError("an answer without choices")
    for choice in answer.choices:
        if not isinstance(choice.finish_reason, str) or not choice.finish_reason:
            raise ValueError("an answer without a finish reason")
        if choice.finish_reason == "error":
            raise ValueError("an answer that ended with an error")
    return UnaryFacts(
        usage=usage_from(answer.usage) if isinstance(answer.usage, dict) and answer.usage else None,
        finish=FINISH.get(answer.choices[0].finish_reason, Finish.OTHER),
        model=answer.model if isinstance(answer.model, str) else None,
        output_chars=sum(_chars(choice.message) for choice in answer.choices),
    )


def _read(body: bytes) -> _Answer:
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        return read_leniently(body, _Answer, "not a chat completion")


def _chars(message: _Message) -> int:
    told = 0
    for value in (message.content, message.reasoning_content or message.reasoning, message.refusal):
        if isinstance(value, str):
            told += len(value)
        elif isinstance(value, list):
            told += sum(len(part["text"]) for part in value if _has_text(part))
    for call in message.tool_calls if isinstance(message.tool_calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        for word in (function.get("name"), function.get("arguments")) if isinstance(function, dict) else ():
            told += len(word) if isinstance(word, str) else 0
    return told


def _has_text(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)
