"""The official OpenAI SDK, unchanged but for `base_url`, before providers of every dialect."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.sdk.conftest import ROUTES, STOPPABLE, Sides
from turnout.testing import HEALTHY_TEXT, THINKING_TEXT

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather somewhere.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def ask(text: str) -> Any:
    return [{"role": "user", "content": text}]


def plain(answer: Any) -> dict[str, Any]:
    """An answer without what is new in every answer."""
    dumped: dict[str, Any] = answer.model_dump(exclude_unset=True)
    dumped.pop("id", None)
    dumped.pop("created", None)
    for choice in dumped.get("choices", ()):
        for call in (choice.get("message") or choice.get("delta") or {}).get("tool_calls") or ():
            call.pop("id", None)
    return dumped


def test_an_answer_is_the_providers_own_to_the_last_field(sides: Sides) -> None:
    request: Any = {"model": "the-model", "messages": ask("Where is my train?")}
    direct = sides.openai(direct=True).chat.completions.create(**request)
    request["model"] = "of-openai"
    assert plain(sides.openai().chat.completions.create(**request)) == plain(direct)


def test_a_stream_is_the_providers_own_event_by_event(sides: Sides) -> None:
    request: Any = {"messages": ask("Where is my train?"), "stream": True, "stream_options": {"include_usage": True}}
    direct = list(sides.openai(direct=True).chat.completions.create(model="the-model", **request))
    through = list(sides.openai().chat.completions.create(model="of-openai", **request))
    assert [plain(chunk) for chunk in through] == [plain(chunk) for chunk in direct]


def test_usage_that_only_the_gateway_asked_for_stays_with_the_gateway(sides: Sides) -> None:
    chunks = list(sides.openai().chat.completions.create(model="of-openai", messages=ask("Hi"), stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert sides.provider.requests[-1].body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_comes_whole_with_its_finish_and_usage(sides: Sides, route: str) -> None:
    answer = sides.openai().chat.completions.create(
        model=route, messages=[{"role": "system", "content": "Be kind."}, *ask("Where is my train?")]
    )
    assert answer.choices[0].message.content == HEALTHY_TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens > 0


@pytest.mark.parametrize("route", ROUTES)
def test_a_stream_adds_up_to_the_whole_answer(sides: Sides, route: str) -> None:
    stream = sides.openai().chat.completions.create(
        model=route, messages=ask("Where?"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == HEALTHY_TEXT
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


@pytest.mark.parametrize("route", ROUTES)
def test_a_conversation_of_many_turns_reaches_the_provider_in_order(sides: Sides, route: str) -> None:
    messages: Any = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": [{"type": "text", "text": "Three"}]},
    ]
    sides.openai().chat.completions.create(model=route, messages=messages)
    seen = json.dumps(sides.provider.requests[-1].body)
    assert seen.index("One") < seen.index("Two") < seen.index("Three")
    assert "Be kind." in seen


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_parallel_tool_calls_and_their_results_make_the_round(sides: Sides, route: str, stream: bool) -> None:
    client = sides.openai()
    messages: Any = ask("Use both tools, please")
    request: Any = {"model": route, "messages": messages, "tools": [WEATHER, CLOCK]}
    if stream:
        with client.chat.completions.stream(**request) as events:
            message = events.get_final_completion().choices[0].message
    else:
        answer = client.chat.completions.create(**request)
        assert answer.choices[0].finish_reason == "tool_calls"
        message = answer.choices[0].message
    calls: Any = message.tool_calls
    assert [call.function.name for call in calls] == ["weather", "clock"]
    assert isinstance(json.loads(calls[0].function.arguments)["city"], str)
    messages += [
        {"role": "assistant", "content": message.content, "tool_calls": [call.model_dump() for call in calls]},
        *({"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"} for call in calls),
        {"role": "user", "content": "And now in one sentence."},
    ]
    last = client.chat.completions.create(model=route, messages=messages, tools=[WEATHER, CLOCK])
    assert last.choices[0].message.content == HEALTHY_TEXT
    seen = json.dumps(sides.provider.requests[-1].body)
    assert all(call.id in seen for call in calls)
    assert "result of weather" in seen
    assert "result of clock" in seen


@pytest.mark.parametrize("route", ROUTES)
def test_an_image_reaches_the_provider(sides: Sides, route: str) -> None:
    content: Any = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    sides.openai().chat.completions.create(model=route, messages=[{"role": "user", "content": content}])
    assert PIXEL.partition(",")[2] in json.dumps(sides.provider.requests[-1].body)


class Ticket(BaseModel):
    platform: int
    town: str


@pytest.mark.parametrize("route", ROUTES)
def test_structured_output_is_parsed_by_the_sdk(sides: Sides, route: str) -> None:
    answer = sides.openai().chat.completions.parse(model=route, messages=ask("A ticket"), response_format=Ticket)
    assert isinstance(answer.choices[0].message.parsed, Ticket)


@pytest.mark.parametrize("route", STOPPABLE)
def test_a_stop_sequence_ends_the_answer_before_it(sides: Sides, route: str) -> None:
    answer = sides.openai().chat.completions.create(model=route, messages=ask("Go"), stop=["leaves"])
    assert answer.choices[0].message.content == HEALTHY_TEXT.partition("leaves")[0]
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("route", ROUTES)
def test_a_limit_of_tokens_shows_as_length(sides: Sides, route: str) -> None:
    answer = sides.openai().chat.completions.create(model=route, messages=ask("Go"), max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length"


def test_log_probabilities_come_where_the_provider_has_them(sides: Sides) -> None:
    request: Any = {"messages": ask("Go"), "logprobs": True, "top_logprobs": 2}
    answer = sides.openai().chat.completions.create(model="of-openai", **request)
    assert answer.choices[0].logprobs is not None
    with pytest.raises(openai.BadRequestError, match="lacks_logprobs"):
        sides.openai().chat.completions.create(model="of-anthropic", **request)


def test_reasoning_of_an_anthropic_model_is_asked_for_and_shown(sides: Sides) -> None:
    answer = sides.openai().chat.completions.create(
        model="of-anthropic", messages=ask("Think"), reasoning_effort="high", max_completion_tokens=20_000
    )
    assert (answer.choices[0].message.model_extra or {}).get("reasoning_content") == THINKING_TEXT
    assert answer.choices[0].message.content == HEALTHY_TEXT


@pytest.mark.parametrize("route", ROUTES)
def test_what_the_record_counts_is_what_the_caller_is_told(sides: Sides, route: str) -> None:
    raw = sides.openai().chat.completions.with_raw_response.create(model=route, messages=ask("Where is my train?"))
    usage = raw.parse().usage
    assert usage is not None
    decision = sides.gateway.decision(raw.headers["x-turnout-decision"])
    (attempt,) = decision.attempts
    assert (attempt.input_tokens, attempt.output_tokens) == (usage.prompt_tokens, usage.completion_tokens)
    assert decision.cost_usd == (attempt.input_tokens + 2 * attempt.output_tokens) / Decimal(1_000_000)
    assert f"{decision.cost_usd:f}" == raw.headers["x-turnout-cost"]


SAID = {
    400: openai.BadRequestError,
    404: openai.NotFoundError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("status", sorted(SAID))
def test_a_providers_refusal_is_the_exception_that_the_sdk_has_for_it(sides: Sides, route: str, status: int) -> None:
    sides.provider.use(f"status({status})")
    with pytest.raises(SAID[status]) as caught:
        sides.openai().chat.completions.create(model=route, messages=ask("Hi"))
    assert caught.value.request_id


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("status", [401, 403, 500, 502, 503, 529])
def test_our_own_dead_key_and_a_broken_provider_are_never_the_callers_fault(
    sides: Sides, route: str, status: int
) -> None:
    sides.provider.use(f"status({status})")
    with pytest.raises((openai.InternalServerError, openai.RateLimitError)):
        sides.openai().chat.completions.create(model=route, messages=ask("Hi"))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("fault", ["eof_after(5)", "cut_after(5)", "rst_after_n_tokens(5)", "sse_error_at(5)+drip(10)"])
def test_a_stream_that_breaks_off_raises_after_what_came(sides: Sides, route: str, fault: str) -> None:
    sides.provider.use(fault)
    stream = sides.openai().chat.completions.create(model=route, messages=ask("Hi"), stream=True)
    seen: list[str] = []
    with pytest.raises(openai.APIError):
        seen.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert any(seen)
    assert HEALTHY_TEXT.startswith("".join(seen))


def test_an_unknown_route_is_not_found_and_names_those_that_are(sides: Sides) -> None:
    with pytest.raises(openai.NotFoundError, match="of-openai"):
        sides.openai().chat.completions.create(model="of-opnai", messages=ask("Hi"))


def test_a_route_is_shown_as_a_model(sides: Sides) -> None:
    models = sides.openai().models
    assert models.retrieve("of-anthropic").id == "of-anthropic"
    assert models.retrieve("openai/any-model").id == "openai/any-model", "a pattern takes it"
    with pytest.raises(openai.NotFoundError, match="no route or target 'nobody'"):
        models.retrieve("nobody")


def test_the_routes_are_listed_as_models(sides: Sides) -> None:
    assert {"of-openai", "of-anthropic", "openai"} <= {model.id for model in sides.openai().models.list()}
