"""The fault provider's Gemini is Gemini: Google's own SDK takes all of it, and forbids what it does not know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.testing.fault_provider.test_healthy import BOTH, CALL, NAMES, OUTPUT_TOKENS, SAID, WEATHER, asked
from tests.testing.fault_provider.wires import QUESTION
from turnout.testing import HEALTHY_TEXT, THINKING_TEXT, FaultProvider

# How the SDK uses aiohttp is its own affair.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
FUNCTIONS: list[Any] = [types.FunctionDeclaration(name=name, parameters_json_schema=WEATHER) for name in NAMES]
TOOLS: dict[str, Any] = {
    "tools": [types.Tool(function_declarations=FUNCTIONS)],
    "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
}


@pytest.fixture
async def gemini(provider: FaultProvider) -> AsyncIterator[genai.client.AsyncClient]:
    options = types.HttpOptions(base_url=provider.gemini_base_url)
    async with genai.Client(api_key="key", vertexai=False, http_options=options).aio as client:
        yield client


async def both_ways(gemini: genai.client.AsyncClient, text: str = QUESTION, **config: Any) -> tuple[Any, list[Any]]:
    """The answer in one document, and as a stream."""
    request: dict[str, Any] = {"model": "m", "contents": text, "config": types.GenerateContentConfig(**config)}
    whole = await gemini.models.generate_content(**request)
    return whole, [piece async for piece in await gemini.models.generate_content_stream(**request)]


def said(pieces: list[Any], *, thought: bool = False) -> str:
    parts = [part for piece in pieces for part in piece.candidates[0].content.parts]
    return "".join(part.text or "" for part in parts if bool(part.thought) is thought)


async def test_it_streams_what_it_answers_in_one_document(gemini: genai.client.AsyncClient) -> None:
    whole, pieces = await both_ways(gemini)
    assert whole.text == said(pieces) == HEALTHY_TEXT
    reasons = [piece.candidates[0].finish_reason for piece in pieces]
    assert reasons == [None] * OUTPUT_TOKENS + [types.FinishReason.STOP]
    assert whole.usage_metadata == pieces[-1].usage_metadata
    assert whole.usage_metadata.prompt_token_count == 1 + len(QUESTION) // 4
    assert whole.usage_metadata.candidates_token_count == OUTPUT_TOKENS
    assert [piece.usage_metadata.candidates_token_count for piece in pieces[:3]] == [1, 2, 3]


async def test_it_thinks_if_asked_and_counts_thoughts_apart(gemini: genai.client.AsyncClient) -> None:
    whole, pieces = await both_ways(gemini, thinking_config=types.ThinkingConfig(include_thoughts=True))
    assert said([whole], thought=True) == said(pieces, thought=True) == THINKING_TEXT
    assert said([whole]) == said(pieces) == HEALTHY_TEXT
    for usage in (whole.usage_metadata, pieces[-1].usage_metadata):
        assert usage.thoughts_token_count == len(THINKING_TEXT.split())
        assert usage.candidates_token_count == OUTPUT_TOKENS


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        (QUESTION, {}, []),
        (CALL, {}, ["weather"]),
        (BOTH, {"mode": "VALIDATED"}, NAMES),
        (QUESTION, {"mode": "ANY"}, ["weather"]),
        (QUESTION, {"mode": "ANY", "allowed_function_names": ["trains"]}, ["trains"]),
    ],
)
async def test_it_calls_the_tools_that_are_asked_for(
    gemini: genai.client.AsyncClient, text: str, choice: dict[str, Any], called: list[str]
) -> None:
    config = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(**choice))
    whole, pieces = await both_ways(gemini, text, **TOOLS, tool_config=config)
    streamed = [call for piece in pieces for call in piece.function_calls or ()]
    for calls in (whole.function_calls or [], streamed):
        assert [(call.name, call.args) for call in calls] == [(name, SAID) for name in called]
        assert len({call.id for call in calls}) == len(called)
    signed = [part.thought_signature is not None for part in whole.candidates[0].content.parts if part.function_call]
    assert signed == [True, False][: len(called)]


async def test_it_answers_a_tools_result_by_text(gemini: genai.client.AsyncClient) -> None:
    call = types.Part(function_call=types.FunctionCall(id="1", name="weather", args={}))
    result = types.Part(function_response=types.FunctionResponse(id="1", name="weather", response={"output": "sunny"}))
    contents: list[Any] = [
        types.Content(role="user", parts=[types.Part(text=CALL)]),
        types.Content(role="model", parts=[call]),
        types.Content(role="user", parts=[result]),
    ]
    answer = await gemini.models.generate_content(
        model="m", contents=contents, config=types.GenerateContentConfig(**TOOLS)
    )
    assert answer.text == HEALTHY_TEXT


async def test_it_fills_in_a_schema_or_any_object(gemini: genai.client.AsyncClient) -> None:
    whole, pieces = await both_ways(gemini, response_mime_type="application/json", response_json_schema=WEATHER)
    assert json.loads(whole.text) == json.loads(said(pieces)) == SAID
    whole, _ = await both_ways(gemini, response_mime_type="application/json")
    assert json.loads(whole.text) == {"answer": "Paris"}


async def test_it_gives_log_probabilities_for_each_token(gemini: genai.client.AsyncClient) -> None:
    whole, pieces = await both_ways(gemini, response_logprobs=True, logprobs=2)
    told = whole.candidates[0].logprobs_result
    streamed = [piece.candidates[0].logprobs_result for piece in pieces[:-1]]
    assert "".join(each.token for each in told.chosen_candidates) == HEALTHY_TEXT
    assert [each for result in streamed for each in result.chosen_candidates] == told.chosen_candidates
    assert all(len(each.candidates) == 2 for each in told.top_candidates)


@pytest.mark.parametrize(
    ("config", "text", "reason"),
    [
        ({"max_output_tokens": 3}, "The café keeps", types.FinishReason.MAX_TOKENS),
        ({"stop_sequences": ["lights", "never"]}, "The café keeps its ", types.FinishReason.STOP),
    ],
)
async def test_it_honours_its_limits(
    gemini: genai.client.AsyncClient, config: dict[str, Any], text: str, reason: types.FinishReason
) -> None:
    whole, pieces = await both_ways(gemini, **config)
    assert whole.text == said(pieces) == text
    assert whole.candidates[0].finish_reason is pieces[-1].candidates[0].finish_reason is reason


async def test_a_cached_prompt_is_told_and_is_half_of_it(gemini: genai.client.AsyncClient) -> None:
    whole, _ = await both_ways(gemini, "x" * 400, cached_content="cachedContents/k")
    usage = whole.usage_metadata
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (101, 50)


@pytest.mark.parametrize(
    ("model", "code", "status"),
    [
        ("fault:status(429, retry_after=2)", 429, "RESOURCE_EXHAUSTED"),
        ("fault:status(503)", 503, "UNAVAILABLE"),
        ("fault:status(500)", 500, "INTERNAL"),
        ("fault:context_length", 400, "INVALID_ARGUMENT"),
        ("fault:stal_after(1)", 400, "INVALID_ARGUMENT"),
    ],
)
async def test_it_refuses_in_googles_envelope(
    gemini: genai.client.AsyncClient, model: str, code: int, status: str
) -> None:
    with pytest.raises(errors.APIError) as caught:
        await gemini.models.generate_content(model=model, contents=QUESTION)
    assert (caught.value.code, caught.value.status) == (code, status)


async def test_it_fails_within_a_stream(gemini: genai.client.AsyncClient, provider: FaultProvider) -> None:
    provider.use("sse_error_at(5)")
    seen: list[Any] = []
    stream = await gemini.models.generate_content_stream(model="m", contents=QUESTION)
    with pytest.raises(errors.APIError, match="INTERNAL"):
        await _take(stream, seen)
    assert HEALTHY_TEXT.startswith(said(seen))


async def _take(stream: AsyncIterator[Any], seen: list[Any]) -> None:
    async for piece in stream:
        seen.append(piece)  # noqa: PERF401 - what comes before the error must not be lost


async def test_a_filter_stops_it_for_safety(gemini: genai.client.AsyncClient, provider: FaultProvider) -> None:
    provider.use("content_filter")
    whole, pieces = await both_ways(gemini)
    for answer in (whole, pieces[-1]):
        assert answer.candidates[0].finish_reason is types.FinishReason.SAFETY


async def test_it_is_found_by_its_paths_alone(provider: FaultProvider) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]}
    for path, told in {
        "/v1beta/models/m:generateContent": 200,
        "/v1beta/models/m:streamGenerateContent?alt=sse": 200,
        "/v1beta/models/m:streamGenerateContent": 400,
        "/v1beta/models/m:countTokens": 404,
        "/v1beta/models/a/b:generateContent": 404,
    }.items():
        status, answer = await asyncio.to_thread(asked, provider.url + path, body)
        assert status == told, path
        assert status == 200 or json.loads(answer)["error"]["code"] == status
