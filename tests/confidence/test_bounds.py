"""P-values must be valid: under a true risk at the bound they are below δ at most δ of the time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from turnout.confidence.bounds import binomial_cdf, hoeffding_bentkus, least_labels


@given(st.integers(1, 3_000), st.floats(0, 1), st.floats(0.001, 0.999))
def test_the_binomial_distribution_is_that_of_scipy(n: int, share: float, p: float) -> None:
    k = int(share * n)
    assert binomial_cdf(k, n, p) == pytest.approx(binom.cdf(k, n, p), abs=1e-9)


def test_below_and_above_all_counts_it_is_certain() -> None:
    assert binomial_cdf(-1, 5, 0.3) == 0
    assert binomial_cdf(5, 5, 0.3) == 1


@given(st.integers(1, 500), st.floats(0, 1), st.floats(0.01, 0.99))
def test_a_p_value_is_a_probability_and_grows_with_the_losses(n: int, mean: float, alpha: float) -> None:
    lower, higher = hoeffding_bentkus(mean / 2, n, alpha), hoeffding_bentkus(mean, n, alpha)
    assert 0 <= lower <= higher <= 1


def test_nothing_seen_proves_nothing() -> None:
    assert hoeffding_bentkus(0.0, 0, 0.05) == 1


def test_a_risk_at_the_bound_is_rejected_no_more_often_than_promised() -> None:
    draws = np.random.default_rng(1)
    for alpha, n in ((0.05, 200), (0.2, 60), (0.02, 1000)):
        lost = draws.binomial(n, alpha, size=4_000)
        rejected = np.mean([hoeffding_bentkus(count / n, n, alpha) <= 0.1 for count in lost])
        assert rejected <= 0.1


def test_the_least_number_of_labels_is_the_first_that_can_certify() -> None:
    for alpha, delta in ((0.05, 0.1), (0.01, 0.05), (0.3, 0.2)):
        least = least_labels(alpha, delta)
        assert hoeffding_bentkus(0.0, least, alpha) <= delta + 1e-12
        assert hoeffding_bentkus(0.0, least - 1, alpha) > delta
