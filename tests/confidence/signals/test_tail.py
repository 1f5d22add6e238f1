"""How sure a target says it is, in a tail that the caller never sees."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.confidence.signals.holding import answer, chat, held, read
from turnout.confidence.signals.tail import (
    TailFilter,
    TailSplitter,
    ask_tail,
    split_answer,
    split_tail,
    why_no_tail,
)
from turnout.types.chat import Chat, Finish, OutputFormat, Text, Thinking, TokenLogprob, Tool, ToolCall, ToolChoice
from turnout.types.stream import Delta, Ended, Finished, Started, TextDelta, ToolCallStarted

PIECES = st.lists(
    st.sampled_from(
        [
            "<confidence>",
            "</confidence>",
            "87",
            "0.5",
            "%",
            "<",
            ">",
            "<conf",
            "</",
            "a < b",
            " ",
            "\n",
            "Yes",
            "<b>",
            "é",
        ]
    ),
    max_size=8,
).map("".join)


@pytest.mark.parametrize(
    ("text", "seen", "stated"),
    [
        ("It is 42.\n<confidence>87</confidence>", "It is 42.", 0.87),
        ("It is 42.\n\n<confidence> 87% </confidence>\n", "It is 42.", 0.87),
        ("It is 42. <confidence>0.87</confidence>", "It is 42.", 0.87),
        ("It is 42.<Confidence>100</Confidence>", "It is 42.", 1.0),
        ("It is 42.<confidence>0</confidence>", "It is 42.", 0.0),
        ("<confidence>40</confidence>\nIt is 42.", "\nIt is 42.", 0.4),
        ("A<confidence>40</confidence> B<confidence>60</confidence>", "A B", 0.6),
        ("It is 42.\n<confidence>87", "It is 42.", 0.87),
        ("It is 42.\n<confidence>87</conf", "It is 42.", 0.87),
        ("It is 42.\n<confiden", "It is 42.", None),
        ("It is 42.<confidence></confidence>", "It is 42.", None),
        ("It is 42.<confidence>870</confidence>", "It is 42.", None),
        ("It is 42.<confidence>very high</confidence>", "It is 42.<confidence>very high</confidence>", None),
        ("if a < b: \n", "if a < b: \n", None),
        ("a <c", "a <c", None),
        ("", "", None),
    ],
)
def test_answer_and_tail_are_told_apart(text: str, seen: str, stated: float | None) -> None:
    assert split_tail(text) == (seen, stated)


@given(text=PIECES, data=st.data())
def test_a_stream_is_told_apart_as_the_whole_is(text: str, data: st.DataObject) -> None:
    bounds = sorted({0, len(text), *data.draw(st.lists(st.integers(0, len(text)), max_size=6))})
    splitter = TailSplitter()
    told = "".join(splitter.feed(text[start:stop]) for start, stop in pairwise(bounds)) + splitter.end()
    assert (told, splitter.stated) == split_tail(text)


@given(text=PIECES, stated=st.integers(0, 100))
def test_no_tail_is_ever_seen(text: str, stated: int) -> None:
    seen, found = split_tail(f"{text}\n<confidence>{stated}</confidence>")
    assert found is not None
    assert not seen.endswith("</confidence>") or text.rstrip().endswith("</confidence>")


@given(text=st.text(st.characters(exclude_characters="<")))
def test_a_text_without_a_tail_stays_as_it_is(text: str) -> None:
    assert split_tail(text) == (text, None)


def test_a_stream_is_not_held_back_longer_than_need_be() -> None:
    splitter = TailSplitter()
    assert splitter.feed("It is") == "It is"
    assert splitter.feed(" 42.\n") == " 42."
    assert splitter.feed("<con") == ""
    assert splitter.feed("tact us>") == "\n<contact us>"
    assert splitter.feed("<confidence>7") == ""
    assert splitter.feed("0</confidence>") == ""
    assert splitter.end() == ""
    assert splitter.stated == 0.7


def test_an_answer_loses_the_tail_and_its_tokens() -> None:
    told = tuple(
        TokenLogprob(text, -0.1) for text in ("It", " is 42.", "\n", "<conf", "idence>", "87", "</confidence>", "")
    )
    whole = answer("", Thinking("Hm."), Text("It is 42.\n<confidence>87</confidence>"), logprobs=told)
    split, stated = split_answer(whole)
    assert stated == 0.87
    assert split.parts == (Thinking("Hm."), Text("It is 42."))
    assert "".join(token.token for token in split.logprobs) == "It is 42."


def test_an_answer_without_a_tail_is_the_same() -> None:
    whole = answer("It is 42.", ToolCall("c", "time", "{}"), logprobs=(TokenLogprob("It is 42.", -0.1),))
    assert split_answer(whole) == (whole, None)
    silent = answer("", ToolCall("c", "time", "{}"))
    assert split_answer(silent) == (silent, None)
    assert split_answer(answer("<confidence>50</confidence>"))[0].parts == ()


def test_a_stream_of_deltas_loses_the_tail() -> None:
    tail = TailFilter()
    deltas: list[Delta] = [
        Started("a", "m"),
        TextDelta("It is 42.\n<conf", (TokenLogprob("It is 42.", -0.1),)),
        TextDelta("idence>87</confidence>"),
        ToolCallStarted(0, "c", "time"),
        Finished(Finish.STOP),
        Ended(),
    ]
    seen = [told for delta in deltas for told in tail.feed(delta)]
    assert seen == [deltas[0], TextDelta("It is 42."), *deltas[3:]]
    assert tail.stated == 0.87


def test_what_was_held_back_and_is_no_tail_comes_before_the_end() -> None:
    tail = TailFilter()
    ends: tuple[Delta, ...] = (TextDelta("a <c"), Finished(Finish.STOP))
    seen = [told for delta in ends for told in tail.feed(delta)]
    assert seen == [TextDelta("a"), TextDelta(" <c"), Finished(Finish.STOP)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"tools": (Tool(name="time"),), "tool_choice": ToolChoice(mode="auto")}, None),
        ({"format": OutputFormat(kind="json_object")}, "output_format"),
        ({"tool_choice": ToolChoice(mode="required")}, "forced_tool"),
        ({"stop": ("\n",)}, "stop_sequences"),
        ({"foreign": ("n",)}, "foreign_fields"),
        ({"logprobs": True}, "logprobs"),
    ],
)
def test_it_is_asked_for_where_it_can_be(fields: dict[str, Any], reason: str | None) -> None:
    question = chat(system=(Text("Be brief."),), max_tokens=20, **fields)
    assert why_no_tail(question) == reason
    if reason:
        with pytest.raises(ValueError, match=reason):
            ask_tail(question)
        return
    asked: Chat = ask_tail(question)
    assert asked.messages == question.messages
    assert asked.system[0] == question.system[0]
    assert "<confidence>" in asked.system[1].text
    assert (asked.max_tokens or 0) > 20
    assert ask_tail(chat()).max_tokens is None


def test_the_signal_is_what_was_stated() -> None:
    assert read("stated_confidence", held(stated=0.87)) == 0.87
    assert read("stated_confidence", held()) is None
    assert read("stated_confidence", held(stated=0.87, whole=False)) is None
