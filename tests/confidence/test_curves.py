"""Curves turn scores into probabilities: monotone, honest on average, and what their papers say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from turnout.confidence.curves import CurveName, fit_curve
from turnout.confidence.quality import brier, calibration_error, log_loss

CURVES: tuple[CurveName, ...] = ("logistic", "beta", "isotonic")
scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60)


def sample(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose true probability is their square."""
    draws = np.random.default_rng(seed)
    scores = draws.uniform(size=n)
    return scores, (draws.uniform(size=n) < scores**2).astype(float)


@pytest.mark.parametrize("name", CURVES)
@settings(max_examples=60)
@given(scored)
def test_a_better_score_is_never_a_lower_probability(name: CurveName, pairs: list[tuple[float, bool]]) -> None:
    scores, labels = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    chances = fit_curve(name, scores, labels).at(np.linspace(0, 1, 101))
    assert (np.diff(chances) >= -1e-12).all()
    assert ((chances >= 0) & (chances <= 1)).all()


@pytest.mark.parametrize("name", ["beta", "isotonic"])
def test_probabilities_on_new_answers_come_true(name: CurveName) -> None:
    curve = fit_curve(name, *sample(1, 3_000))
    scores, labels = sample(2, 3_000)
    assert calibration_error(curve.at(scores), labels) < 0.03
    assert calibration_error(scores, labels) > 0.1


def test_isotonic_steps_are_those_of_scikit_learn() -> None:
    scores, labels = sample(3, 500)
    scores = scores.round(2)  # with ties
    theirs = IsotonicRegression().fit(scores, labels).predict(scores)
    assert fit_curve("isotonic", scores, labels).at(scores) == pytest.approx(theirs)


def test_scores_of_certainty_stay_finite() -> None:
    curve = fit_curve("beta", np.array([0.0, 0.2, 0.9, 1.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert np.isfinite(curve.at(np.array([0.0, 1.0]))).all()


def test_measures_of_quality_are_those_of_the_books() -> None:
    chances, labels = np.array([0.9, 0.6, 0.2, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    assert brier(chances, labels) == pytest.approx((0.01 + 0.16 + 0.04 + 0.01) / 4)
    assert log_loss(chances, labels) == pytest.approx(-np.log([0.9, 0.6, 0.8, 0.9]).mean())
    assert calibration_error(chances, labels, bins=2) == pytest.approx((0.15 * 2 + 0.25 * 2) / 4)
