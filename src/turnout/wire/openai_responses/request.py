"""A Responses request: read into a `Chat`, and written from one."""

from __future__ import annotations

from typing import Any

from turnout.types.chat import Chat, OutputFormat, Reasoning
from turnout.wire.fields import maybe, number, record, text, truth, whole
from turnout.wire.openai_chat.request import effort_of, fits_strict, fitting_user
from turnout.wire.openai_responses.limits import LOGPROBS
from turnout.wire.openai_responses.messages import decode_input, encode_input
from turnout.wire.openai_responses.outline import outline
from turnout.wire.openai_responses.tools import decode_tool_choice, decode_tools, encode_tool, encode_tool_choice


def decode_request(body: dict[str, Any]) -> Chat:
    """Read a request.

    Raises:
        InvalidRequest: it is not a request of this dialect.
    """
    outlined = outline(body)
    system, messages = decode_input(body.get("input"), maybe(text, body.get("instructions"), "instructions"))
    config = maybe(record, body.get("text"), "text") or {}
    top = maybe(whole, body.get("top_logprobs"), "top_logprobs") or None
    return Chat(
        system=system,
        messages=messages,
        tools=decode_tools(body.get("tools")),
        tool_choice=decode_tool_choice(body.get("tool_choice"), body.get("parallel_tool_calls")),
        max_tokens=outlined.max_tokens,
        temperature=maybe(number, body.get("temperature"), "temperature"),
        top_p=maybe(number, body.get("top_p"), "top_p"),
        logprobs=LOGPROBS in (body.get("include") or ()) or top is not None,
        top_logprobs=top,
        format=_decode_format(config.get("format")),
        reasoning=_decode_reasoning(body.get("reasoning")),
        user=outlined.user,
        stream=maybe(truth, body.get("stream"), "stream") or False,
        foreign=tuple(sorted(need[6:] for need in outlined.needs if need.startswith("field:"))),
    )


def _decode_format(form: Any) -> OutputFormat | None:
    if form is None:
        return None
    param = "text.format"
    kind = text(record(form, param).get("type"), f"{param}.type")
    if kind == "json_object":
        return OutputFormat(kind="json_object")
    if kind != "json_schema":
        return None
    return OutputFormat(
        kind="json_schema",
        name=text(form.get("name"), f"{param}.name"),
        schema=maybe(record, form.get("schema"), f"{param}.schema"),
        strict=maybe(truth, form.get("strict"), f"{param}.strict"),
        description=maybe(text, form.get("description"), f"{param}.description"),
    )


def _decode_reasoning(reasoning: Any) -> Reasoning | None:
    told = maybe(record, reasoning, "reasoning") or {}
    effort = maybe(text, told.get("effort"), "reasoning.effort")
    if effort is None:
        return None
    return Reasoning(enabled=False) if effort == "none" else Reasoning(effort=effort)


def encode_request(chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
    """Write a request for `model`; what the dialect lacks must have been ruled out by the outline's needs.

    Nothing is stored: of the dialects only this one stores unless it is told not to.
    """
    del ask_usage  # it comes unasked
    effort = effort_of(chat.reasoning) if chat.reasoning is not None else None
    told: dict[str, Any] = {
        "max_output_tokens": chat.max_tokens,
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "include": [LOGPROBS] if chat.logprobs else None,
        "top_logprobs": chat.top_logprobs if chat.logprobs else None,
        "text": chat.format and {"format": _encode_format(chat.format)},
        "reasoning": effort and {"effort": effort},
        "user": chat.user and fitting_user(chat.user),
        "tools": [encode_tool(tool) for tool in chat.tools] or None,
        "stream": chat.stream or None,
    }
    if chat.tools and chat.tool_choice is not None:
        told |= encode_tool_choice(chat.tool_choice)
    body: dict[str, Any] = {"model": model, **encode_input(chat), "store": False}
    return body | {field: value for field, value in told.items() if value is not None}


def _encode_format(form: OutputFormat) -> dict[str, Any]:
    if form.kind == "json_object":
        return {"type": "json_object"}
    strict = fits_strict(form.schema) if form.strict is None else form.strict
    told = {"description": form.description, "strict": strict}
    extra = {field: value for field, value in told.items() if value is not None}
    return {"type": "json_schema", "name": form.name or "answer", "schema": form.schema or {}, **extra}
