"""A Chat Completions request: read into a `Chat`, and written from one."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from turnout.types.chat import Chat, OutputFormat, Reasoning
from turnout.wire.fields import items, maybe, number, record, text, truth, whole
from turnout.wire.openai_chat.limits import MAX_USER
from turnout.wire.openai_chat.messages import decode_messages, encode_messages
from turnout.wire.openai_chat.outline import outline
from turnout.wire.openai_chat.tools import decode_tool_choice, decode_tools, encode_tool, encode_tool_choice

_COMPLETION_TOKENS: Final = re.compile(r"(?:^|[/:])(?:o\d|gpt-(?:[5-9]|\d\d))", re.IGNORECASE)
"""Models that only take `max_completion_tokens`. Other servers of the dialect only know `max_tokens`."""

_EFFORTS: Final = ((4_096, "low"), (16_384, "medium"))
"""The effort that a budget of reasoning tokens comes closest to; "high" above."""


def decode_request(body: dict[str, Any]) -> Chat:
    """Read a request.

    Raises:
        InvalidRequest: it is not a request of this dialect.
    """
    outlined = outline(body)
    system, messages = decode_messages(items(body.get("messages"), "messages"))
    return Chat(
        system=system,
        messages=messages,
        tools=decode_tools(body.get("tools")),
        tool_choice=decode_tool_choice(body.get("tool_choice"), body.get("parallel_tool_calls")),
        max_tokens=outlined.max_tokens,
        temperature=maybe(number, body.get("temperature"), "temperature"),
        top_p=maybe(number, body.get("top_p"), "top_p"),
        stop=_decode_stop(body.get("stop")),
        seed=maybe(whole, body.get("seed"), "seed"),
        presence_penalty=maybe(number, body.get("presence_penalty"), "presence_penalty"),
        frequency_penalty=maybe(number, body.get("frequency_penalty"), "frequency_penalty"),
        logit_bias=_decode_logit_bias(body.get("logit_bias")),
        logprobs=maybe(truth, body.get("logprobs"), "logprobs") or False,
        top_logprobs=maybe(whole, body.get("top_logprobs"), "top_logprobs"),
        format=_decode_format(body.get("response_format")),
        reasoning=_decode_reasoning(body.get("reasoning_effort")),
        user=outlined.user,
        stream=maybe(truth, body.get("stream"), "stream") or False,
        foreign=tuple(sorted(need[6:] for need in outlined.needs if need.startswith("field:"))),
    )


def _decode_stop(stop: Any) -> tuple[str, ...]:
    if stop is None or isinstance(stop, str):
        return () if stop is None else (stop,)
    return tuple(text(one, f"stop[{index}]") for index, one in enumerate(items(stop, "stop")))


def _decode_logit_bias(bias: Any) -> dict[str, float] | None:
    told = maybe(record, bias, "logit_bias")
    return told and {token: number(value, f"logit_bias.{token}") for token, value in told.items()}


def _decode_format(form: Any) -> OutputFormat | None:
    if form is None:
        return None
    kind = text(record(form, "response_format").get("type"), "response_format.type")
    if kind == "json_object":
        return OutputFormat(kind="json_object")
    if kind != "json_schema":
        return None
    param = "response_format.json_schema"
    told = record(form.get("json_schema"), param)
    return OutputFormat(
        kind="json_schema",
        name=text(told.get("name"), f"{param}.name"),
        schema=maybe(record, told.get("schema"), f"{param}.schema"),
        strict=maybe(truth, told.get("strict"), f"{param}.strict"),
        description=maybe(text, told.get("description"), f"{param}.description"),
    )


def _decode_reasoning(effort: Any) -> Reasoning | None:
    if effort is None:
        return None
    told = text(effort, "reasoning_effort")
    return Reasoning(enabled=False) if told == "none" else Reasoning(effort=told)


def encode_request(chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
    """Write a request for `model`; what the dialect lacks must have been ruled out by the outline's needs."""
    max_tokens = "max_completion_tokens" if _COMPLETION_TOKENS.search(model) else "max_tokens"
    told: dict[str, Any] = {
        max_tokens: chat.max_tokens,
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "stop": list(chat.stop) or None,
        "seed": chat.seed,
        "presence_penalty": chat.presence_penalty,
        "frequency_penalty": chat.frequency_penalty,
        "logit_bias": chat.logit_bias,
        "logprobs": chat.logprobs or None,
        "top_logprobs": chat.top_logprobs,
        "response_format": chat.format and _encode_format(chat.format),
        "reasoning_effort": chat.reasoning and effort_of(chat.reasoning),
        "user": chat.user and fitting_user(chat.user),
        "tools": [encode_tool(tool) for tool in chat.tools] or None,
    }
    if chat.tools and chat.tool_choice is not None:
        told |= encode_tool_choice(chat.tool_choice)
    if chat.stream:
        told["stream"] = True
        told["stream_options"] = {"include_usage": True} if ask_usage else None
    body: dict[str, Any] = {"model": model, "messages": encode_messages(chat)}
    return body | {field: value for field, value in told.items() if value is not None}


def _encode_format(form: OutputFormat) -> dict[str, Any]:
    if form.kind == "json_object":
        return {"type": "json_object"}
    strict = fits_strict(form.schema) if form.strict is None else form.strict
    told = {"description": form.description, "schema": form.schema, "strict": strict or form.strict}
    schema = {"name": form.name or "answer"} | {field: value for field, value in told.items() if value is not None}
    return {"type": "json_schema", "json_schema": schema}


def fits_strict(schema: dict[str, Any] | None) -> bool | None:
    """Whether this dialect's strict mode takes a schema: every object is closed and requires all it has.

    Returns:
        True or None; a caller who did not ask for strictness is not refused for the lack of it.
    """
    waiting: list[Any] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            if isinstance(part.get("properties"), dict) and not _is_closed(part):
                return None
            waiting += part.values()
    return True


def _is_closed(part: dict[str, Any]) -> bool:
    required = part.get("required")
    if not isinstance(required, list) or part.get("additionalProperties") is not False:
        return False
    properties: dict[str, Any] = part["properties"]
    return properties.keys() <= {name for name in required if isinstance(name, str)}


def effort_of(reasoning: Reasoning) -> str | None:
    """The effort. Reasoning that is switched off has no word that every model takes: off is what most models are."""
    if not reasoning.enabled or reasoning.effort is not None or reasoning.budget_tokens is None:
        return reasoning.effort if reasoning.enabled else None
    budget = reasoning.budget_tokens
    return next((effort for most, effort in _EFFORTS if budget <= most), "high")


def fitting_user(user: str) -> str:
    """The user, or its SHA-256 where it is longer than the API takes."""
    return user if len(user) <= MAX_USER else hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
