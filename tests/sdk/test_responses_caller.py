"""The official OpenAI SDK as a caller of Responses, unchanged but for `base_url`, before providers of every dialect."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.sdk.conftest import ROUTES, Sides
from turnout.testing import HEALTHY_TEXT, THINKING_TEXT

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather somewhere.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
CLOCK: Any = {"type": "function", "name": "clock", "parameters": {"type": "object", "properties": {}}, "strict": False}
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
BOTH_TOOLS: Any = "Use both tools, please"


def plain(told: Any) -> Any:
    """An answer or an event without what is new in every answer."""
    if hasattr(told, "model_dump"):
        return plain(told.model_dump(exclude_unset=True))
    if isinstance(told, dict):
        new = ("id", "item_id", "call_id", "created_at", "completed_at")
        return {field: plain(value) for field, value in told.items() if field not in new}
    return [plain(item) for item in told] if isinstance(told, list) else told


def final(sides: Sides, stream: bool, **request: Any) -> Any:
    """The whole response, asked for whole or streamed."""
    if not stream:
        return sides.openai().responses.create(**request)
    with sides.openai().responses.stream(**request) as events:
        return events.get_final_response()


def test_an_answer_is_the_providers_own_to_the_last_field(sides: Sides) -> None:
    request: Any = {"input": "Where is my train?", "metadata": {"a": "b"}}
    direct = sides.openai(direct=True).responses.create(model="the-model", **request)
    assert plain(sides.openai().responses.create(model="of-responses", **request)) == plain(direct)


def test_a_stream_is_the_providers_own_event_by_event(sides: Sides) -> None:
    request: Any = {"input": BOTH_TOOLS, "tools": [WEATHER, CLOCK], "stream": True, "reasoning": {"effort": "low"}}
    direct = list(sides.openai(direct=True).responses.create(model="the-model", **request))
    through = list(sides.openai().responses.create(model="of-responses", **request))
    assert [plain(event) for event in through] == [plain(event) for event in direct]


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_comes_whole_with_its_status_and_usage(sides: Sides, route: str) -> None:
    answer = sides.openai().responses.create(
        model=route, instructions="Be kind.", input="Where is my train?", metadata={"desk": "7"}
    )
    assert answer.output_text == HEALTHY_TEXT
    assert (answer.status, answer.error, answer.incomplete_details) == ("completed", None, None)
    assert (answer.instructions, answer.metadata) == ("Be kind.", {"desk": "7"})
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.usage.output_tokens > 0
    assert "Be kind." in json.dumps(sides.provider.requests[-1].body)


@pytest.mark.parametrize("route", ROUTES)
def test_a_stream_adds_up_to_the_whole_answer(sides: Sides, route: str) -> None:
    with sides.openai().responses.stream(model=route, input="Where?") as events:
        told = list(events)
        whole = events.get_final_response()
    assert "".join(event.delta for event in told if event.type == "response.output_text.delta") == HEALTHY_TEXT
    assert whole.output_text == HEALTHY_TEXT
    assert whole.usage is not None
    assert whole.usage.output_tokens > 0


@pytest.mark.parametrize("route", ROUTES)
def test_the_events_come_in_the_order_of_the_dialect_and_are_numbered(sides: Sides, route: str) -> None:
    told = list(sides.openai().responses.create(model=route, input="Where?", stream=True))
    kinds = [event.type for event in told if event.type != "response.output_text.delta"]
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in told] == list(range(len(told)))


@pytest.mark.parametrize("route", ROUTES)
def test_a_conversation_of_many_turns_reaches_the_provider_in_order(sides: Sides, route: str) -> None:
    turns: Any = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Three"}]},
    ]
    sides.openai().responses.create(model=route, input=turns)
    seen = json.dumps(sides.provider.requests[-1].body)
    assert seen.index("One") < seen.index("Two") < seen.index("Three")
    assert "Be kind." in seen


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_parallel_tool_calls_and_their_results_make_the_round(sides: Sides, route: str, stream: bool) -> None:
    request: Any = {"model": route, "tools": [WEATHER, CLOCK]}
    turns: Any = [{"role": "user", "content": BOTH_TOOLS}]
    answer = final(sides, stream, input=turns, **request)
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["weather", "clock"]
    assert isinstance(json.loads(calls[0].arguments)["city"], str)
    fields = {"exclude_none": True, "exclude": {"parsed_arguments"}}
    turns += [item.model_dump(**fields) for item in answer.output]
    turns += [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"result of {call.name}"} for call in calls
    ]
    last = final(sides, stream, input=turns, **request)
    assert last.output_text == HEALTHY_TEXT
    seen = json.dumps(sides.provider.requests[-1].body)
    assert all(call.call_id in seen for call in calls)
    assert "result of weather" in seen
    assert "result of clock" in seen


@pytest.mark.parametrize("route", ROUTES)
def test_an_image_reaches_the_provider(sides: Sides, route: str) -> None:
    content: Any = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
    ]
    sides.openai().responses.create(model=route, input=[{"role": "user", "content": content}])
    assert PIXEL.partition(",")[2] in json.dumps(sides.provider.requests[-1].body)


class Ticket(BaseModel):
    platform: int
    town: str


@pytest.mark.parametrize("route", ROUTES)
def test_structured_output_is_parsed_by_the_sdk(sides: Sides, route: str) -> None:
    answer = sides.openai().responses.parse(model=route, input="A ticket", text_format=Ticket)
    assert isinstance(answer.output_parsed, Ticket)
    with sides.openai().responses.stream(model=route, input="A ticket", text_format=Ticket) as events:
        assert isinstance(events.get_final_response().output_parsed, Ticket)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_limit_of_tokens_shows_as_incomplete(sides: Sides, route: str, stream: bool) -> None:
    request: Any = {"model": route, "input": "Go", "max_output_tokens": 3}
    if stream:
        last: Any = list(sides.openai().responses.create(**request, stream=True))[-1]
        assert last.type == "response.incomplete"
        answer = last.response
    else:
        answer = sides.openai().responses.create(**request)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert HEALTHY_TEXT.startswith(answer.output_text)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_reasoning_of_an_anthropic_model_is_shown_and_goes_back_to_it(sides: Sides, stream: bool) -> None:
    request: Any = {"model": "of-anthropic", "reasoning": {"effort": "high"}, "max_output_tokens": 20_000}
    turns: Any = [{"role": "user", "content": "Think"}]
    answer = final(sides, stream, input=turns, **request)
    thought, said = answer.output
    assert thought.summary[0].text == THINKING_TEXT
    assert said.content[0].text == HEALTHY_TEXT
    turns += [item.model_dump(exclude_none=True, exclude={"parsed"}) for item in answer.output]
    final(sides, stream, input=[*turns, {"role": "user", "content": "Go on"}], **request)
    history = sides.provider.requests[-1].body["messages"][1]["content"]
    assert history[0] == {
        "type": "thinking",
        "thinking": THINKING_TEXT,
        "signature": thought.encrypted_content.rpartition(":")[2],
    }


def test_log_probabilities_come_where_the_provider_has_them(sides: Sides) -> None:
    request: Any = {"input": "Go", "include": ["message.output_text.logprobs"], "top_logprobs": 2}
    answer: Any = sides.openai().responses.create(model="of-openai", **request)
    told = answer.output[0].content[0].logprobs
    assert "".join(token.token for token in told) == HEALTHY_TEXT
    with pytest.raises(openai.BadRequestError, match="lacks_logprobs"):
        sides.openai().responses.create(model="of-anthropic", **request)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"previous_response_id": "resp_1"}, "lacks_field:previous_response_id"),
        ({"conversation": "conv_1"}, "lacks_field:conversation"),
        ({"store": True}, "lacks_field:store"),
        ({"tools": [{"type": "web_search"}]}, "lacks_server_tools"),
        ({"tools": [{"type": "custom", "name": "run"}]}, "lacks_field:tools"),
        ({"text": {"verbosity": "low"}}, "lacks_field:text.verbosity"),
        ({"truncation": "auto"}, "lacks_field:truncation"),
    ],
)
@pytest.mark.parametrize("route", ["of-openai", "of-anthropic"])
def test_what_only_responses_can_say_is_never_lost_on_another_provider(
    sides: Sides, route: str, asked: dict[str, Any], reason: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        sides.openai().responses.create(model=route, input="Hi", **asked)
    assert not sides.provider.requests
    assert sides.openai().responses.create(model="of-responses", input="Hi", **asked).output
    assert asked.items() <= sides.provider.requests[-1].body.items()


def test_nothing_is_required_that_the_api_does_not_require(sides: Sides) -> None:
    assert sides.openai().responses.create(model="of-responses", previous_response_id="resp_1").output_text


def test_a_conversation_of_too_many_items_is_refused(sides: Sides) -> None:
    turns: Any = [{"role": "user", "content": "x"}] * 10_001
    with pytest.raises(openai.APIStatusError, match="messages") as caught:
        sides.openai().responses.create(model="of-responses", input=turns)
    assert caught.value.status_code == 413


@pytest.mark.parametrize("route", ROUTES)
def test_what_the_record_counts_is_what_the_caller_is_told(sides: Sides, route: str) -> None:
    raw = sides.openai().responses.with_raw_response.create(
        model=route, input="Where is my train?", safety_identifier="u-7"
    )
    usage = raw.parse().usage
    assert usage is not None
    decision = sides.gateway.decision(raw.headers["x-turnout-decision"])
    (attempt,) = decision.attempts
    assert (attempt.input_tokens, attempt.output_tokens) == (usage.input_tokens, usage.output_tokens)
    assert decision.cost_usd == (attempt.input_tokens + 2 * attempt.output_tokens) / Decimal(1_000_000)
    assert f"{decision.cost_usd:f}" == raw.headers["x-turnout-cost"]
    assert decision.user == "u-7"


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
        sides.openai().responses.create(model=route, input="Hi")
    assert caught.value.request_id


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("status", [401, 403, 500, 502, 503, 529])
def test_our_own_dead_key_and_a_broken_provider_are_never_the_callers_fault(
    sides: Sides, route: str, status: int
) -> None:
    sides.provider.use(f"status({status})")
    with pytest.raises((openai.InternalServerError, openai.RateLimitError)):
        sides.openai().responses.create(model=route, input="Hi")


BREAKS = ["eof_after(5)", "cut_after(5)", "rst_after_n_tokens(5)", "no_finish+drip(5)"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("fault", BREAKS)
@pytest.mark.parametrize("accumulated", [False, True], ids=["events", "accumulated"])
def test_a_stream_that_breaks_off_raises_after_what_came(
    sides: Sides, route: str, fault: str, accumulated: bool
) -> None:
    sides.provider.use(fault)
    seen: list[str] = []
    responses = sides.openai().responses
    opened: Any = (
        responses.stream(model=route, input="Hi")
        if accumulated
        else responses.create(model=route, input="Hi", stream=True)
    )
    with opened as events, pytest.raises(openai.APIError):
        seen.extend(event.delta for event in events if event.type == "response.output_text.delta")
    assert any(seen)
    assert HEALTHY_TEXT.startswith("".join(seen))


@pytest.mark.parametrize("route", ROUTES)
def test_a_failure_within_a_stream_is_never_a_completed_response(sides: Sides, route: str) -> None:
    sides.provider.use("sse_error_at(5)+drip(10)")
    told: list[Any] = []
    try:
        told.extend(sides.openai().responses.create(model=route, input="Hi", stream=True))
    except openai.APIError:
        assert route != "of-responses"  # the provider's own event goes through as it came, and that does not raise
    else:
        assert (route, told[-1].type, told[-1].response.status) == ("of-responses", "response.failed", "failed")
    assert not [event for event in told if event.type == "response.completed"]


def test_an_unknown_route_is_not_found_and_names_those_that_are(sides: Sides) -> None:
    with pytest.raises(openai.NotFoundError, match="of-responses"):
        sides.openai().responses.create(model="of-response", input="Hi")
