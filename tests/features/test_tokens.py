"""Estimates of tokens are near enough to choose by, and get nearer by what targets report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.features.tokens import TokenEstimator, estimate_tokens


def test_an_empty_text_has_no_tokens_and_any_other_has_some():
    assert estimate_tokens("") == 0
    assert estimate_tokens("a") == 1
    assert estimate_tokens("é") == 1


def test_english_takes_four_characters_to_a_token():
    assert estimate_tokens("word " * 80) == 100


@pytest.mark.parametrize(
    ("text", "low", "high"),
    # What o200k_base and cl100k_base (OpenAI's tokenizers) count, with a fifth to either side.
    [
        ("我想退款,请帮我处理这个订单。", 9, 22),
        ("パスワードを忘れました。再設定してください。", 11, 26),
        ("Где мой заказ? Я хочу вернуть деньги.", 8, 22),
        ("Wie setze ich mein Passwort zurück?", 7, 13),
    ],
)
def test_other_scripts_are_estimated_within_the_range_of_real_tokenizers(text: str, low: int, high: int):
    assert low <= estimate_tokens(text) <= high


def test_a_broken_surrogate_is_still_text():
    assert estimate_tokens("\ud83d") >= 1


@given(st.text(), st.text())
def test_a_longer_text_never_has_fewer_tokens(one: str, other: str):
    assert estimate_tokens(one + other) >= estimate_tokens(one) - 1


def test_a_target_without_reports_is_believed_to_count_as_estimated():
    assert TokenEstimator().corrected("haiku", 100) == 100


def test_the_first_report_is_taken_whole_and_later_ones_in_part():
    estimator = TokenEstimator(weight=0.5)
    estimator.observe("haiku", 100, 120)
    assert estimator.corrected("haiku", 100) == 120
    estimator.observe("haiku", 100, 100)
    assert estimator.corrected("haiku", 100) == 110
    assert estimator.corrected("gpt-4o", 100) == 100


@given(st.floats(0.2, 5.0), st.lists(st.integers(100, 100_000), min_size=200, max_size=200))
def test_the_correction_converges_to_the_targets_own_ratio(ratio: float, estimates: list[int]):
    estimator = TokenEstimator()
    estimator.observe("target", 1_000, 1_000)
    for estimate in estimates:
        estimator.observe("target", estimate, round(estimate * ratio))
    assert estimator.ratio("target") == pytest.approx(ratio, rel=0.02)


@given(st.lists(st.tuples(st.integers(-5, 10**9), st.integers(-5, 10**9))))
def test_nonsense_reports_never_take_the_ratio_out_of_bounds(reports: list[tuple[int, int]]):
    estimator = TokenEstimator()
    for estimated, reported in reports:
        estimator.observe("target", estimated, reported)
    low, high = TokenEstimator.BOUNDS
    assert low <= estimator.ratio("target") <= high
