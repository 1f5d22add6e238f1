"""Tools, and which of them must be called."""

from __future__ import annotations

from typing import Any, Final

from turnout.types.chat import Tool, ToolChoice
from turnout.wire.fields import items, maybe, one_of, record, text, truth

_MODES: Final = {"none": "none", "auto": "auto", "required": "required"}
_FUNCTION: Final = "function"


def decode_tools(tools: Any) -> tuple[Tool, ...]:
    """The functions among the tools; others are this dialect's own.

    Raises:
        InvalidRequest: they are not tools.
    """
    told = [(record(tool, f"tools[{index}]"), index) for index, tool in enumerate(items(tools or [], "tools"))]
    return tuple(_decode_tool(tool, f"tools[{index}]") for tool, index in told if tool.get("type") == _FUNCTION)


def _decode_tool(tool: dict[str, Any], param: str) -> Tool:
    return Tool(
        name=text(tool.get("name"), f"{param}.name"),
        description=maybe(text, tool.get("description"), f"{param}.description"),
        schema=maybe(record, tool.get("parameters"), f"{param}.parameters"),
        strict=maybe(truth, tool.get("strict"), f"{param}.strict") or None,
    )


def encode_tool(tool: Tool) -> dict[str, Any]:
    """A function of the request's `tools`. Strictness is always told: here it is the default, elsewhere it is not."""
    described = {} if tool.description is None else {"description": tool.description}
    return {
        "type": _FUNCTION,
        "name": tool.name,
        **described,
        "parameters": tool.schema,
        "strict": tool.strict or False,
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
    if record(choice, "tool_choice").get("type") != _FUNCTION:
        return None
    return ToolChoice(mode="tool", name=text(choice.get("name"), "tool_choice.name"), parallel=at_once)


def encode_tool_choice(choice: ToolChoice) -> dict[str, Any]:
    """The fields `tool_choice` and `parallel_tool_calls`."""
    told: dict[str, Any] = {}
    if choice.mode == "tool":
        told["tool_choice"] = {"type": _FUNCTION, "name": choice.name}
    elif choice.mode != "auto" or choice.parallel is None:
        told["tool_choice"] = choice.mode
    if choice.parallel is not None:
        told["parallel_tool_calls"] = choice.parallel
    return told
