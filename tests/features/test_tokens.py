"""Estimates of tokens are near enough to choose by, and get nearer by what targets report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.features.tokens import TokenEstimator, estimate_tokens


def test_an_empty_text_has_no_tokens_and_any_other_has_some() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("a") == 1
    assert estimate_tokens("é") == 1


SAMPLES = json.loads((Path(__file__).parent / "counted.json").read_text(encoding="utf-8"))["samples"]


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["name"] for sample in SAMPLES])
def test_an_estimate_is_within_the_stated_range_of_what_a_real_tokenizer_counts(sample: dict) -> None:
    estimated = estimate_tokens(sample["text"])
    assert 0.8 * sample["o200k_base"] <= estimated <= 1.6 * sample["o200k_base"]
    assert estimated <= 1.1 * sample["cl100k_base"]


def test_a_broken_surrogate_is_still_text() -> None:
    assert estimate_tokens("\ud83d") >= 1


@given(st.text(), st.text())
def test_a_longer_text_never_has_fewer_tokens(one: str, other: str) -> None:
    assert estimate_tokens(one + other) >= estimate_tokens(one) - 1


def test_a_target_without_reports_is_believed_to_count_as_estimated() -> None:
    assert TokenEstimator().corrected("haiku", 100) == 100


def test_the_first_report_is_taken_whole_and_later_ones_in_part() -> None:
    estimator = TokenEstimator(weight=0.5)
    estimator.observe("haiku", 100, 120)
    assert estimator.corrected("haiku", 100) == 120
    estimator.observe("haiku", 100, 100)
    assert estimator.corrected("haiku", 100) == 110
    assert estimator.corrected("gpt-4o", 100) == 100


@given(st.floats(0.2, 5.0), st.lists(st.integers(100, 100_000), min_size=200, max_size=200))
def test_the_correction_converges_to_the_targets_own_ratio(ratio: float, estimates: list[int]) -> None:
    estimator = TokenEstimator()
    estimator.observe("target", 1_000, 1_000)
    for estimate in estimates:
        estimator.observe("target", estimate, round(estimate * ratio))
    assert estimator.ratio("target") == pytest.approx(ratio, rel=0.02)


@given(st.lists(st.tuples(st.integers(-5, 10**9), st.integers(-5, 10**9))))
def test_nonsense_reports_never_take_the_ratio_out_of_bounds(reports: list[tuple[int, int]]) -> None:
    estimator = TokenEstimator()
    for estimated, reported in reports:
        estimator.observe("target", estimated, reported)
    low, high = TokenEstimator.BOUNDS
    assert low <= estimator.ratio("target") <= high
