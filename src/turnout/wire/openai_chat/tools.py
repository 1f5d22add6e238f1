"""Tools, and which of them must be called."""

from __future__ import annotations

from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.chat import Tool, ToolChoice
from turnout.wire.fields import items, maybe, one_of, record, text, truth

_MODES: Final = {"none": "none", "auto": "auto", "required": "required"}


def decode_tools(tools: Any) -> tuple[Tool, ...]:
    """The functions among the tools; others are this dialect's own.

    Raises:
        InvalidRequest: they are not tools.
    """
    found = []
    for index, tool in enumerate(items([] if tools is None else tools, "tools")):
        param = f"tools[{index}]"
        function = record(tool, param).get("function")
        if type(function) is dict:
            found.append(_decode_tool(function, f"{param}.function", maybe(record, tool.get("cache_control"), param)))
    return tuple(found)


def _decode_tool(function: dict[str, Any], param: str, cache: dict[str, Any] | None) -> Tool:
    return Tool(
        name=text(function.get("name"), f"{param}.name"),
        description=maybe(text, function.get("description"), f"{param}.description"),
        schema=maybe(record, function.get("parameters"), f"{param}.parameters"),
        strict=maybe(truth, function.get("strict"), f"{param}.strict"),
        cache=cache,
    )


def encode_tool(tool: Tool) -> dict[str, Any]:
    """A function of the request's `tools`."""
    told = {"description": tool.description, "parameters": tool.schema, "strict": tool.strict}
    return {
        "type": "function",
        "function": {"name": tool.name} | {field: value for field, value in told.items() if value is not None},
    }


def decode_tool_choice(choice: Any, parallel: Any) -> ToolChoice | None:
    """Read `tool_choice` and `parallel_tool_calls`; a choice that only this dialect knows is left out.

    Raises:
        InvalidRequest: they are neither.
    """
    at_once = maybe(truth, parallel, "parallel_tool_calls")
    if isinstance(choice, str):
        mode = one_of(tuple(_MODES), choice, "tool_choice")
        return ToolChoice(mode=_MODES[mode], parallel=at_once)  # type: ignore[arg-type]
    if choice is None:
        return None if at_once is None else ToolChoice(parallel=at_once)
    function = record(choice, "tool_choice").get("function")
    if type(function) is not dict:
        return None
    return ToolChoice(mode="tool", name=text(function.get("name"), "tool_choice.function.name"), parallel=at_once)


def encode_tool_choice(choice: ToolChoice) -> dict[str, Any]:
    """The fields `tool_choice` and `parallel_tool_calls`."""
    told: dict[str, Any] = {}
    if choice.mode == "tool":
        told["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif choice.mode != "auto" or choice.parallel is None:
        told["tool_choice"] = choice.mode
    if choice.parallel is not None:
        told["parallel_tool_calls"] = choice.parallel
    return told


def decode_call(call: Any, param: str) -> tuple[str, str, str] | None:
    """The id, name and arguments of a function call in the history; None for a call that is of another kind.

    Raises:
        InvalidRequest: it is no call.
    """
    told = record(call, param)
    function = told.get("function")
    if type(function) is not dict:
        return None
    call_id = text(told.get("id"), f"{param}.id")
    if not call_id:
        raise InvalidRequest(f"`{param}.id` must not be empty.", param=f"{param}.id")
    name = text(function.get("name"), f"{param}.function.name")
    return call_id, name, text(function.get("arguments"), f"{param}.function.arguments")
