"""What the comparison says: worse, better, the same, or not yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import exp, expm1, log1p
from typing import Final

import msgspec

from turnout.insight.canary.arm import Arm
from turnout.insight.canary.measure import LATENCY, MEASURES, QUALITY, Measure, Stretch
from turnout.insight.canary.sequence import Interval, interval, pooled

FEWEST: Final = 100
"""Values on each side before anything is said of them: an interval from estimated variances needs some."""
FEWEST_CALLERS: Final = 20
"""Callers on each side, likewise."""


class Standing(StrEnum):
    """How the new side compares by one measure, or in all."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    NOT_WORSE = "not_worse"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """How the two sides compare by one measure.

    Attributes:
        measure: its name.
        standing: `worse`: certainly by more than is tolerated; `better`: certainly; `same`: certainly within what is
            tolerated, either way; `not_worse`: certainly not by more; `unclear`; `unknown`: too few values.
        old, new: the mean of each side; of latencies, the geometric mean in ms.
        harm: by how much the new side is worse: a share for cost and latency, points (0 to 1) for errors and quality.
        low, high: where the harm lies, at whatever moment one looks.
        tolerance: how much worse is tolerated.
        values: how many values each side has.
    """

    measure: str
    standing: Standing
    old: float
    new: float
    harm: float | None = None
    low: float | None = None
    high: float | None = None
    tolerance: float
    values: tuple[int, int]


def judge(stretches: Sequence[Stretch], tolerances: Mapping[str, float], alpha: float) -> list[Found]:
    """Compare the two sides by every measure.

    Args:
        stretches: the traffic, cut where the share changed.
        tolerances: how much worse is tolerated, by measure; one that is not in it takes the measure's own.
        alpha: how often anything said here may be wrong, ever; divided among the measures.
    """
    return [
        _found(name, measure, stretches, tolerances.get(name, measure.tolerance), alpha / len(MEASURES))
        for name, measure in MEASURES.items()
    ]


def overall(found: Sequence[Found]) -> Standing:
    """What all of them say together. Quality that nobody has judged says nothing; everything else must be known."""
    asked = [each for each in found if each.measure != QUALITY or any(each.values)]
    standings = {each.standing for each in asked}
    if Standing.WORSE in standings:
        return Standing.WORSE
    if standings & {Standing.UNCLEAR, Standing.UNKNOWN}:
        return Standing.UNCLEAR
    if Standing.BETTER in standings:
        return Standing.BETTER
    return Standing.SAME if standings == {Standing.SAME} else Standing.NOT_WORSE


def _found(name: str, measure: Measure, stretches: Sequence[Stretch], tolerance: float, alpha: float) -> Found:
    olds, news = [each.old[name] for each in stretches], [each.new[name] for each in stretches]
    values = (sum(arm.count for arm in olds), sum(arm.count for arm in news))
    told = Found(
        measure=name,
        standing=Standing.UNKNOWN,
        old=_mean(name, olds),
        new=_mean(name, news),
        tolerance=tolerance,
        values=values,
    )
    callers = min(sum(arm.callers for arm in side) for side in (olds, news))
    estimate = pooled(measure.harm(old, new) for old, new in zip(olds, news, strict=True))
    if estimate is None or min(values) < FEWEST or callers < FEWEST_CALLERS:
        return told
    bound = log1p(tolerance) if name == LATENCY else tolerance
    within = interval(estimate, alpha, 2 * bound)
    harm, low, high = (expm1(each) if name == LATENCY else each for each in within)
    return msgspec.structs.replace(told, standing=_standing(within, bound), harm=harm, low=low, high=high)


def _mean(name: str, arms: Sequence[Arm]) -> float:
    number = sum(arm.count for arm in arms)
    mean = sum(arm.total for arm in arms) / number if number else 0.0
    return exp(mean) if name == LATENCY and number else mean


def _standing(within: Interval, bound: float) -> Standing:
    if within.low > bound:
        return Standing.WORSE
    if within.high < 0:
        return Standing.BETTER
    if within.high < bound:
        return Standing.SAME if within.low > -bound else Standing.NOT_WORSE
    return Standing.UNCLEAR
