"""Whatever JSON a caller sends, it is read or refused by name; it never surprises."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from turnout.errors import InvalidRequest
from turnout.types.dialect import DialectName
from turnout.wire.registry import DIALECTS, PROVIDER_DIALECTS, dialect, provider_dialect

WORDS = st.sampled_from(
    [
        "user",
        "assistant",
        "system",
        "developer",
        "tool",
        "function",
        "text",
        "image",
        "image_url",
        "input_audio",
        "file",
        "refusal",
        "document",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "server_tool_use",
        "base64",
        "url",
        "content",
        "json_schema",
        "json_object",
        "auto",
        "none",
        "any",
        "required",
        "enabled",
        "adaptive",
        "disabled",
        "data:image/png;base64,AA==",
        "data:text/plain;base64,!!!",
        "{}",
        "low",
        "message",
        "input_text",
        "output_text",
        "input_image",
        "input_file",
        "function_call",
        "function_call_output",
        "reasoning",
        "summary_text",
        "completed",
        "incomplete",
        "custom",
        "web_search",
        "anthropic-claude-v1:signature:s",
    ]
)
FIELDS = st.sampled_from(
    [
        "role",
        "content",
        "name",
        "type",
        "text",
        "source",
        "data",
        "media_type",
        "url",
        "image_url",
        "file",
        "file_data",
        "file_id",
        "filename",
        "tool_calls",
        "function",
        "arguments",
        "id",
        "tool_call_id",
        "tool_use_id",
        "input",
        "is_error",
        "thinking",
        "signature",
        "citations",
        "enabled",
        "context",
        "title",
        "refusal",
        "reasoning_details",
        "reasoning_content",
        "audio",
        "function_call",
        "cache_control",
        "parameters",
        "input_schema",
        "strict",
        "json_schema",
        "schema",
        "format",
        "effort",
        "budget_tokens",
        "user_id",
        "description",
        "disable_parallel_tool_use",
        "call_id",
        "output",
        "summary",
        "encrypted_content",
        "file_url",
        "detail",
        "status",
        "logprobs",
        "reason",
        "verbosity",
        "caller",
        "namespace",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6) | WORDS
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=16,
)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}
FILE = {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
DETAILS = [{"type": "reasoning.text", "text": "x", "signature": "s"}, {"type": "reasoning.encrypted", "data": "d"}]
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
PDF = {"type": "document", "source": {"type": "url", "url": "https://x.org"}, "citations": {"enabled": True}}
WHOLE: dict[DialectName, dict[str, Any]] = {
    DialectName.OPENAI_CHAT: {
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "S"}]},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, IMAGE, FILE], "name": "n"},
            {"role": "assistant", "content": None, "refusal": "r", "tool_calls": [CALL], "reasoning_details": DETAILS},
            {"role": "tool", "tool_call_id": "c", "content": "4"},
            {"role": "user", "content": "So?"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"properties": {}}}},
        "logit_bias": {"5": 1},
        "stop": ["x"],
        "temperature": 0.5,
        "reasoning_effort": "low",
        "user": "u",
    },
    DialectName.ANTHROPIC_MESSAGES: {
        "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, PNG, PDF]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "x", "signature": "s"},
                    {"type": "redacted_thinking", "data": "d"},
                    {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [PNG]}]},
            {"role": "system", "content": "now"},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "strict": True}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "metadata": {"user_id": "u"},
        "stop_sequences": ["x"],
    },
}
WHOLE[DialectName.OPENAI_RESPONSES] = {
    "instructions": "S",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "S"}]},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Hi"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
                {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs",
            "summary": [{"type": "summary_text", "text": "x"}],
            "content": [{"type": "reasoning_text", "text": "y"}],
            "encrypted_content": "anthropic-claude-v1:signature:s",
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "r"}],
        },
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "caller": {"type": "direct"}},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "4"}]},
        {"type": "message", "role": "user", "content": "So?"},
    ],
    "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"properties": {}}}, "verbosity": "medium"},
    "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
    "top_logprobs": 2,
    "reasoning": {"effort": "low", "summary": "auto"},
    "temperature": 0.5,
    "user": "u",
}
ANSWERS: dict[DialectName, dict[str, Any]] = {
    DialectName.OPENAI_RESPONSES: {
        "id": "a",
        "model": "m",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "x"}]},
            {
                "type": "message",
                "content": [
                    {"type": "output_text", "text": "x", "logprobs": [{"token": "x", "logprob": -1}]},
                    {"type": "refusal", "refusal": "r"},
                ],
            },
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        ],
        "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 1}},
    },
    DialectName.OPENAI_CHAT: {
        "id": "a",
        "model": "m",
        "choices": [
            {
                "message": {"content": [{"type": "text", "text": "x"}], "tool_calls": [CALL], "refusal": "r"},
                "finish_reason": "stop",
                "logprobs": {"content": [{"token": "x", "logprob": -1, "top_logprobs": []}]},
            }
        ],
        "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}},
    },
    DialectName.ANTHROPIC_MESSAGES: {
        "id": "a",
        "model": "m",
        "content": [{"type": "text", "text": "x"}, {"type": "tool_use", "id": "c", "name": "f", "input": {}}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens_details": {"thinking_tokens": 1}},
    },
    DialectName.GEMINI: {
        "responseId": "a",
        "modelVersion": "m",
        "candidates": [
            {
                "content": {"parts": [{"text": "x"}, {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}]},
                "finishReason": "STOP",
                "logprobsResult": {"chosenCandidates": [{"token": "x", "logProbability": -1}], "topCandidates": [{}]},
            }
        ],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1},
        "promptFeedback": {"blockReason": ""},
    },
}
GONE = object()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, told in inner for place in [(*path, key), *places(told, (*path, key))]]


def spoiled(whole: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The body with another value, or none, in one place."""
    body = copy.deepcopy(whole)
    holder: Any = body
    for key in path[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return body


def near_misses(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(spoiled, st.just(whole), st.sampled_from(places(whole)), st.just(GONE) | VALUES)


REQUESTS = (
    st.sampled_from(DialectName)
    .filter(WHOLE.__contains__)
    .flatmap(lambda name: st.tuples(st.just(name), near_misses(WHOLE[name])))
)
COMPLETE = (
    st.sampled_from(DialectName)
    .filter(ANSWERS.__contains__)
    .flatmap(lambda name: st.tuples(st.just(name), near_misses(ANSWERS[name])))
)


@given(asked=REQUESTS)
@example(asked=(DialectName.OPENAI_CHAT, {"messages": [{"role": "user", "content": [{"type": ["text"]}]}]}))
@example(asked=(DialectName.OPENAI_CHAT, {"messages": [{"role": ["user"], "content": "hi"}]}))
@example(asked=(DialectName.OPENAI_CHAT, {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 10**40}))
@example(asked=(DialectName.ANTHROPIC_MESSAGES, {"messages": [{"role": ["user"], "content": "hi"}]}))
@settings(max_examples=400)
def test_a_request_is_read_and_written_or_refused_by_name(asked: tuple[DialectName, dict[str, Any]]) -> None:
    name, body = asked
    spoken = dialect(name)
    with contextlib.suppress(InvalidRequest):
        needs = spoken.outline(body).needs
        chat = spoken.decode_request(body)
        assert set(chat.foreign) == {need[6:] for need in needs if need.startswith("field:")}
        for provider in PROVIDER_DIALECTS.values():
            msgspec.json.encode(provider.encode_request(chat, "claude-opus-5", ask_usage=True))


@pytest.mark.parametrize("name", DIALECTS)
def test_the_requests_that_are_spoiled_here_are_whole(name: DialectName) -> None:
    for provider in PROVIDER_DIALECTS.values():
        provider.encode_request(dialect(name).decode_request(WHOLE[name]), "m", ask_usage=True)


@pytest.mark.parametrize("name", PROVIDER_DIALECTS)
def test_the_answers_that_are_spoiled_here_are_whole(name: DialectName) -> None:
    provider_dialect(name).read_answer(msgspec.json.encode(ANSWERS[name]))
    provider_dialect(name).decode_answer(ANSWERS[name])


@given(told=COMPLETE)
@settings(max_examples=300)
def test_an_answer_is_read_or_refused(told: tuple[DialectName, dict[str, Any]]) -> None:
    spoken = provider_dialect(told[0])
    for read in (spoken.decode_answer, lambda body: spoken.read_answer(msgspec.json.encode(body))):
        with contextlib.suppress(ValueError):
            read(told[1])


@pytest.mark.parametrize("name", PROVIDER_DIALECTS)
@given(body=st.binary(max_size=40) | VALUES.map(msgspec.json.encode))
def test_a_body_that_is_no_answer_is_never_taken_for_one(name: DialectName, body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        provider_dialect(name).read_answer(body)


@pytest.mark.parametrize("name", PROVIDER_DIALECTS)
@given(
    status=st.integers(300, 599),
    body=st.binary(max_size=20) | VALUES.map(msgspec.json.encode),
    headers=st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), st.text(max_size=30)),
)
def test_an_error_of_any_shape_is_understood_as_a_failure(
    name: DialectName, status: int, body: bytes, headers: dict[str, str]
) -> None:
    failure = provider_dialect(name).decode_failure(status, headers, body)
    assert failure.message
    assert failure.status == status
    assert failure.retry_after_s is None or 0 <= failure.retry_after_s <= 3600
