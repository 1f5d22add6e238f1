"""Canaries over simulated traffic: the short form of `python -m bench.canary`."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.canary.simulation import NOTHING, Planted, run
from turnout.types.canary import CanaryStatus

RUNS = 8


def ends(planted: Planted, **given: int) -> Counter[CanaryStatus]:
    return Counter(run(planted, seed, **given).status for seed in range(RUNS))


@pytest.mark.parametrize("planted", [Planted(latency=1.4), Planted(cost=1.4), Planted(errors=0.06)])
def test_a_planted_regression_is_rolled_back(planted: Planted) -> None:
    assert ends(planted) == {CanaryStatus.ROLLED_BACK: RUNS}


def test_no_difference_is_neither_rolled_back_nor_promoted() -> None:
    assert ends(NOTHING, most=3_000) == {CanaryStatus.HELD: RUNS}
    assert ends(NOTHING, most=3_000, callers=500) == {CanaryStatus.HELD: RUNS}


def test_a_planted_improvement_is_mostly_promoted_and_never_rolled_back() -> None:
    found = ends(Planted(cost=0.7))
    assert found[CanaryStatus.PROMOTED] > RUNS / 2
    assert found[CanaryStatus.PROMOTED] + found[CanaryStatus.HELD] == RUNS
