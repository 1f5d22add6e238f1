"""The statistics of canaries: what the variance is of, what the intervals promise, what a measure says."""

from __future__ import annotations

import math
import random
from statistics import mean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.insight.canary.arm import Arm
from turnout.insight.canary.judging import Found, Standing, judge, overall
from turnout.insight.canary.measure import MEASURES, Row, Stretch
from turnout.insight.canary.sequence import Estimate, interval, pooled

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40)


def arm(values: list[float], callers: list[str | None] | None = None) -> Arm:
    made = Arm()
    for value, caller in zip(values, callers or [None] * len(values), strict=True):
        made.add(value, caller)
    return made


@given(VALUES)
def test_of_callers_who_ask_once_the_variance_is_that_of_a_mean(values: list[float]) -> None:
    for made in (arm(values), arm(values, [str(place) for place in range(len(values))])):
        assert made.mean == pytest.approx(mean(values))
        assert made.variance == pytest.approx(variance(values) / len(values), rel=1e-6, abs=1e-6)


@given(VALUES, st.integers(2, 5))
def test_the_same_said_several_times_by_a_caller_is_no_more_evidence(values: list[float], times: int) -> None:
    callers: list[str | None] = [str(place) for place in range(len(values)) for _ in range(times)]
    repeated = arm([value for value in values for _ in range(times)], callers)
    assert repeated.callers == len(values)
    assert repeated.variance == pytest.approx(arm(values).variance, rel=1e-6, abs=1e-6)


def test_a_single_caller_tells_nothing() -> None:
    assert arm([1.0, 2.0, 3.0], ["a", "a", "a"]).variance == math.inf


def test_the_interval_holds_at_every_look_of_nearly_all_runs() -> None:
    """1,000 looks at each of 150 runs: an interval for one look would be wrong in most of them."""
    alpha, wrong, naive = 0.05, 0, 0
    for seed in range(150):
        draw, total, ever, once = random.Random(seed), 0.0, False, False
        for number in range(1, 1_001):
            total += draw.gauss(0.3, 1)
            within = interval(Estimate(total / number, 1 / number, number), alpha, 0.2)
            ever = ever or not within.low <= 0.3 <= within.high
            once = once or abs(total / number - 0.3) > 1.96 / math.sqrt(number)
        wrong += ever
        naive += once
    assert wrong / 150 <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / 150)
    assert naive / 150 > 0.3


@given(st.floats(-1, 1), st.floats(1e-6, 1), st.floats(0.01, 1))
def test_more_evidence_and_less_certainty_both_narrow_it(difference: float, spread: float, scale: float) -> None:
    wide = interval(Estimate(difference, spread, 1), 0.01, scale)
    for narrower in (
        interval(Estimate(difference, spread / 4, 1), 0.01, scale),
        interval(Estimate(difference, spread, 1), 0.2, scale),
    ):
        assert wide.low < narrower.low < difference < narrower.high < wide.high


def test_a_change_of_the_traffic_between_stretches_is_no_difference_of_the_sides() -> None:
    """Simpson's paradox: the later, slower traffic has more of the new side, which is the faster in both stretches."""
    early = MEASURES["latency"].harm(arm([1.0, 1.1] * 50), arm([0.9, 1.0] * 5))
    late = MEASURES["latency"].harm(arm([3.0, 3.1] * 5), arm([2.9, 3.0] * 50))
    found = pooled([early, late])
    assert found is not None
    assert found.difference == pytest.approx(-0.1)
    assert pooled([]) is None


def stretch(old: list[Row], new: list[Row]) -> Stretch:
    made = Stretch()
    for rows, side in ((old, False), (new, True)):
        for row in rows:
            made.add(row, new=side, caller=None)
    return made


def rows(number: int, seed: int, *, cost: float = 1.0, errors: float = 0.0) -> list[Row]:
    draw = random.Random(seed)
    return [
        Row(draw.random() >= errors, 800 * draw.lognormvariate(0, 0.2), cost * draw.lognormvariate(0, 0.2))
        for _ in range(number)
    ]


def standings(found: list[Found]) -> dict[str, Standing]:
    return {each.measure: each.standing for each in found}


def test_each_measure_stands_as_the_traffic_was_made() -> None:
    found = judge([stretch(rows(4_000, 1, errors=0.01), rows(4_000, 2, cost=0.8, errors=0.08))], {}, 0.05)
    assert standings(found) == {
        "cost": Standing.BETTER,
        "latency": Standing.SAME,
        "errors": Standing.WORSE,
        "quality": Standing.UNKNOWN,
    }
    cost, latency, errors, _ = found
    assert cost.harm == pytest.approx(-0.2, abs=0.02)
    assert latency.old == pytest.approx(800, rel=0.02)
    assert errors.low is not None
    assert errors.low > 0.01
    assert overall(found) is Standing.WORSE


def test_what_is_tolerated_is_not_worse() -> None:
    made = [stretch(rows(8_000, 1), rows(8_000, 2, cost=1.1))]
    assert standings(judge(made, {"cost": 0.05}, 0.05))["cost"] is Standing.WORSE
    assert standings(judge(made, {"cost": 0.2}, 0.05))["cost"] is Standing.SAME
    assert standings(judge(made, {"cost": 0.1}, 0.05))["cost"] is Standing.UNCLEAR


def test_too_few_values_say_nothing_however_far_apart() -> None:
    found = judge([stretch(rows(90, 1), rows(90, 2, cost=9.0))], {}, 0.05)
    assert set(standings(found).values()) == {Standing.UNKNOWN}
    assert overall(found) is Standing.UNCLEAR


def test_without_an_error_on_either_side_there_might_still_be_one() -> None:
    found = judge([stretch(rows(150, 1), rows(150, 2))], {"errors": 0.001}, 0.05)
    assert standings(found)["errors"] is Standing.UNCLEAR


def test_a_side_that_costs_nothing_is_no_measure_of_the_other() -> None:
    found = judge([stretch(rows(200, 1, cost=0.0), rows(200, 2))], {}, 0.05)
    assert standings(found)["cost"] is Standing.UNKNOWN
