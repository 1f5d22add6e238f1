"""Tools, and which of them must be called."""

from __future__ import annotations

from typing import Any, Final

from turnout.types.chat import Chat, Tool, ToolChoice

_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}


def encode_tools(chat: Chat) -> dict[str, Any]:
    """The fields `tools` and `toolConfig`; none where no tool is offered."""
    if not chat.tools:
        return {}
    told: dict[str, Any] = {"tools": [{"functionDeclarations": [_encode_tool(tool) for tool in chat.tools]}]}
    if (config := _encode_choice(chat.tool_choice or ToolChoice(), chat.tools)) is not None:
        told["toolConfig"] = {"functionCallingConfig": config}
    return told


def _encode_tool(tool: Tool) -> dict[str, Any]:
    """A function; one without a schema takes no arguments."""
    told = {"description": tool.description, "parametersJsonSchema": tool.schema}
    return {"name": tool.name} | {field: value for field, value in told.items() if value is not None}


def _encode_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> dict[str, Any] | None:
    """The mode; None for the default. `VALIDATED` keeps to the schemas, as the caller asked of strict tools."""
    if choice.mode == "tool":
        return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    if choice.mode == "auto":
        return {"mode": "VALIDATED"} if any(tool.strict for tool in tools) else None
    return {"mode": _MODES[choice.mode]}
