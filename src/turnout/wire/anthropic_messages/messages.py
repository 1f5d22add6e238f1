"""The conversation: from this dialect's messages and back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from turnout.types.chat import Chat, Message, Part
from turnout.wire.anthropic_messages.content import decode_content, decode_texts, encode_blocks
from turnout.wire.anthropic_messages.limits import takes_system_turns
from turnout.wire.fields import one_of, record


def decode_messages(messages: list[Any]) -> tuple[Message, ...]:
    """Every turn.

    Raises:
        InvalidRequest: they are not messages.
    """
    return tuple(_decode_message(message, f"messages[{index}]") for index, message in enumerate(messages))


def _decode_message(message: Any, param: str) -> Message:
    told = record(message, param)
    role = one_of(("user", "assistant", "system"), told.get("role"), f"{param}.role")
    if role == "system":
        return Message("system", decode_texts(told.get("content"), f"{param}.content"))
    parts = decode_content(told.get("content"), f"{param}.content")
    return Message("assistant" if role == "assistant" else "user", parts)


def encode_messages(chat: Chat, model: str) -> dict[str, Any]:
    """The fields `system` and `messages`: turns of one role in a row are one turn.

    A system message within the conversation stands after the user's turn, which is where the API takes it; models
    that take none are told at the beginning.
    """
    system: list[Part] = list(chat.system)
    messages: list[dict[str, Any]] = []
    for answers, turns in groupby(chat.messages, lambda turn: turn.role == "assistant"):
        if answers:
            _add(messages, "assistant", _parts(turns, "assistant"))
            continue
        asked = list(turns)
        told = _parts(iter(asked), "system")
        _add(messages, "user", _parts(iter(asked), "user"))
        if told and takes_system_turns(model) and messages and messages[-1]["role"] == "user":
            _add(messages, "system", told)
        else:
            system += told
    blocks = encode_blocks(tuple(system))
    return ({"system": blocks} if blocks else {}) | {"messages": messages}


def _parts(turns: Iterator[Message], role: str) -> tuple[Part, ...]:
    return tuple(part for turn in turns if turn.role == role for part in turn.parts)


def _add(messages: list[dict[str, Any]], role: str, parts: tuple[Part, ...]) -> None:
    """Add a turn, unless nothing is left of it: the API refuses one without content."""
    if blocks := encode_blocks(parts):
        messages.append({"role": role, "content": blocks})
