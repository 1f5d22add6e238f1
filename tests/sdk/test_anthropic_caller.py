"""The official Anthropic SDK, unchanged but for `base_url`, before providers of every dialect."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest

from tests.sdk.conftest import ROUTES, STOPPABLE, Sides
from turnout.testing import HEALTHY_TEXT, THINKING_TEXT

WEATHER: Any = {
    "name": "weather",
    "description": "The weather somewhere.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK: Any = {"name": "clock", "input_schema": {"type": "object", "properties": {}}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def ask(text: str) -> Any:
    return [{"role": "user", "content": text}]


def plain(answer: Any) -> dict[str, Any]:
    """An answer without what is new in every answer."""
    dumped: dict[str, Any] = answer.model_dump(exclude_unset=True)
    (dumped.get("message") or dumped).pop("id", None)
    return dumped


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_an_answer_is_the_providers_own_to_the_last_field(sides: Sides) -> None:
    request: Any = {"messages": ask("Where is my train?"), "max_tokens": 500}
    direct = sides.anthropic(direct=True).messages.create(model="the-model", **request)
    assert plain(sides.anthropic().messages.create(model="of-anthropic", **request)) == plain(direct)


def test_a_stream_is_the_providers_own_event_by_event(sides: Sides) -> None:
    request: Any = {"messages": ask("Where is my train?"), "max_tokens": 500, "stream": True}
    direct = list(sides.anthropic(direct=True).messages.create(model="the-model", **request))
    through = list(sides.anthropic().messages.create(model="of-anthropic", **request))
    assert [plain(event) for event in through] == [plain(event) for event in direct]


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_comes_whole_with_its_finish_and_usage(sides: Sides, route: str) -> None:
    answer = sides.anthropic().messages.create(
        model=route, system="Be kind.", messages=ask("Where is my train?"), max_tokens=500
    )
    assert text_of(answer) == HEALTHY_TEXT
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert "Be kind." in json.dumps(sides.provider.requests[-1].body)


@pytest.mark.parametrize("route", ROUTES)
def test_a_stream_adds_up_to_the_whole_answer(sides: Sides, route: str) -> None:
    with sides.anthropic().messages.stream(model=route, messages=ask("Where?"), max_tokens=500) as stream:
        assert "".join(stream.text_stream) == HEALTHY_TEXT
        final = stream.get_final_message()
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 0


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_parallel_tool_calls_and_their_results_make_the_round(sides: Sides, route: str, stream: bool) -> None:
    client = sides.anthropic()
    request: Any = {"model": route, "tools": [WEATHER, CLOCK], "max_tokens": 500}
    messages: Any = ask("Use both tools, please")
    if stream:
        with client.messages.stream(messages=messages, **request) as events:
            answer: Any = events.get_final_message()
    else:
        answer = client.messages.create(messages=messages, **request)
    assert answer.stop_reason == "tool_use"
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert [call.name for call in calls] == ["weather", "clock"]
    assert isinstance(calls[0].input["city"], str)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"result of {call.name}"} for call in calls]
    messages += [
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]},
        {"role": "user", "content": [*results, {"type": "text", "text": "And now in one sentence."}]},
    ]
    assert text_of(client.messages.create(messages=messages, **request)) == HEALTHY_TEXT
    seen = json.dumps(sides.provider.requests[-1].body)
    assert all(call.id in seen for call in calls)
    assert "result of weather" in seen
    assert "result of clock" in seen


@pytest.mark.parametrize("route", ROUTES)
def test_an_image_reaches_the_provider(sides: Sides, route: str) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content: Any = [{"type": "text", "text": "What is it?"}, {"type": "image", "source": source}]
    sides.anthropic().messages.create(model=route, messages=[{"role": "user", "content": content}], max_tokens=500)
    assert PIXEL in json.dumps(sides.provider.requests[-1].body)


@pytest.mark.parametrize("route", ROUTES)
def test_structured_output_follows_the_schema(sides: Sides, route: str) -> None:
    schema = {
        "type": "object",
        "properties": {"platform": {"type": "integer"}, "town": {"type": "string"}},
        "required": ["platform", "town"],
        "additionalProperties": False,
    }
    output: Any = {"format": {"type": "json_schema", "schema": schema}}
    answer = sides.anthropic().messages.create(
        model=route, messages=ask("A ticket"), max_tokens=500, output_config=output
    )
    assert isinstance(json.loads(text_of(answer))["platform"], int)


@pytest.mark.parametrize("route", STOPPABLE)
def test_a_stop_sequence_ends_the_answer_before_it(sides: Sides, route: str) -> None:
    answer = sides.anthropic().messages.create(
        model=route, messages=ask("Go"), stop_sequences=["leaves"], max_tokens=500
    )
    assert text_of(answer) == HEALTHY_TEXT.partition("leaves")[0]


@pytest.mark.parametrize("route", ROUTES)
def test_a_limit_of_tokens_shows_as_max_tokens(sides: Sides, route: str) -> None:
    answer = sides.anthropic().messages.create(model=route, messages=ask("Go"), max_tokens=3)
    assert answer.stop_reason == "max_tokens"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_thinking_comes_with_its_signature(sides: Sides, stream: bool) -> None:
    request: Any = {
        "model": "of-anthropic",
        "messages": ask("Think"),
        "max_tokens": 20_000,
        "thinking": {"type": "enabled", "budget_tokens": 2_000},
    }
    client = sides.anthropic()
    if stream:
        with client.messages.stream(**request) as events:
            answer: Any = events.get_final_message()
    else:
        answer = client.messages.create(**request)
    assert answer.content[0].type == "thinking"
    assert answer.content[0].thinking == THINKING_TEXT
    assert answer.content[0].signature


SAID = {
    400: anthropic.BadRequestError,
    404: anthropic.NotFoundError,
    422: anthropic.UnprocessableEntityError,
    429: anthropic.RateLimitError,
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("status", sorted(SAID))
def test_a_providers_refusal_is_the_exception_that_the_sdk_has_for_it(sides: Sides, route: str, status: int) -> None:
    sides.provider.use(f"status({status})")
    with pytest.raises(SAID[status]) as caught:
        sides.anthropic().messages.create(model=route, messages=ask("Hi"), max_tokens=50)
    assert caught.value.request_id


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("status", [401, 403, 500, 502, 503, 529])
def test_our_own_dead_key_and_a_broken_provider_are_never_the_callers_fault(
    sides: Sides, route: str, status: int
) -> None:
    sides.provider.use(f"status({status})")
    with pytest.raises((anthropic.InternalServerError, anthropic.OverloadedError)):
        sides.anthropic().messages.create(model=route, messages=ask("Hi"), max_tokens=50)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("fault", ["eof_after(5)", "cut_after(5)", "rst_after_n_tokens(5)", "sse_error_at(5)+drip(10)"])
def test_a_stream_that_breaks_off_raises_after_what_came(sides: Sides, route: str, fault: str) -> None:
    sides.provider.use(fault)
    seen: list[str] = []
    opened = sides.anthropic().messages.stream(model=route, messages=ask("Hi"), max_tokens=500)
    with opened as stream, pytest.raises(anthropic.APIError):
        seen.extend(stream.text_stream)
    assert any(seen)
    assert HEALTHY_TEXT.startswith("".join(seen))


def test_an_unknown_route_is_not_found_and_names_those_that_are(sides: Sides) -> None:
    with pytest.raises(anthropic.NotFoundError, match="of-anthropic"):
        sides.anthropic().messages.create(model="of-antropic", messages=ask("Hi"), max_tokens=50)


def test_the_routes_are_listed_as_models(sides: Sides) -> None:
    assert {"of-openai", "of-anthropic"} <= {model.id for model in sides.anthropic().models.list()}
    assert {"of-openai", "of-anthropic"} <= {model.id for model in sides.anthropic().beta.models.list()}


def test_a_route_is_shown_with_the_length_that_all_of_its_targets_take(sides: Sides) -> None:
    models = sides.anthropic().models
    shown = models.retrieve("known")
    assert (shown.id, shown.lifecycle, shown.max_input_tokens) == ("known", "active", 100_000)
    assert models.retrieve("of-openai").max_input_tokens is None, "nobody knows it"
    assert models.retrieve("anthropic/any-model").id == "anthropic/any-model", "a pattern takes it"
    with pytest.raises(anthropic.NotFoundError, match="no route or target 'nobody'"):
        models.retrieve("nobody")


@pytest.mark.parametrize("route", ROUTES)
def test_betas_are_for_a_provider_of_the_same_dialect(sides: Sides, route: str) -> None:
    client = sides.anthropic()
    asked: Any = {"model": route, "messages": ask("Where?"), "max_tokens": 500}
    answer = client.beta.messages.create(betas=["interleaved-thinking-2025-05-14"], **asked)
    assert text_of(answer) == HEALTHY_TEXT
    with client.beta.messages.stream(betas=["interleaved-thinking-2025-05-14"], **asked) as stream:
        assert "".join(stream.text_stream) == HEALTHY_TEXT
    for seen in sides.provider.requests:
        passed = {"anthropic-beta", "anthropic-version"} & seen.headers.keys()
        if route == "of-anthropic":
            assert seen.headers["anthropic-beta"] == "interleaved-thinking-2025-05-14"
            assert seen.headers["anthropic-version"] == client.default_headers["anthropic-version"]
        else:
            assert not passed


@pytest.mark.parametrize("route", ROUTES)
def test_what_a_coding_agent_sends_is_served_by_every_dialect(sides: Sides, route: str) -> None:
    kept: Any = {"cache_control": {"type": "ephemeral"}}
    request: Any = {
        "model": route,
        "max_tokens": 500,
        "metadata": {"user_id": "u-1842"},
        "system": [{"type": "text", "text": "Be kind.", **kept}],
        "tools": [WEATHER | kept],
        "thinking": {"type": "disabled"},
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Please call the tool.", **kept}]}],
        **kept,
    }
    answer = sides.anthropic().beta.messages.create(**request)
    assert [block.name for block in answer.content if block.type == "tool_use"] == ["weather"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "lacks_server_tools"),
        ({"stop_sequences": ["END"]}, "lacks_stop"),
        ({"extra_body": {"top_k": 5}}, "lacks_top_k"),
    ],
)
def test_what_responses_cannot_say_is_never_lost_on_it(sides: Sides, asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=reason):
        sides.anthropic().messages.create(model="of-responses", messages=ask("Hi"), max_tokens=50, **asked)
    assert not sides.provider.requests
