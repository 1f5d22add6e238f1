"""Answers that say the same have one normal form."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.confidence.signals.holding import answer
from turnout.confidence.signals.normal import By, normal_answer, normal_form
from turnout.types.chat import ToolCall

SAME: list[list[str]] = [
    [
        "42",
        "42.0",
        "$42",
        " 42.\n",
        "The answer is 42.",
        "6 × 7 makes\n#### 42",
        r"so \boxed{42}",
        "**42**",
        "Answer: 42",
    ],
    ["1,234.5", "1234.50", "#### 1,234.5"],
    ["-7", "−7", "the final answer is: -7"],
    ["B", "(B)", "b)"[:0] + "B)", "B. Paris", "B: because it is", "The answer is (B).", "Final answer: B"],
    ['{"a": 1, "b": [true, null]}', '{"b":[true,null],"a":1.0}', '```json\n{"a": 1, "b": [true, null]}\n```'],
    ["Paris", "paris.", " PARIS! ", "The answer is Paris"],
    ["straße", "STRASSE"],
]


@pytest.mark.parametrize("texts", SAME)
def test_what_says_the_same_is_the_same(texts: list[str]) -> None:
    assert len({normal_form(text) for text in texts}) == 1, {text: normal_form(text) for text in texts}


def test_what_says_something_else_is_not() -> None:
    assert len({normal_form(texts[0]) for texts in SAME}) == len(SAME)
    for one, other in [
        ("42", "41"),
        ("A", "B"),
        ('{"a": 1}', '{"a": true}'),
        ("Paris", "London"),
        ("1.5", "15"),
        ("7", "-7"),
    ]:
        assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize(
    ("text", "by", "form"),
    [
        ("There are 3 apples and 4 pears, 7 in all", "number", "number:7"),
        ("It costs 1,200 euros.", "number", "number:1200"),
        (".5 of it", "number", "number:0.5"),
        ("none at all", "number", "text:none at all"),
        ("I would choose C", "choice", "choice:C"),
        ("A car? No: it is (D), surely.", "choice", "choice:D"),
        ("nothing", "choice", "text:nothing"),
        ("{'a': 1}", "json", "text:a 1"),
        ("{oops", "auto", "text:oops"),
        ("[" * 50_000, "json", "text:"),
        ("42", "text", "text:42"),
        ("The answer is", "auto", "text:the answer is"),
        ("A cat sat", "auto", "text:a cat sat"),
    ],
)
def test_an_answer_can_be_read_as_something(text: str, by: By, form: str) -> None:
    assert normal_form(text, by) == form


def test_calls_are_compared_by_what_they_mean() -> None:
    one = answer("", ToolCall("a", "weather", '{"city": "Oslo", "days": 1}'))
    other = answer("", ToolCall("b", "weather", '{"days":1.0,"city":"Oslo"}'))
    else_ = answer("", ToolCall("b", "weather", '{"days":2,"city":"Oslo"}'))
    broken = answer("Well", ToolCall("b", "weather", '{"days":'))
    assert normal_answer(one) == normal_answer(other)
    assert len({normal_answer(each) for each in (one, else_, broken)}) == 3
    assert normal_answer(broken) == 'weather({"days":) text:well'
    assert normal_answer(answer("")) == "text:"


@given(st.text())
def test_a_text_is_the_same_in_any_case_and_spacing(text: str) -> None:
    form = normal_form(text, "text")
    assert normal_form(form.removeprefix("text:"), "text") == form
    assert normal_form(f"  {text}\n ", "text") == form


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_a_number_is_the_same_however_it_is_written(number: object) -> None:
    written = {f"{number}", f"{number:,}", f"The answer is {number}.", f"#### {number}0"}
    assert len({normal_form(text) for text in written}) == 1


@pytest.mark.parametrize(
    "text", ["\n" * 200_000, "```" + " \n" * 100_000, "(" * 200_000, "1," * 100_000, "# " * 100_000]
)
def test_no_answer_takes_long_to_compare(text: str) -> None:
    began = time.process_time()
    for by in ("auto", "number", "choice", "json", "text"):
        normal_form(text, by)
    assert time.process_time() - began < 5
