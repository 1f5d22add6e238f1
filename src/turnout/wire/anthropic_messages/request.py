"""A Messages request: read into a `Chat`, and written from one."""

from __future__ import annotations

from typing import Any

from turnout.types.chat import Chat, OutputFormat
from turnout.wire.anthropic_messages.content import decode_system
from turnout.wire.anthropic_messages.limits import default_max_tokens
from turnout.wire.anthropic_messages.messages import decode_messages, encode_messages
from turnout.wire.anthropic_messages.outline import outline
from turnout.wire.anthropic_messages.thinking import decode_reasoning, encode_reasoning
from turnout.wire.anthropic_messages.tools import decode_tool_choice, decode_tools, encode_tool, encode_tool_choice
from turnout.wire.fields import items, maybe, number, record, text, truth, whole


def decode_request(body: dict[str, Any]) -> Chat:
    """Read a request.

    Raises:
        InvalidRequest: it is not a request of this dialect.
    """
    outlined = outline(body)
    config = maybe(record, body.get("output_config"), "output_config") or {}
    form = config.get("format") if config.get("format") is not None else body.get("output_format")
    stops = items(body.get("stop_sequences") or [], "stop_sequences")
    return Chat(
        system=decode_system(body.get("system")),
        messages=decode_messages(items(body.get("messages"), "messages")),
        tools=decode_tools(body.get("tools")),
        tool_choice=decode_tool_choice(body.get("tool_choice")),
        max_tokens=outlined.max_tokens,
        temperature=maybe(number, body.get("temperature"), "temperature"),
        top_p=maybe(number, body.get("top_p"), "top_p"),
        top_k=maybe(whole, body.get("top_k"), "top_k"),
        stop=tuple(text(stop, f"stop_sequences[{index}]") for index, stop in enumerate(stops)),
        format=_decode_format(form),
        reasoning=decode_reasoning(body.get("thinking"), config.get("effort")),
        user=outlined.user,
        stream=maybe(truth, body.get("stream"), "stream") or False,
        foreign=tuple(sorted(need[6:] for need in outlined.needs if need.startswith("field:"))),
    )


def _decode_format(form: Any) -> OutputFormat | None:
    if form is None or record(form, "output_config.format").get("type") != "json_schema":
        return None
    return OutputFormat(kind="json_schema", schema=record(form.get("schema"), "output_config.format.schema"))


def encode_request(chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
    """Write a request for `model`; what the dialect lacks must have been ruled out by the outline's needs.

    Raises:
        InvalidRequest: the history has a tool call whose arguments are not a JSON object.
    """
    del ask_usage  # it comes unasked
    max_tokens = default_max_tokens(model) if chat.max_tokens is None else chat.max_tokens
    reasoning = encode_reasoning(chat, model, max_tokens)
    config = {
        "effort": reasoning.get("effort"),
        "format": chat.format and {"type": "json_schema", "schema": chat.format.schema or {}},
    }
    told: dict[str, Any] = {
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "top_k": chat.top_k,
        "stop_sequences": list(chat.stop) or None,
        "tools": [encode_tool(tool) for tool in chat.tools] or None,
        "tool_choice": encode_tool_choice(chat.tool_choice) if chat.tools and chat.tool_choice else None,
        "output_config": {field: value for field, value in config.items() if value is not None} or None,
        "thinking": reasoning.get("thinking"),
        "metadata": chat.user and {"user_id": chat.user},
        "stream": chat.stream or None,
    }
    body = {"model": model, "max_tokens": max_tokens, **encode_messages(chat, model)}
    return body | {field: value for field, value in told.items() if value is not None}
