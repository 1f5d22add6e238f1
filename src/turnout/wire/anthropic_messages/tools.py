"""Tools, and which of them must be called."""

from __future__ import annotations

import re
import zlib
from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.chat import Tool, ToolChoice
from turnout.wire.event_json import encode_json, read_object
from turnout.wire.fields import items, maybe, one_of, record, text, truth

_MODES: Final = {"auto": "auto", "any": "required", "tool": "tool", "none": "none"}
_WORDS: Final = {mode: word for word, mode in _MODES.items()}
_NOT_OF_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")


def decode_tools(tools: Any) -> tuple[Tool, ...]:
    """The caller's own tools; those that the provider defines are needs.

    Raises:
        InvalidRequest: they are not tools.
    """
    told = [(record(tool, f"tools[{index}]"), index) for index, tool in enumerate(items(tools or [], "tools"))]
    return tuple(_decode_tool(tool, f"tools[{index}]") for tool, index in told if tool.get("type") in (None, "custom"))


def _decode_tool(tool: dict[str, Any], param: str) -> Tool:
    return Tool(
        name=text(tool.get("name"), f"{param}.name"),
        description=maybe(text, tool.get("description"), f"{param}.description"),
        schema=record(tool.get("input_schema"), f"{param}.input_schema"),
        strict=maybe(truth, tool.get("strict"), f"{param}.strict"),
        cache=maybe(record, tool.get("cache_control"), f"{param}.cache_control"),
    )


def encode_tool(tool: Tool) -> dict[str, Any]:
    """One of the request's `tools`. A tool without a schema takes no arguments."""
    schema = {"type": "object"} | (tool.schema or {"properties": {}})
    told = {"description": tool.description, "strict": tool.strict, "cache_control": tool.cache}
    extra = {field: value for field, value in told.items() if value is not None}
    return {"name": tool.name, "input_schema": schema} | extra


def decode_tool_choice(choice: Any) -> ToolChoice | None:
    """Read `tool_choice`.

    Raises:
        InvalidRequest: it is none.
    """
    if choice is None:
        return None
    told = record(choice, "tool_choice")
    word = one_of(tuple(_MODES), told.get("type"), "tool_choice.type")
    alone = maybe(truth, told.get("disable_parallel_tool_use"), "tool_choice.disable_parallel_tool_use")
    return ToolChoice(
        mode=_MODES[word],  # type: ignore[arg-type]
        name=text(told.get("name"), "tool_choice.name") if word == "tool" else None,
        parallel=None if alone is None else not alone,
    )


def encode_tool_choice(choice: ToolChoice) -> dict[str, Any]:
    """The request's `tool_choice`. Where no tool may be called, how many at once goes without saying."""
    told: dict[str, Any] = {"type": _WORDS[choice.mode]}
    if choice.name is not None:
        told["name"] = choice.name
    if choice.parallel is not None and choice.mode != "none":
        told["disable_parallel_tool_use"] = not choice.parallel
    return told


def encode_call_id(call_id: str) -> str:
    """The id of a call, in the characters that this dialect takes; the same for the call and for its result."""
    if not _NOT_OF_AN_ID.search(call_id):
        return call_id
    told = zlib.crc32(call_id.encode("utf-8", "surrogatepass"))
    return f"{_NOT_OF_AN_ID.sub('_', call_id)}_{told:08x}"


def encode_input(arguments: str) -> dict[str, Any]:
    """A call's arguments as an object. An empty text is a call without any.

    Raises:
        ValueError: they are not a JSON object. They are never repaired: what the model meant is not ours to guess.
    """
    return read_object(arguments.encode()) if arguments.strip() else {}


def encode_history_input(arguments: str, name: str) -> dict[str, Any]:
    """The same for a call that the caller's history tells of.

    Raises:
        InvalidRequest: they are not a JSON object.
    """
    try:
        return encode_input(arguments)
    except ValueError:
        raise InvalidRequest(
            f"The arguments of the call of '{name}' in `messages` are not a JSON object, which Anthropic asks for. "
            "Correct them, or leave the call and its result out.",
            param="messages",
        ) from None


def decode_input(value: dict[str, Any]) -> str:
    """An input as JSON text."""
    return encode_json(value).decode()
