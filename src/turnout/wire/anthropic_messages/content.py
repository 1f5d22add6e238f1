"""Content blocks."""

from __future__ import annotations

from typing import Any

from turnout.errors import InvalidRequest
from turnout.types.chat import Document, Image, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from turnout.wire.anthropic_messages.tools import decode_input, encode_call_id, encode_history_input
from turnout.wire.fields import maybe, record, text, truth


def decode_content(content: Any, param: str) -> tuple[Part, ...]:
    """A string or a list of blocks. Blocks that only this dialect knows are left out: they are needs.

    Raises:
        InvalidRequest: it is neither.
    """
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise InvalidRequest(f"`{param}` must be a string or a list of content blocks.", param=param)
    parts = (_decode_block(record(block, f"{param}[{i}]"), f"{param}[{i}]") for i, block in enumerate(content))
    return tuple(part for part in parts if part is not None)


def decode_texts(content: Any, param: str) -> tuple[Text, ...]:
    """The same where only text may stand.

    Raises:
        InvalidRequest: it is something else, or not only text.
    """
    parts = decode_content(content, param)
    texts = tuple(part for part in parts if isinstance(part, Text))
    if len(texts) < (1 if isinstance(content, str) else len(content)):
        raise InvalidRequest(f"`{param}` may only have blocks of the type 'text'.", param=param)
    return texts


def _decode_block(block: dict[str, Any], param: str) -> Part | None:
    cache = maybe(record, block.get("cache_control"), f"{param}.cache_control")
    match block.get("type"):
        case "text":
            return Text(text(block.get("text"), f"{param}.text"), cache=cache)
        case "image":
            return _decode_image(record(block.get("source"), f"{param}.source"), f"{param}.source", cache)
        case "document":
            return _decode_document(block, param, cache)
        case "tool_use":
            arguments = decode_input(record(block.get("input"), f"{param}.input"))
            call_id, name = text(block.get("id"), f"{param}.id"), text(block.get("name"), f"{param}.name")
            return ToolCall(call_id, name, arguments, cache=cache)
        case "tool_result":
            return _decode_result(block, param, cache)
        case "thinking":
            return Thinking(
                text(block.get("thinking"), f"{param}.thinking"),
                signature=maybe(text, block.get("signature"), f"{param}.signature") or None,
            )
        case "redacted_thinking":
            return Thinking(redacted=text(block.get("data"), f"{param}.data"))
        case kind:
            text(kind, f"{param}.type")
            return None


def _decode_image(source: dict[str, Any], param: str, cache: dict[str, Any] | None) -> Image | None:
    match source.get("type"):
        case "base64":
            media_type = text(source.get("media_type"), f"{param}.media_type")
            return Image(media_type=media_type, data=text(source.get("data"), f"{param}.data"), cache=cache)
        case "url":
            return Image(url=text(source.get("url"), f"{param}.url"), cache=cache)
    return None


def _decode_document(block: dict[str, Any], param: str, cache: dict[str, Any] | None) -> Document | None:
    source = record(block.get("source"), f"{param}.source")
    name = maybe(text, block.get("title"), f"{param}.title")
    match source.get("type"):
        case "base64":
            media_type = text(source.get("media_type"), f"{param}.source.media_type")
            data = text(source.get("data"), f"{param}.source.data")
            return Document(media_type=media_type, data=data, name=name, cache=cache)
        case "text":
            said = text(source.get("data"), f"{param}.source.data")
            return Document(media_type="text/plain", text=said, name=name, cache=cache)
        case "url":
            return Document(url=text(source.get("url"), f"{param}.source.url"), name=name, cache=cache)
    return None


def _decode_result(block: dict[str, Any], param: str, cache: dict[str, Any] | None) -> ToolResult:
    content = block.get("content")
    if type(content) is list and any(type(inner) is dict and inner.get("type") == "tool_result" for inner in content):
        raise InvalidRequest(f"`{param}.content` must not have tool results of its own.", param=f"{param}.content")
    parts = () if content in (None, "") else decode_content(content, f"{param}.content")
    return ToolResult(
        text(block.get("tool_use_id"), f"{param}.tool_use_id"),
        tuple(part for part in parts if isinstance(part, Text | Image | Document)),
        is_error=maybe(truth, block.get("is_error"), f"{param}.is_error") or False,
        cache=cache,
    )


def decode_system(system: Any) -> tuple[Text, ...]:
    """The top-level `system`.

    Raises:
        InvalidRequest: it is not text.
    """
    return () if system is None else decode_texts(system, "system")


def encode_blocks(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    """The blocks of a turn: results come first, as the API asks; a text that is empty may not be sent."""
    results = [part for part in parts if isinstance(part, ToolResult)]
    others = [part for part in parts if not isinstance(part, ToolResult)]
    encoded = (_encode_part(part) for part in (*results, *others))
    return [block for block in encoded if block is not None]


def _encode_part(part: Part) -> dict[str, Any] | None:
    block = _encode_uncached(part)
    cache = getattr(part, "cache", None)
    return block | {"cache_control": cache} if block is not None and cache is not None else block


def _encode_uncached(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(said) | Refusal(said):
            return {"type": "text", "text": said} if said else None
        case Image():
            return {"type": "image", "source": _encode_source(part)}
        case Document():
            title = {"title": part.name} if part.name is not None else {}
            return {"type": "document", "source": _encode_source(part), **title}
        case ToolCall():
            told = encode_history_input(part.arguments, part.name)
            return {"type": "tool_use", "id": encode_call_id(part.id), "name": part.name, "input": told}
        case ToolResult():
            return _encode_result(part)
        case Thinking():
            return _encode_thinking(part)


def _encode_source(part: Image | Document) -> dict[str, Any]:
    if part.url is not None:
        return {"type": "url", "url": part.url}
    if isinstance(part, Document) and part.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": part.text}
    return {"type": "base64", "media_type": part.media_type, "data": part.data}


def _encode_result(result: ToolResult) -> dict[str, Any]:
    content = [block for part in result.content if (block := _encode_part(part)) is not None]
    told: dict[str, Any] = {"type": "tool_result", "tool_use_id": encode_call_id(result.call_id)}
    if content:
        told["content"] = content
    if result.is_error:
        told["is_error"] = True
    return told


def _encode_thinking(part: Thinking) -> dict[str, Any] | None:
    """Past reasoning goes back to who signed it; the API refuses what nobody signed, and can do without."""
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if part.signature is None:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}
