"""The conversation: from this dialect's instructions and items, and back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.chat import Chat, Document, Image, Message, Part, Refusal, Text, ToolCall, ToolResult
from turnout.wire.fields import items, one_of, record, text
from turnout.wire.openai_chat.messages import FAILED
from turnout.wire.openai_responses.content import decode_content, decode_texts, encode_content
from turnout.wire.openai_responses.reasoning import decode_item

_ROLES: Final = ("user", "assistant", "system", "developer")


def decode_input(told: Any, instructions: str | None) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The system prompt, which is the instructions and every system message that comes first, and the turns after it.

    Raises:
        InvalidRequest: `input` is neither a text nor items.
    """
    system = [] if instructions is None else [Text(instructions)]
    if isinstance(told, str):
        return tuple(system), (Message("user", (Text(told),)),)
    turns: list[Message] = []
    for index, item in enumerate(items([] if told is None else told, "input")):
        param = f"input[{index}]"
        turn = _decode_item(record(item, param), param)
        if turn is None:
            continue
        if turn.role == "system" and not turns:
            system += [part for part in turn.parts if isinstance(part, Text)]
        elif turns and _goes_on(turns[-1], turn):
            turns[-1] = Message(turn.role, turns[-1].parts + turn.parts)
        else:
            turns.append(turn)
    return tuple(system), tuple(turns)


def _goes_on(before: Message, turn: Message) -> bool:
    """Whether two items are of one turn: results of tools in a row, or what a model wrote until it had said a text."""
    if turn.role != before.role or turn.role == "system":
        return False
    if turn.role == "user":
        return all(isinstance(part, ToolResult) for part in before.parts + turn.parts)
    says = any(isinstance(part, Text | Refusal) for part in turn.parts)
    said = any(isinstance(part, Text | Refusal) for part in before.parts)
    return not (says and said) or any(isinstance(part, ToolCall) for part in before.parts)


def _decode_item(item: dict[str, Any], param: str) -> Message | None:
    match item.get("type"):
        case None | "message":
            return _decode_message(item, param)
        case "function_call":
            call_id = text(item.get("call_id"), f"{param}.call_id")
            if not call_id:
                raise InvalidRequest(f"`{param}.call_id` must not be empty.", param=f"{param}.call_id")
            arguments = text(item.get("arguments"), f"{param}.arguments")
            return Message("assistant", (ToolCall(call_id, text(item.get("name"), f"{param}.name"), arguments),))
        case "function_call_output":
            return Message("user", (_decode_result(item, param),))
        case "reasoning":
            return _decode_reasoning(item, param)
    return None


def _decode_message(item: dict[str, Any], param: str) -> Message:
    role = one_of(_ROLES, item.get("role"), f"{param}.role")
    if role in ("system", "developer"):
        return Message("system", decode_texts(item.get("content"), f"{param}.content"))
    return Message("user" if role == "user" else "assistant", decode_content(item.get("content"), f"{param}.content"))


def _decode_result(item: dict[str, Any], param: str) -> ToolResult:
    output = item.get("output")
    parts = () if output == "" else decode_content(output, f"{param}.output")
    shown = tuple(part for part in parts if isinstance(part, Text | Image | Document))
    return ToolResult(text(item.get("call_id"), f"{param}.call_id"), shown)


def _decode_reasoning(item: dict[str, Any], param: str) -> Message | None:
    try:
        thought = decode_item(item)
    except ValueError as problem:
        raise InvalidRequest(f"`{param}` is no reasoning item: {problem}.", param=param) from None
    return None if thought is None else Message("assistant", (thought,))


def encode_input(chat: Chat) -> dict[str, Any]:
    """The fields `instructions` and `input`. A system prompt of several parts keeps them, as the first message."""
    told: dict[str, Any] = {}
    items_of: list[dict[str, Any]] = []
    if len(chat.system) == 1:
        told["instructions"] = chat.system[0].text
    elif chat.system:
        items_of.append(_message("system", chat.system))
    for turn in chat.messages:
        items_of += _encode_answer(turn.parts) if turn.role == "assistant" else _encode_asked(turn)
    return told | {"input": items_of}


def _message(role: str, parts: tuple[Part, ...]) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": encode_content(parts)}


def _encode_asked(turn: Message) -> Iterator[dict[str, Any]]:
    others: list[Part] = []
    for part in turn.parts:
        if isinstance(part, ToolResult):
            yield {"type": "function_call_output", "call_id": part.call_id, "output": _encode_output(part)}
        else:
            others.append(part)
    if others:
        yield _message(turn.role, tuple(others))


def _encode_output(result: ToolResult) -> str | list[dict[str, Any]]:
    """What a tool gave back; that it failed is told as Chat Completions tells it, which has no word for it either."""
    parts = result.content
    if result.is_error:
        first = parts[0].text if parts and isinstance(parts[0], Text) else None
        parts = (Text(FAILED + (first or "")), *(parts if first is None else parts[1:]))
    return encode_content(parts) or ""


def _encode_answer(parts: tuple[Part, ...]) -> Iterator[dict[str, Any]]:
    """An assistant's turn. Its reasoning stays behind: what another provider wrote or sealed is not taken back."""
    for call, group in groupby(parts, lambda part: isinstance(part, ToolCall)):
        if call:
            yield from (encode_call(part) for part in group if isinstance(part, ToolCall))
        elif texts := [part.text for part in group if isinstance(part, Text | Refusal)]:
            yield {"type": "message", "role": "assistant", "content": "".join(texts)}


def encode_call(call: ToolCall) -> dict[str, Any]:
    """A tool call, in a request's history and in an answer."""
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
