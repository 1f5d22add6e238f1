"""What the official SDKs make of a provider that fails: their own errors, and never a whole answer."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.testing.fault_provider.wires import QUESTION
from turnout.testing import HEALTHY_TEXT, FaultProvider

# What an SDK raises for a stream that breaks: its own error, its transport's, or the parser's.
BROKEN = (openai.APIError, anthropic.APIError, httpx2.HTTPError, json.JSONDecodeError, UnicodeDecodeError)
BREAKING = [
    "rst_after_request",
    "rst_after_n_tokens(5)",
    "cut_after(5)",
    "sse_error_at(-1)",
    "sse_error_at(0)",
    "sse_error_at(5, overloaded)",
    "bad_json_at(5)",
    "bad_utf8_at(5)",
    "bad_gzip",
    "status(500)",
    "redirect(127.0.0.1:1)",
    "half_close",
]
COSMETIC = ["slice", "crlf", "cr", "comments", "gzip", "drip(1)", "big_event(1)", "many_headers(20)", "cl_and_te"]


async def chat_text(client: openai.AsyncOpenAI, model: str) -> str:
    messages: Any = [{"role": "user", "content": QUESTION}]
    stream = await client.chat.completions.create(model=model, messages=messages, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


async def messages_text(client: anthropic.AsyncAnthropic, model: str) -> str:
    messages: Any = [{"role": "user", "content": QUESTION}]
    async with client.messages.stream(model=model, max_tokens=99, messages=messages) as stream:
        return "".join([text async for text in stream.text_stream])


async def responses_text(client: openai.AsyncOpenAI, model: str) -> str:
    stream = await client.responses.create(model=model, input=QUESTION, stream=True)
    events: list[Any] = [event async for event in stream]
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


@pytest.mark.parametrize("fault", [fault for fault in BREAKING if not fault.startswith("sse_error")])
async def test_a_broken_response_stream_raises(gpt: openai.AsyncOpenAI, fault: str) -> None:
    with pytest.raises(BROKEN):
        await responses_text(gpt, f"fault:{fault}")


@pytest.mark.parametrize("fault", BREAKING)
async def test_a_broken_chat_stream_raises(gpt: openai.AsyncOpenAI, fault: str) -> None:
    with pytest.raises(BROKEN):
        await chat_text(gpt, f"fault:{fault}")


@pytest.mark.parametrize("fault", BREAKING)
async def test_a_broken_message_stream_raises(claude: anthropic.AsyncAnthropic, fault: str) -> None:
    with pytest.raises(BROKEN):
        await messages_text(claude, f"fault:{fault}")


@pytest.mark.parametrize("fault", COSMETIC)
async def test_what_is_only_odd_is_read_as_whole(
    gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, fault: str
) -> None:
    assert await chat_text(gpt, f"fault:{fault}") == HEALTHY_TEXT
    assert await responses_text(gpt, f"fault:{fault}") == HEALTHY_TEXT
    assert await messages_text(claude, f"fault:{fault}") == HEALTHY_TEXT


async def test_an_error_event_is_raised_with_its_type(
    gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic
) -> None:
    with pytest.raises(openai.APIError, match="Overloaded"):
        await chat_text(gpt, "fault:sse_error_at(3, overloaded)")
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        await messages_text(claude, "fault:sse_error_at(3, overloaded)")


async def test_a_failed_response_is_an_event_that_the_sdk_accepts(gpt: openai.AsyncOpenAI) -> None:
    stream = await gpt.responses.create(model="fault:sse_error_at(3, rate_limit)", input=QUESTION, stream=True)
    events: list[Any] = [event async for event in stream]
    assert events[-1].type == "response.failed"
    assert events[-1].response.error.code == "rate_limit_exceeded"
    assert [event.sequence_number for event in events] == list(range(len(events)))


@pytest.mark.parametrize(
    ("status", "by_openai", "by_anthropic"),
    [
        (400, openai.BadRequestError, anthropic.BadRequestError),
        (401, openai.AuthenticationError, anthropic.AuthenticationError),
        (403, openai.PermissionDeniedError, anthropic.PermissionDeniedError),
        (404, openai.NotFoundError, anthropic.NotFoundError),
        (422, openai.UnprocessableEntityError, anthropic.UnprocessableEntityError),
        (429, openai.RateLimitError, anthropic.RateLimitError),
        (500, openai.InternalServerError, anthropic.InternalServerError),
        (529, openai.InternalServerError, anthropic.APIStatusError),
    ],
)
async def test_each_status_is_the_sdks_own_error(
    gpt: openai.AsyncOpenAI,
    claude: anthropic.AsyncAnthropic,
    status: int,
    by_openai: type[openai.APIStatusError],
    by_anthropic: type[anthropic.APIStatusError],
) -> None:
    with pytest.raises(by_openai) as ours:
        await chat_text(gpt, f"fault:status({status})")
    with pytest.raises(by_anthropic) as theirs:
        await messages_text(claude, f"fault:status({status})")
    assert ours.value.status_code == theirs.value.status_code == status
    assert ours.value.request_id is not None
    assert theirs.value.request_id is not None


async def test_the_sdk_tries_again_as_often_as_the_fault_lasts(provider: FaultProvider) -> None:
    provider.use("status(503, retry_after=1ms)", times=2)
    async with openai.AsyncOpenAI(base_url=provider.openai_base_url, api_key="key", max_retries=2) as client:
        assert await chat_text(client, "m") == HEALTHY_TEXT
    assert [seen.headers["x-stainless-retry-count"] for seen in provider.requests] == ["0", "1", "2"]


async def test_a_truncated_stream_passes_for_whole_in_the_sdk_and_so_must_be_caught_before_it(
    gpt: openai.AsyncOpenAI,
) -> None:
    """The reason for `eof_after`: nothing but a missing finish signal tells."""
    text = await chat_text(gpt, "fault:eof_after(5)")
    assert HEALTHY_TEXT.startswith(text)
    assert text != HEALTHY_TEXT
