"""The conversation: from this dialect's messages and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import dropwhile, groupby, takewhile
from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.chat import Chat, Message, Part, Refusal, Text, ToolCall, ToolResult
from turnout.wire.fields import items, maybe, record, text
from turnout.wire.openai_chat.content import decode_content, decode_texts, encode_content
from turnout.wire.openai_chat.reasoning import decode_reasoning, decode_signature, encode_signature
from turnout.wire.openai_chat.tools import decode_call

FAILED: Final = "Error: "
"""What tells the model that a tool failed: this dialect has no other word for it."""


def decode_messages(messages: list[Any]) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The system prompt, which is every system message that comes first, and the turns after it.

    Raises:
        InvalidRequest: they are not messages.
    """
    told = [_decode_message(record(each, f"messages[{i}]"), f"messages[{i}]") for i, each in enumerate(messages)]
    turns = list(dropwhile(_is_system, told))
    system = (part for turn in takewhile(_is_system, told) for part in turn.parts if isinstance(part, Text))
    return tuple(system), tuple(_with_results_together(turns))


def _is_system(turn: Message) -> bool:
    return turn.role == "system"


def _with_results_together(turns: list[Message]) -> Iterator[Message]:
    """What the tools called at once gave back is one turn."""
    for are_results, run in groupby(turns, _are_results):
        if are_results:
            yield Message("user", tuple(part for turn in run for part in turn.parts))
        else:
            yield from run


def _are_results(turn: Message) -> bool:
    return bool(turn.parts) and all(isinstance(part, ToolResult) for part in turn.parts)


def _decode_message(message: dict[str, Any], param: str) -> Message:
    name = maybe(text, message.get("name"), f"{param}.name")
    match message.get("role"):
        case "system" | "developer":
            return Message("system", decode_texts(message.get("content"), f"{param}.content"), name)
        case "user":
            return Message("user", decode_content(message.get("content"), f"{param}.content"), name)
        case "assistant":
            return Message("assistant", tuple(_decode_answer(message, param)), name)
        case "tool":
            return Message("user", (_decode_result(message, param),), name)
    raise InvalidRequest(
        f"`{param}.role` must be 'system', 'developer', 'user', 'assistant' or 'tool'.", param=f"{param}.role"
    )


def _decode_answer(message: dict[str, Any], param: str) -> Iterator[Part]:
    yield from decode_reasoning(message)
    if message.get("content") not in (None, ""):
        yield from decode_content(message["content"], f"{param}.content")
    if message.get("refusal") is not None:
        yield Refusal(text(message["refusal"], f"{param}.refusal"))
    calls = message.get("tool_calls")
    for index, call in enumerate(items([] if calls is None else calls, f"{param}.tool_calls")):
        if (told := decode_call(call, f"{param}.tool_calls[{index}]")) is not None:
            yield ToolCall(*told, signature=decode_signature(call))


def _decode_result(message: dict[str, Any], param: str) -> ToolResult:
    content = message.get("content")
    parts = () if content in (None, "") else decode_content(content, f"{param}.content")
    return ToolResult(
        text(message.get("tool_call_id"), f"{param}.tool_call_id"),
        tuple(part for part in parts if not isinstance(part, Refusal | ToolCall | ToolResult)),  # type: ignore[misc]
        cache=maybe(record, message.get("cache_control"), f"{param}.cache_control"),
    )


def encode_messages(chat: Chat) -> list[dict[str, Any]]:
    """The system prompt and every turn."""
    messages: list[dict[str, Any]] = []
    if chat.system:
        messages.append({"role": "system", "content": encode_content(chat.system)})
    for turn in chat.messages:
        messages += _encode_turn(turn)
    return messages


def _encode_turn(turn: Message) -> Iterator[dict[str, Any]]:
    name = {"name": turn.name} if turn.name is not None else {}
    if turn.role == "assistant":
        yield {"role": "assistant", **name, **_encode_answer(turn.parts)}
        return
    results = [part for part in turn.parts if isinstance(part, ToolResult)]
    others: list[Part] = [part for part in turn.parts if not isinstance(part, ToolResult)]
    for result in results:
        yield {"role": "tool", "tool_call_id": result.call_id, "content": _encode_result(result)}
    if told := [part for result in results for part in _shown(result)] + others:
        yield {"role": turn.role, **name, "content": encode_content(told)}


def _encode_answer(parts: Iterable[Part]) -> dict[str, Any]:
    """An assistant's turn. Its reasoning stays behind: servers of this dialect refuse it, or take no notice."""
    parts = tuple(parts)
    texts = [part.text for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    calls = [encode_call(part) for part in parts if isinstance(part, ToolCall)]
    told: dict[str, Any] = {"content": "".join(texts) if texts else None}
    if refusals:
        told["refusal"] = "".join(refusals)
    if calls:
        told["tool_calls"] = calls
    return told


def encode_call(call: ToolCall) -> dict[str, Any]:
    """A tool call, in a request's history and in an answer."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function} | encode_signature(call.signature)


def _encode_result(result: ToolResult) -> str | list[dict[str, Any]]:
    """A result's text. What it shows besides follows in a turn of the user's: tools can only say text here."""
    parts = [part for part in result.content if _is_text(part)]
    if result.is_error:
        first = Text(FAILED + (parts[0].text or "" if parts else ""))  # type: ignore[union-attr]
        parts = [first, *parts[1:]]
    return encode_content(parts) or ""


def _shown(result: ToolResult) -> list[Part]:
    shown = [part for part in result.content if not _is_text(part)]
    return [Text(f"Shown by the tool call {result.call_id}:"), *shown] if shown else []


def _is_text(part: Part) -> bool:
    return getattr(part, "text", None) is not None
