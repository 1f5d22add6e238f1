"""Where a request cannot be said word for word: what is refused, filled in, or said as the model takes it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.growth import LINEAR, growth
from tests.wire.asking import ANTHROPIC, HI, HI_BLOCKS, OPENAI, call, to_anthropic, to_openai
from turnout.errors import InvalidRequest


@pytest.mark.parametrize("arguments", ['{"city": "Os', "[1]", '"x"', "null"])
def test_arguments_that_are_no_object_are_refused_and_never_repaired(arguments: str) -> None:
    history = [*HI, {"role": "assistant", "tool_calls": [call("a", arguments)]}]
    results = [{"role": "tool", "tool_call_id": "a", "content": "4 C"}]
    with pytest.raises(InvalidRequest, match=r"'weather'.*not a JSON object") as refused:
        to_anthropic({"messages": history + results})
    assert refused.value.param == "messages"


def test_ids_of_calls_keep_to_the_characters_that_anthropic_takes() -> None:
    messages = [
        *HI,
        {"role": "assistant", "tool_calls": [call("functions.weather:0"), call("functions_weather_0")]},
        {"role": "tool", "tool_call_id": "functions.weather:0", "content": "4 C"},
    ]
    _, asked, answered = to_anthropic({"messages": messages})["messages"]
    first, second = (block["id"] for block in asked["content"])
    assert answered["content"][0]["tool_use_id"] == first
    assert first != second == "functions_weather_0"
    assert set(first) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


def test_results_stand_first_in_a_turn_for_anthropic() -> None:
    asked = [
        *HI,
        {"role": "assistant", "tool_calls": [call("a")]},
        {"role": "user", "content": "Hurry"},
        {"role": "tool", "tool_call_id": "a", "content": "4 C"},
    ]
    turn = to_anthropic({"messages": asked})["messages"][-1]
    assert [block["type"] for block in turn["content"]] == ["tool_result", "text"]


def test_a_turn_without_content_is_no_result_of_a_tool() -> None:
    silent: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    chat = OPENAI.decode_request({"messages": [*HI, *silent, {"role": "tool", "tool_call_id": "a", "content": "4 C"}]})
    assert [turn.role for turn in chat.messages] == ["user", "assistant", "user"]


def test_results_by_the_thousand_are_read_in_linear_time() -> None:
    result = {"role": "tool", "tool_call_id": "a", "content": "4 C"}
    asked = {"messages": [*HI, *[result] * 20_000]}
    assert len(OPENAI.decode_request(asked).messages[1].parts) == 20_000
    assert growth(lambda size: OPENAI.decode_request({"messages": [*HI, *[result] * size]}), 5_000) < LINEAR


def test_a_turn_of_which_nothing_is_left_is_left_out() -> None:
    asked = [*HI, {"role": "assistant", "content": ""}, {"role": "user", "content": ""}, *HI]
    assert to_anthropic({"messages": asked})["messages"] == [*HI_BLOCKS, *HI_BLOCKS]


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("claude-3-haiku-20240307", 4_096),
        ("claude-3-5-sonnet-20241022", 8_192),
        ("claude-opus-5", 32_000),
        ("deepseek-chat", 8_192),
    ],
)
def test_an_answer_without_a_limit_gets_what_the_model_surely_gives(model: str, most: int) -> None:
    assert to_anthropic({"messages": HI}, model)["max_tokens"] == most


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-3-7-sonnet-20250219", {"type": "enabled", "budget_tokens": 8_192}),
        ("claude-sonnet-4-20250514", {"type": "enabled", "budget_tokens": 8_192}),
        ("claude-sonnet-4-5", {"type": "enabled", "budget_tokens": 8_192}),
        ("claude-opus-4-1-20250805", {"type": "enabled", "budget_tokens": 8_192}),
        ("claude-sonnet-4-6", {"type": "adaptive"}),
        ("claude-opus-4-8", {"type": "adaptive"}),
        ("claude-opus-5", {"type": "adaptive"}),
    ],
)
def test_an_effort_is_told_in_the_words_that_the_model_takes(model: str, thinking: dict[str, Any]) -> None:
    assert to_anthropic({"messages": HI, "reasoning_effort": "medium"}, model)["thinking"] == thinking


def test_a_budget_is_smaller_than_the_answer_or_there_is_none() -> None:
    asked = {"messages": HI, "reasoning_effort": "high"}
    roomy = to_anthropic({**asked, "max_tokens": 2_000}, "claude-sonnet-4-5")
    assert roomy["thinking"] == {"type": "enabled", "budget_tokens": 1_999}
    assert "thinking" not in to_anthropic({**asked, "max_tokens": 1_000}, "claude-sonnet-4-5")


def test_a_turn_that_goes_on_without_its_thinking_does_not_ask_for_more() -> None:
    messages = [
        *HI,
        {"role": "assistant", "tool_calls": [call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": "4 C"},
    ]
    asked = {"messages": messages, "reasoning_effort": "high"}
    assert "thinking" not in to_anthropic(asked, "claude-sonnet-4-5")
    assert to_anthropic(asked, "claude-opus-5")["thinking"] == {"type": "adaptive"}


def test_a_model_without_system_turns_is_told_at_the_beginning() -> None:
    asked = {"messages": [*HI, {"role": "system", "content": "In French."}]}
    told = to_anthropic(asked, "claude-3-5-haiku-20241022")
    assert told["system"] == [{"type": "text", "text": "In French."}]
    assert told["messages"] == HI_BLOCKS


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("gpt-4o", "max_tokens"),
        ("mistral-large", "max_tokens"),
        ("o3-mini", "max_completion_tokens"),
        ("gpt-5-mini", "max_completion_tokens"),
        ("openai/gpt-6-astra", "max_completion_tokens"),
    ],
)
def test_a_limit_has_the_name_that_the_model_knows(model: str, field: str) -> None:
    assert to_openai({"messages": HI}, model)[field] == 10


def test_a_user_too_long_for_openai_is_told_by_a_digest() -> None:
    told = to_openai({"messages": HI, "metadata": {"user_id": "u" * 65}})["user"]
    assert len(told) == 64
    assert told == to_openai({"messages": HI, "metadata": {"user_id": "u" * 65}})["user"]
    assert told != to_openai({"messages": HI, "metadata": {"user_id": "v" * 65}})["user"]


BAD = [
    (OPENAI, {"messages": []}, "messages"),
    (OPENAI, {"messages": [{"role": "robot", "content": "Hi"}]}, "messages[0].role"),
    (OPENAI, {"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
    (OPENAI, {"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
    (OPENAI, {"messages": [{"role": "tool", "content": "4 C"}]}, "messages[0].tool_call_id"),
    (OPENAI, {"messages": HI, "temperature": "hot"}, "temperature"),
    (OPENAI, {"messages": HI, "max_tokens": 1.5}, "max_tokens"),
    (OPENAI, {"messages": HI, "stop": [1]}, "stop[0]"),
    (OPENAI, {"messages": HI, "tool_choice": "maybe"}, "tool_choice"),
    (
        OPENAI,
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,raw"}}]}
            ]
        },
        "messages[0].content[0].image_url.url",
    ),
    (ANTHROPIC, {"messages": [{"role": "tool", "content": "Hi"}]}, "messages[0].role"),
    (ANTHROPIC, {"messages": HI, "system": 7}, "system"),
    (ANTHROPIC, {"messages": HI, "thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    (ANTHROPIC, {"messages": HI, "tools": [{"name": "x"}]}, "tools[0].input_schema"),
    (
        ANTHROPIC,
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": "{}"}]}]},
        "messages[0].content[0].input",
    ),
]


@pytest.mark.parametrize(("spoken", "body", "param"), BAD, ids=lambda value: str(value)[:50])
def test_a_wrong_field_is_named(spoken: Any, body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        spoken.decode_request({"model": "m", **body})
    assert refused.value.param == param
    assert param in refused.value.message
