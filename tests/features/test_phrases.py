"""Phrases are found as people mean them: whole words, in any case, in any script."""

from __future__ import annotations

import random
import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.growth import LINEAR, growth
from turnout.features.phrases import PhraseLists


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("legal", "Is it LEGAL?", True),
        ("legal", "illegal", False),
        ("legal", "legally", False),
        ("legal", "legal_team", False),
        ("legal", "(legal)", True),
        ("reset my password", "please reset my\n  password now", True),
        ("reset my password", "reset my\xa0password", True),
        ("Reset  My Password", "reset my password", True),
        ("c++", "I write C++ code", True),
        ("c++", "c++11 is fine", True),
        ("#refund", "tag:#refund", True),
        ("straße", "Hauptstraße 1", False),
        ("straße", "die STRASSE", True),
        ("café", "un cafe\u0301 noir", True),
        ("हिन्द", "हिन्दी", False),
        ("退款", "我要退款吗", True),
        ("パスワード", "私のパスワードを忘れた", True),
        ("คืนเงิน", "ขอคืนเงินหน่อย", True),
        ("환불", "환불을 원해요", True),
        ("refund", "我要refund吗", False),
    ],
)
def test_a_phrase_is_found_as_whole_words(phrase: str, text: str, found: bool) -> None:
    assert PhraseLists({"list": [phrase]}).matches(text) == ({"list": phrase} if found else {})


def test_each_list_reports_the_phrase_that_ends_first_as_it_was_configured() -> None:
    lists = PhraseLists({"a": ["Speak To A Human", "human"], "b": ["to a"], "c": ["robot"]})
    assert lists.matches("I want to speak to a human") == {"b": "to a", "a": "Speak To A Human"}


def test_a_phrase_may_be_in_several_lists() -> None:
    assert PhraseLists({"a": ["api"], "b": ["API"]}).matches("your api") == {"a": "api", "b": "API"}


def test_no_lists_and_blank_phrases_match_nothing() -> None:
    assert PhraseLists().matches("anything") == {}
    assert PhraseLists({"a": ["", "  "]}).matches("a  b") == {}


_WORDS = st.text("ab c", min_size=1, max_size=6).map(lambda text: " ".join(text.split())).filter(bool)


@given(st.lists(_WORDS, min_size=1, max_size=5), st.text("ab c\n", max_size=40))
def test_matching_agrees_with_the_regular_expression_that_says_the_same(phrases: list[str], text: str) -> None:
    lists = PhraseLists({phrase: [phrase] for phrase in phrases})
    flat = " ".join(text.split()) if "\n" in text or "  " in text else text
    expected = {phrase for phrase in phrases if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", flat)}
    assert set(lists.matches(text)) == expected


@given(st.text(max_size=80), st.text(min_size=1, max_size=8))
def test_any_text_can_be_searched_for_any_phrase(text: str, phrase: str) -> None:
    PhraseLists({"list": [phrase]}).matches(text)


def test_a_hostile_text_costs_in_proportion_to_its_length() -> None:
    lists = PhraseLists({"list": ["a" * 20, "a"]})
    assert lists.matches("a" * 200_000) == {}
    assert growth(lambda size: lists.matches("a" * size), 50_000) < LINEAR


@pytest.mark.bench
def test_three_lists_of_two_hundred_phrases_are_searched_within_the_budget() -> None:
    draw = random.Random(1)
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(3, 9))) for _ in range(3_000)]
    lists = PhraseLists(
        {name: [" ".join(draw.choices(words, k=draw.randint(1, 3))) for _ in range(200)] for name in "abc"}
    )
    text = " ".join(draw.choices(words, k=400))[:2_000]
    rounds = 2_000
    began = time.perf_counter()
    for _ in range(rounds):
        lists.matches(text)
    assert (time.perf_counter() - began) / rounds < 40e-6
