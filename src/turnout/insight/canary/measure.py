"""What a canary is judged by: each measure as a harm, which is above 0 where the new side is worse."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from turnout.insight.canary.arm import Arm
from turnout.insight.canary.sequence import Estimate

COST: Final = "cost"
LATENCY: Final = "latency"
ERRORS: Final = "errors"
QUALITY: Final = "quality"


class Row(NamedTuple):
    """What is known of a request.

    Attributes:
        answered: whether it was answered in full; None where that was the caller's own doing.
        latency_ms: from admission to the last byte, in ms.
        cost_usd: what it cost, in USD; None where that is not known.
        score: how good the answer was found, 0 to 1; None where nobody said.
    """

    answered: bool | None
    latency_ms: float
    cost_usd: float | None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that the two sides are compared by.

    Attributes:
        read: the value of a request; None where it has none.
        harm: by how much the second side is worse, from the values of both.
        relative: a share of the first side's, and not a difference of points.
        tolerance: how much worse is tolerated, unless something else is asked.
    """

    read: Callable[[Row], float | None]
    harm: Callable[[Arm, Arm], Estimate]
    relative: bool
    tolerance: float


def _difference(old: Arm, new: Arm) -> Estimate:
    return Estimate(new.mean - old.mean, old.variance + new.variance, _weight(old, new))


def _lost(old: Arm, new: Arm) -> Estimate:
    """Of what had better be more."""
    return Estimate(old.mean - new.mean, old.variance + new.variance, _weight(old, new))


def _rate(old: Arm, new: Arm) -> Estimate:
    """Of what happens or does not: where it has not happened yet, it still might."""
    return Estimate(new.mean - old.mean, _rate_variance(old) + _rate_variance(new), _weight(old, new))


def _ratio(old: Arm, new: Arm) -> Estimate:
    """As a share of the old mean; its variance by the delta method."""
    if old.mean <= 0:
        return Estimate(0.0, math.inf, 0.0)
    ratio = new.mean / old.mean
    variance = (new.variance + ratio**2 * old.variance) / old.mean**2
    return Estimate(ratio - 1, variance, _weight(old, new))


def _rate_variance(arm: Arm) -> float:
    """Never less than that of independent requests at the rate with one more of either kind (Agresti and Coull)."""
    rate = (arm.total + 1) / (arm.count + 2)
    return max(arm.variance, rate * (1 - rate) / max(arm.count, 1))


def _weight(old: Arm, new: Arm) -> float:
    return old.count * new.count / (old.count + new.count) if old.count and new.count else 0.0


def _error(row: Row) -> float | None:
    return None if row.answered is None else float(not row.answered)


def _log_latency(row: Row) -> float | None:
    """Of answers alone; the logarithm, since a few that take minutes would drown the rest."""
    return math.log(max(row.latency_ms, 0.1)) if row.answered else None


MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        COST: Measure(lambda row: row.cost_usd, _ratio, relative=True, tolerance=0.05),
        LATENCY: Measure(_log_latency, _difference, relative=True, tolerance=0.10),
        ERRORS: Measure(_error, _rate, relative=False, tolerance=0.01),
        QUALITY: Measure(lambda row: row.score, _lost, relative=False, tolerance=0.03),
    }
)
"""By name."""


class Stretch:
    """The traffic between two changes of the share: the values of each measure on either side."""

    def __init__(self) -> None:
        self.old = {name: Arm() for name in MEASURES}
        self.new = {name: Arm() for name in MEASURES}
        self.requests = [0, 0]

    def add(self, row: Row, *, new: bool, caller: str | None) -> None:
        """Take a request in."""
        self.requests[new] += 1
        side = self.new if new else self.old
        for name, measure in MEASURES.items():
            value = measure.read(row)
            if value is not None:
                side[name].add(value, caller)
