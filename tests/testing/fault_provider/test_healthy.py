"""A healthy fault provider is a provider: the official SDKs accept every field of it, strictly."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.testing.fault_provider.wires import PATHS, QUESTION, body_for
from turnout.testing import HEALTHY_TEXT, THINKING_TEXT, FaultProvider, HostedFaultProvider, running_fault_provider

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
NAMES = ["weather", "trains"]
CALL, BOTH = "Please call the tool.", "Please use both tools."
SAID = {"city": "Paris", "unit": "celsius"}
OUTPUT_TOKENS = 30


def says(text: str = QUESTION) -> list[Any]:
    return [{"role": "user", "content": text}]


def chat_tools() -> list[Any]:
    return [{"type": "function", "function": {"name": name, "parameters": WEATHER}} for name in NAMES]


# --- OpenAI chat


async def test_chat_answers_in_one_document(gpt: openai.AsyncOpenAI) -> None:
    answer = await gpt.chat.completions.create(model="m", messages=says())
    assert answer.choices[0].message.content == HEALTHY_TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 1 + len(QUESTION) // 4
    assert answer.usage.completion_tokens == OUTPUT_TOKENS
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + OUTPUT_TOKENS
    assert answer._request_id is not None


@pytest.mark.parametrize("wanted", [True, False])
async def test_chat_streams_and_tells_its_usage_if_asked(gpt: openai.AsyncOpenAI, wanted: bool) -> None:
    stream = await gpt.chat.completions.create(
        model="m", messages=says(), stream=True, stream_options={"include_usage": wanted}
    )
    chunks = [chunk async for chunk in stream]
    spoken = [chunk for chunk in chunks if chunk.choices]
    assert spoken[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in spoken) == HEALTHY_TEXT
    assert [chunk.choices[0].finish_reason for chunk in spoken] == [None] * (len(spoken) - 1) + ["stop"]
    assert [chunk.usage is not None for chunk in chunks] == [False] * len(spoken) + [True] * wanted
    assert all(("usage" in chunk.model_fields_set) == wanted for chunk in spoken)


async def test_chat_calls_both_tools_streamed_as_in_one_document(gpt: openai.AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"model": "m", "messages": says(BOTH), "tools": chat_tools()}
    whole = (await gpt.chat.completions.create(**asked)).choices[0]
    async with gpt.chat.completions.stream(**asked) as stream:
        streamed = (await stream.get_final_completion()).choices[0]
    for choice in (whole, streamed):
        calls: list[Any] = list(choice.message.tool_calls or ())
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content is None
        assert [call.function.name for call in calls] == NAMES
        assert [json.loads(call.function.arguments) for call in calls] == [SAID, SAID]
        assert len({call.id for call in calls}) == len(calls)


@pytest.mark.parametrize(
    ("choice", "text", "called"),
    [
        ("auto", QUESTION, []),
        ("auto", CALL, ["weather"]),
        ("required", QUESTION, ["weather"]),
        ({"type": "function", "function": {"name": "trains"}}, QUESTION, ["trains"]),
    ],
)
async def test_chat_calls_the_tool_that_is_asked_for(
    gpt: openai.AsyncOpenAI, choice: Any, text: str, called: list[str]
) -> None:
    answer = await gpt.chat.completions.create(model="m", messages=says(text), tools=chat_tools(), tool_choice=choice)
    calls: list[Any] = list(answer.choices[0].message.tool_calls or ())
    assert [call.function.name for call in calls] == called


async def test_chat_answers_a_tools_result_by_text(gpt: openai.AsyncOpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages: list[Any] = [
        *says(CALL),
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    answer = await gpt.chat.completions.create(model="m", messages=messages, tools=chat_tools())
    assert answer.choices[0].message.content == HEALTHY_TEXT


async def test_chat_gives_log_probabilities_for_each_token(gpt: openai.AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"model": "m", "messages": says(), "logprobs": True, "top_logprobs": 2}
    whole = (await gpt.chat.completions.create(**asked)).choices[0].logprobs
    stream = await gpt.chat.completions.create(**asked, stream=True)
    streamed = [chunk.choices[0].logprobs async for chunk in stream]
    assert whole is not None
    assert whole.content is not None
    assert "".join(each.token for each in whole.content) == HEALTHY_TEXT
    assert all(each.top_logprobs[0].token == each.token for each in whole.content)
    assert all(len(each.top_logprobs) == 2 and each.logprob < 0 for each in whole.content)
    assert [each for part in streamed if part for each in part.content or ()] == whole.content


async def test_chat_fills_in_a_schema(gpt: openai.AsyncOpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "weather", "schema": WEATHER, "strict": True}}
    answer = await gpt.chat.completions.create(model="m", messages=says(), response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "") == SAID


async def test_chat_bills_reasoning_that_it_does_not_show(gpt: openai.AsyncOpenAI) -> None:
    answer = await gpt.chat.completions.create(model="m", messages=says(), reasoning_effort="low")
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    reasoning = answer.usage.completion_tokens_details.reasoning_tokens
    assert reasoning == len(THINKING_TEXT.split())
    assert answer.usage.completion_tokens == OUTPUT_TOKENS + reasoning


async def test_chat_gives_several_choices(gpt: openai.AsyncOpenAI) -> None:
    answer = await gpt.chat.completions.create(model="m", messages=says(), n=2)
    stream = await gpt.chat.completions.create(model="m", messages=says(), n=2, stream=True)
    texts = {0: "", 1: ""}
    async for chunk in stream:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert [choice.message.content for choice in answer.choices] == [HEALTHY_TEXT] * 2
    assert texts == {0: HEALTHY_TEXT, 1: HEALTHY_TEXT}
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 2 * OUTPUT_TOKENS


async def test_chat_honours_max_tokens_and_stop(gpt: openai.AsyncOpenAI) -> None:
    short = await gpt.chat.completions.create(model="m", messages=says(), max_completion_tokens=3)
    stopped = await gpt.chat.completions.create(model="m", messages=says(), stop=["lights", "never"])
    assert (short.choices[0].message.content, short.choices[0].finish_reason) == ("The café keeps", "length")
    assert stopped.choices[0].message.content == "The café keeps its "
    assert stopped.choices[0].finish_reason == "stop"


async def test_a_cached_prompt_is_told_and_is_half_of_it(
    gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic
) -> None:
    chat = await gpt.chat.completions.create(model="m", messages=says("x" * 400), prompt_cache_key="k")
    block: Any = {"type": "text", "text": "x" * 400, "cache_control": {"type": "ephemeral"}}
    message = await claude.messages.create(model="m", max_tokens=99, messages=[{"role": "user", "content": [block]}])
    assert chat.usage is not None
    assert chat.usage.prompt_tokens_details is not None
    assert (chat.usage.prompt_tokens, chat.usage.prompt_tokens_details.cached_tokens) == (101, 50)
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (51, 50)


# --- OpenAI responses


def response_tools() -> list[Any]:
    return [{"type": "function", "name": name, "parameters": WEATHER, "strict": True} for name in NAMES]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"input": QUESTION}, ["message"]),
        ({"input": says(), "instructions": "Be brief.", "temperature": 0.5}, ["message"]),
        ({"input": QUESTION, "reasoning": {"effort": "low", "summary": "auto"}}, ["reasoning", "message"]),
        ({"input": says(BOTH), "tools": response_tools()}, ["function_call", "function_call"]),
        ({"input": QUESTION, "tools": response_tools(), "tool_choice": "required"}, ["function_call"]),
    ],
)
async def test_responses_stream_what_they_answer_in_one_document(
    gpt: openai.AsyncOpenAI, changes: dict[str, Any], kinds: list[str]
) -> None:
    whole = await gpt.responses.create(model="m", **changes)
    stream = await gpt.responses.create(model="m", **changes, stream=True)
    events: list[Any] = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [events[0].type, events[1].type] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    assert [item.type for item in whole.output] == kinds
    assert [item.type for item in events[-1].response.output] == kinds
    assert events[-1].response.usage == whole.usage
    assert whole.output_text == events[-1].response.output_text == (HEALTHY_TEXT if "message" in kinds else "")
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == whole.output_text


async def test_responses_are_put_together_by_the_sdk(gpt: openai.AsyncOpenAI) -> None:
    tools = response_tools()
    async with gpt.responses.stream(model="m", input=CALL, tools=tools) as stream:
        final = await stream.get_final_response()
    (call,) = final.output
    assert call.type == "function_call"
    assert json.loads(call.arguments) == SAID


async def test_responses_honour_their_limit_and_say_that_they_are_incomplete(gpt: openai.AsyncOpenAI) -> None:
    answer = await gpt.responses.create(model="m", input=QUESTION, max_output_tokens=4)
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.output_text == "The café keeps its"


async def test_responses_fill_in_a_schema(gpt: openai.AsyncOpenAI) -> None:
    wanted: Any = {"format": {"type": "json_schema", "name": "weather", "schema": WEATHER, "strict": True}}
    answer = await gpt.responses.create(model="m", input=QUESTION, text=wanted)
    assert json.loads(answer.output_text) == SAID


# --- Anthropic messages


def claude_tools() -> list[Any]:
    return [{"name": name, "input_schema": WEATHER} for name in NAMES]


@pytest.mark.parametrize(
    ("changes", "kinds", "stop_reason"),
    [
        ({"messages": says()}, ["text"], "end_turn"),
        ({"messages": says(), "system": "Be brief.", "max_tokens": 4}, ["text"], "max_tokens"),
        ({"messages": says(), "stop_sequences": ["until"]}, ["text"], "stop_sequence"),
        (
            {"messages": says(), "thinking": {"type": "enabled", "budget_tokens": 1024}},
            ["thinking", "text"],
            "end_turn",
        ),
        ({"messages": says(BOTH), "tools": claude_tools()}, ["tool_use", "tool_use"], "tool_use"),
        (
            {
                "messages": says(),
                "tools": claude_tools(),
                "tool_choice": {"type": "tool", "name": "trains"},
            },
            ["tool_use"],
            "tool_use",
        ),
    ],
)
async def test_messages_stream_what_they_answer_in_one_document(
    claude: anthropic.AsyncAnthropic, changes: dict[str, Any], kinds: list[str], stop_reason: str
) -> None:
    asked: dict[str, Any] = {"model": "m", "max_tokens": 2000, **changes}
    whole: Any = await claude.messages.create(**asked)
    async with claude.messages.stream(**asked) as stream:
        streamed: Any = await stream.get_final_message()
    assert [block.type for block in whole.content] == kinds
    assert whole.stop_reason == stop_reason
    named = {"id", "signature"}
    for one, other in zip(whole.content, streamed.content, strict=True):
        assert one.model_dump(exclude=named) | {"parsed_output": None} == other.model_dump(exclude=named) | {
            "parsed_output": None
        }
    assert (streamed.stop_reason, streamed.stop_sequence) == (whole.stop_reason, whole.stop_sequence)
    assert streamed.usage.output_tokens == whole.usage.output_tokens
    assert streamed.usage.input_tokens == whole.usage.input_tokens


async def test_messages_are_sent_in_the_order_that_the_provider_has(claude: anthropic.AsyncAnthropic) -> None:
    stream = await claude.messages.create(model="m", max_tokens=99, messages=says(), stream=True)
    kinds = [event.type async for event in stream]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[2:-3] == ["content_block_delta"] * OUTPUT_TOKENS
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


async def test_messages_fill_in_a_schema(claude: anthropic.AsyncAnthropic) -> None:
    wanted: Any = {"format": {"type": "json_schema", "schema": WEATHER}}
    answer: Any = await claude.messages.create(model="m", max_tokens=99, messages=says(), output_config=wanted)
    assert json.loads(answer.content[0].text) == SAID


async def test_messages_are_counted_as_they_would_be_billed_and_bill_nothing(
    provider: FaultProvider, claude: anthropic.AsyncAnthropic
) -> None:
    asked: dict[str, Any] = {"model": "m", "system": "Be kind.", "messages": says(), "tools": claude_tools()}
    answer = await claude.messages.create(max_tokens=99, **asked)
    counted = await claude.messages.count_tokens(**asked)
    assert counted.input_tokens == answer.usage.input_tokens
    with pytest.raises(anthropic.BadRequestError, match="max_tokens: Extra inputs"):
        await claude.messages.count_tokens(**asked, extra_body={"max_tokens": 99})
    bills = [line["billed"]["input_tokens"] for line in provider.log if line["event"] == "ended"]
    assert bills[:2] == [counted.input_tokens, 0]


async def test_messages_answer_a_tools_result_by_text(claude: anthropic.AsyncAnthropic) -> None:
    used = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
    messages: list[Any] = [
        *says(CALL),
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [result]},
    ]
    answer: Any = await claude.messages.create(model="m", max_tokens=99, messages=messages, tools=claude_tools())
    assert answer.content[0].text == HEALTHY_TEXT


# --- all


async def test_models_are_listed_in_both_forms(gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic) -> None:
    ours = [model.id async for model in gpt.models.list()]
    theirs = [model.id async for model in claude.models.list()]
    assert ours == theirs
    assert "fault:healthy" in ours


async def test_what_the_provider_cannot_read_is_refused_in_the_dialect(
    gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic
) -> None:
    with pytest.raises(openai.BadRequestError, match="did you mean 'stall_after'") as by_openai:
        await gpt.chat.completions.create(model="fault:stal_after(1)", messages=says())
    with pytest.raises(anthropic.BadRequestError, match="did you mean 'stall_after'") as by_anthropic:
        await claude.messages.create(model="fault:stal_after(1)", max_tokens=9, messages=says())
    assert by_openai.value.param == "model"
    assert by_anthropic.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError):
        await gpt.moderations.create(model="m", input="x")
    with pytest.raises(openai.BadRequestError, match="messages"):
        await gpt.post("/chat/completions", cast_to=object, body={"model": "m"})


async def test_a_test_sees_each_request_as_it_came(gpt: openai.AsyncOpenAI, provider: FaultProvider) -> None:
    await gpt.chat.completions.create(model="m", messages=says(), extra_headers={"x-turnout-decision": "d-1"})
    (seen,) = provider.requests
    assert (seen.id, seen.path, seen.fault) == ("d-1", "/v1/chat/completions", "healthy")
    assert seen.headers["authorization"] == "Bearer key"
    assert seen.body["messages"] == says()


async def test_the_same_seed_gives_the_same_ids() -> None:
    async def first_id(seed: int) -> str:
        async with (
            FaultProvider(seed=seed) as provider,
            openai.AsyncOpenAI(base_url=provider.openai_base_url, api_key="key") as client,
        ):
            return (await client.chat.completions.create(model="m", messages=says())).id

    assert await first_id(1) == await first_id(1) != await first_id(2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "messages",
    "input",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "n",
    "stop",
    "stop_sequences",
    "tools",
    "tool_choice",
    "response_format",
    "output_config",
    "text",
    "reasoning",
    "reasoning_effort",
    "thinking",
    "logprobs",
    "top_logprobs",
    "stream_options",
    "system",
    "metadata",
    "instructions",
]


@given(
    path=st.sampled_from(sorted(PATHS.values())),
    valid=st.sampled_from(["chat", "messages"]),
    odd=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3),
    stream=st.booleans(),
)
def test_whatever_a_request_holds_it_is_answered_or_refused(
    fuzzed: HostedFaultProvider, path: str, valid: str, odd: dict[str, Any], stream: bool
) -> None:
    status, answer = asked(fuzzed.url + path, body_for(valid, stream=stream) | odd)
    assert status in {200, 400}
    assert answer if status == 200 else json.loads(answer)["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_more_choices_than_the_real_one_gives_are_refused(fuzzed: HostedFaultProvider, stream: bool) -> None:
    status, answer = asked(fuzzed.url + "/v1/chat/completions", body_for("chat", stream=stream) | {"n": 211_362})
    assert status == 400
    assert json.loads(answer)["error"]["param"] == "n"


def asked(url: str, body: dict[str, Any]) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[HostedFaultProvider]:
    with running_fault_provider() as provider:
        yield provider


async def test_json_without_a_schema_is_an_object(gpt: openai.AsyncOpenAI) -> None:
    chat = await gpt.chat.completions.create(model="m", messages=says(), response_format={"type": "json_object"})
    response = await gpt.responses.create(model="m", input=QUESTION, text={"format": {"type": "json_object"}})
    assert json.loads(chat.choices[0].message.content or "") == json.loads(response.output_text) == {"answer": "Paris"}
