"""Intervals that hold at every moment at once: who looks after each request errs no more often than who looks once.

For a difference estimated with variance V, S = difference / V moves like a Brownian motion with drift, in the
information I = 1 / V, however the traffic was divided (Jennison and Turnbull, "Group Sequential Methods", 2000, chapter
3). Mixing its likelihood ratio over a normal distribution of the true difference gives a martingale, and Ville's
inequality an interval that holds for all I together with probability 1 - alpha:

    difference ± sqrt((I + 1/scale²) (2 ln(1/alpha) + ln(1 + scale² I))) / I

Robbins, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Stat. 41 (1970); for tests of
products, Johari, Koomen, Pekelis and Walsh, "Always valid inference", Oper. Res. 70 (2022). With estimated variances it
holds asymptotically: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", Ann. Stat. 52 (2024).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple


class Estimate(NamedTuple):
    """A difference between two sides, from one stretch of traffic.

    Attributes:
        difference: the estimate.
        variance: its variance.
        weight: what it counts for among others. It must not depend on the values, or their mean would be biased.
    """

    difference: float
    variance: float
    weight: float


class Interval(NamedTuple):
    """Where a difference lies."""

    estimate: float
    low: float
    high: float


def pooled(estimates: Iterable[Estimate]) -> Estimate | None:
    """The weighted mean of estimates from stretches of different traffic; None where there is nothing to tell.

    Each stretch is compared within itself, so that what changes from one to the next (the hour, the callers, the share)
    is not taken for a difference between the sides.
    """
    known = [each for each in estimates if math.isfinite(each.variance) and each.weight > 0]
    weight = sum(each.weight for each in known)
    if not known:
        return None
    difference = sum(each.weight * each.difference for each in known) / weight
    variance = sum(each.weight**2 * each.variance for each in known) / weight**2
    return Estimate(difference, variance, weight)


def interval(estimate: Estimate, alpha: float, scale: float) -> Interval:
    """Where the difference lies, at whatever moment one looks.

    Args:
        estimate: what is known so far.
        alpha: how often it may be wrong, ever.
        scale: the size of a difference that is looked for; it is found the soonest, others later.
    """
    if estimate.variance <= 0:
        return Interval(estimate.difference, estimate.difference, estimate.difference)
    information = 1 / estimate.variance
    spread = 2 * math.log(1 / alpha) + math.log1p(scale**2 * information)
    half = math.sqrt((information + scale**-2) * spread) / information
    return Interval(estimate.difference, estimate.difference - half, estimate.difference + half)
