"""What deciding is told of a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.asking import ANTHROPIC, HI, OPENAI, TOOL, TOOL_BLOCK, call, use
from turnout.types.dialect import DialectName
from turnout.types.request import Said
from turnout.wire.dialect import Dialect
from turnout.wire.registry import DIALECTS, dialect

DATA = "iVBORw=="


def openai_image(data: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def anthropic_image(data: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def test_turns_in_order_and_the_system_prompt_first() -> None:
    told = OPENAI.outline(
        {
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Weather"}, {"type": "text", "text": "in Oslo?"}],
                },
                {"role": "assistant", "content": "Looking", "tool_calls": [call("a")]},
                {"role": "tool", "tool_call_id": "a", "content": "4 C"},
            ]
        }
    )
    assert told.said == (
        Said("system", "Be brief."),
        Said("user", "Weather\nin Oslo?"),
        Said("assistant", 'Looking\nweather({"city":"Oslo"})'),
        Said("tool", "4 C"),
    )
    assert told.query == "Weather\nin Oslo?"


def test_what_a_tool_gave_back_is_not_what_the_user_said() -> None:
    told = ANTHROPIC.outline(
        {
            "system": "Be brief.",
            "messages": [
                {"role": "user", "content": "Weather in Oslo?"},
                {"role": "assistant", "content": [{"type": "text", "text": "Looking"}, use("a"), use("b")]},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "4 C"}]},
                        {"type": "tool_result", "tool_use_id": "b"},
                    ],
                },
            ],
        }
    )
    assert told.said == (
        Said("system", "Be brief."),
        Said("user", "Weather in Oslo?"),
        Said("assistant", 'Looking\nweather({"city":"Oslo"})\nweather({"city":"Oslo"})'),
        Said("tool", "4 C"),
    )
    assert told.query == "Weather in Oslo?"


def test_a_conversation_reads_the_same_in_both_dialects() -> None:
    openai = [
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, openai_image(DATA)]},
        {"role": "assistant", "content": None, "tool_calls": [call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": "4 C"},
        {"role": "user", "content": "So?"},
    ]
    anthropic = [
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, anthropic_image(DATA)]},
        {"role": "assistant", "content": [use("a")]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "4 C"},
                {"type": "text", "text": "So?"},
            ],
        },
    ]
    own = {"tools": [TOOL], "max_completion_tokens": 5, "user": "u"}
    one = OPENAI.outline({"messages": openai, **own})
    own = {"tools": [TOOL_BLOCK], "max_tokens": 5, "metadata": {"user_id": "u"}}
    assert ANTHROPIC.outline({"messages": anthropic, **own}) == one
    assert (one.tools, one.images, one.max_tokens, one.user) == (1, 1, 5, "u")


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_tokens": 5, "max_completion_tokens": None}, 5),
        ({"max_tokens": 5, "max_completion_tokens": 3}, 5),
        ({"max_tokens": 3, "max_completion_tokens": 5}, 5),
        ({"max_tokens": -1, "max_completion_tokens": 5}, -1),  # no bound, for servers that read the older name
        ({}, None),
    ],
)
def test_of_two_bounds_on_the_answer_the_one_that_allows_more_is_reckoned_with(
    fields: dict[str, int], most: int | None
) -> None:
    assert OPENAI.outline({"messages": HI, **fields}).max_tokens == most


@pytest.mark.parametrize(("spoken", "image"), [(OPENAI, openai_image), (ANTHROPIC, anthropic_image)])
def test_another_image_is_another_text_and_none_of_its_data(spoken: Dialect, image: Any) -> None:
    said = [
        spoken.outline({"messages": [{"role": "user", "content": [image(data * 4000)]}]}).said[0].text
        for data in ("AAAA", "AAAA", "AAAB")
    ]
    assert said[0] == said[1] != said[2]
    assert len(said[0]) < 40


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        ({}, None),
        ({"user": "a"}, "a"),
        ({"safety_identifier": "b"}, "b"),
        ({"user": "a", "safety_identifier": "b"}, "a"),
    ],
)
def test_whom_an_openai_request_is_for(fields: dict[str, str], user: str | None) -> None:
    assert OPENAI.outline({"messages": HI, **fields}).user == user


@pytest.mark.parametrize(
    ("body", "lossless"),
    [
        ({}, True),
        ({"n": 3, "logprobs": True, "tools": [TOOL]}, True),
        ({"modalities": ["text", "audio"], "audio": {"voice": "ash"}}, False),
        ({"store": True, "metadata": {"a": "b"}}, False),
        ({"moderation": {"model": "m"}}, False),
    ],
)
def test_a_whole_answer_is_only_streamed_where_that_loses_nothing(body: dict[str, Any], lossless: bool) -> None:
    assert OPENAI.can_assemble({"messages": HI, **body}) is lossless
    assert ANTHROPIC.can_assemble({"messages": HI})


def test_every_dialect_is_registered_under_its_own_name() -> None:
    assert {name: spoken.name for name, spoken in DIALECTS.items()} == {name: name for name in DIALECTS}
    assert dialect(DialectName.OPENAI_CHAT) is OPENAI
    with pytest.raises(KeyError):
        dialect(DialectName.GEMINI)
