"""A request, written from a `Chat`: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

from typing import Any

from turnout.types.chat import Chat, OutputFormat
from turnout.wire.gemini.contents import encode_contents
from turnout.wire.gemini.thinking import encode_thinking
from turnout.wire.gemini.tools import encode_tools


def encode_request(chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
    """Write a request for `model`; what the dialect lacks must have been ruled out by the outline's needs.

    The model, and whether to stream, are said by the address.

    Raises:
        InvalidRequest: the history has a call whose arguments are not a JSON object, or a result without its call.
    """
    del ask_usage  # it comes unasked
    told: dict[str, Any] = {
        "temperature": chat.temperature,
        "topP": chat.top_p,
        "topK": chat.top_k,
        "maxOutputTokens": chat.max_tokens,
        "stopSequences": list(chat.stop) or None,
        "seed": chat.seed,
        "presencePenalty": chat.presence_penalty,
        "frequencyPenalty": chat.frequency_penalty,
        "responseLogprobs": chat.logprobs or None,
        "logprobs": chat.top_logprobs or None,
        "thinkingConfig": encode_thinking(chat.reasoning, model),
        **(_encode_format(chat.format) if chat.format else {}),
    }
    config = {field: value for field, value in told.items() if value is not None}
    return encode_contents(chat, model) | encode_tools(chat) | ({"generationConfig": config} if config else {})


def _encode_format(form: OutputFormat) -> dict[str, Any]:
    told = {"responseMimeType": "application/json"}
    return told if form.schema is None else told | {"responseJsonSchema": form.schema}
