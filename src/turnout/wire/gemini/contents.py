"""The conversation, written as `contents`."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from turnout.errors import InvalidRequest
from turnout.types.chat import Chat, Document, Image, Part, Refusal, Text, ToolCall, ToolResult
from turnout.wire.event_json import read_object
from turnout.wire.gemini.limits import NO_SIGNATURE, signs_calls


def encode_contents(chat: Chat, model: str) -> dict[str, Any]:
    """The fields `systemInstruction` and `contents`: turns of one role in a row are one turn.

    A system message within the conversation is told at the beginning, which is where the API takes it.

    Raises:
        InvalidRequest: the history has a call whose arguments are not a JSON object, or a result without its call.
    """
    told = [part for turn in chat.messages if turn.role == "system" for part in turn.parts]
    system = [{"text": part.text} for part in (*chat.system, *told) if isinstance(part, Text) and part.text]
    names = {part.id: part.name for turn in chat.messages for part in turn.parts if isinstance(part, ToolCall)}
    spoken = (turn for turn in chat.messages if turn.role != "system")
    contents = []
    for answers, turns in groupby(spoken, lambda turn: turn.role == "assistant"):
        said = [part for turn in turns for part in turn.parts]
        parts = _answered(said, model) if answers else list(_asked(said, names))
        if parts:
            contents.append({"role": "model" if answers else "user", "parts": parts})
    return ({"systemInstruction": {"parts": system}} if system else {}) | {"contents": contents}


def _answered(said: Sequence[Part], model: str) -> list[dict[str, Any]]:
    """A model's turn. Past reasoning is left out: nobody who can show it has its signature."""
    parts = [encoded for part in said for encoded in _encode_part(part)]
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None and signs_calls(model):
        first.setdefault("thoughtSignature", NO_SIGNATURE)
    return parts


def _asked(said: Sequence[Part], names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A user's turn: the results come first, and what they show comes after them."""
    results = [part for part in said if isinstance(part, ToolResult)]
    for result in results:
        yield _encode_result(result, names)
    shown = [part for result in results for part in result.content if not isinstance(part, Text)]
    for part in (*shown, *(part for part in said if not isinstance(part, ToolResult))):
        yield from _encode_part(part)


def _encode_part(part: Part) -> Iterator[dict[str, Any]]:
    match part:
        case Text(said) | Refusal(said) if said:
            yield {"text": said}
        case Document(text=str(said)):
            yield {"text": f"{part.name}\n\n{said}" if part.name else said}
        case Image() | Document():
            yield _encode_data(part)
        case ToolCall():
            yield _encode_call(part)


def _encode_data(part: Image | Document) -> dict[str, Any]:
    if part.url is None:
        return {"inlineData": {"mimeType": part.media_type, "data": part.data}}
    kind = part.media_type or mimetypes.guess_type(urlsplit(part.url).path)[0]
    return {"fileData": {"fileUri": part.url} | ({"mimeType": kind} if kind else {})}


def _encode_call(call: ToolCall) -> dict[str, Any]:
    try:
        args = read_object(call.arguments.encode()) if call.arguments.strip() else {}
    except ValueError:
        raise InvalidRequest(
            f"The arguments of the call of '{call.name}' in `messages` are not a JSON object, which Gemini asks for. "
            "Correct them, or leave the call and its result out.",
            param="messages",
        ) from None
    told = {"functionCall": {"id": call.id, "name": call.name, "args": args}}
    return told if call.signature is None else told | {"thoughtSignature": call.signature}


def _encode_result(result: ToolResult, names: Mapping[str, str]) -> dict[str, Any]:
    if result.call_id not in names:
        raise InvalidRequest(
            f"`messages` has a result of the tool call '{result.call_id}', and not the call itself.", param="messages"
        )
    said = _texts(result.content)
    response = {"error" if result.is_error else "output": said}
    return {"functionResponse": {"id": result.call_id, "name": names[result.call_id], "response": response}}


def _texts(parts: Sequence[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, Text))
