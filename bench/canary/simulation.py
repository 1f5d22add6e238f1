"""Simulated traffic with a planted difference, and a canary that is stepped over it as `turnout canary step` would."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from typing import Final, NamedTuple

from turnout.insight.canary.judging import judge
from turnout.insight.canary.measure import Row, Stretch
from turnout.insight.canary.progress import advanced
from turnout.types.canary import Canary, CanaryStatus, Walked

LOOK_EVERY: Final = 500
"""Requests between two looks: many times as many looks as a person takes, so that peeking is put to the test."""

_BEGAN: Final = datetime(2026, 3, 1, tzinfo=UTC)
_ERRORS: Final = 0.01
_RATED: Final = 0.2
_GOOD: Final = 0.85


class Planted(NamedTuple):
    """How the new side differs in truth.

    Attributes:
        cost, latency: its share of the old side's.
        errors: further errors for each request.
        quality: further points of quality.
    """

    cost: float = 1.0
    latency: float = 1.0
    errors: float = 0.0
    quality: float = 0.0


NOTHING: Final = Planted()
SCENARIOS: Final = {
    "no difference": NOTHING,
    "cost +5 %, as tolerated": Planted(cost=1.05),
    "latency +25 %": Planted(latency=1.25),
    "cost +20 %": Planted(cost=1.20),
    "errors +3 points": Planted(errors=0.03),
    "quality -10 points": Planted(cost=0.5, quality=-0.10),
    "cost -30 %": Planted(cost=0.7),
    "latency -25 %": Planted(latency=0.75),
}
"""What is planted, by name."""


class Ended(NamedTuple):
    """What a run came to, after how many requests."""

    status: CanaryStatus
    requests: int


def run(planted: Planted, seed: int, *, callers: int = 0, most: int = 30_000) -> Ended:
    """Run one canary to its end.

    Args:
        planted: the truth.
        seed: of the traffic.
        callers: among how many callers the requests are spread; 0 for each its own. Callers differ, and stay on their
            side.
        most: requests of the canary after which it is held.
    """
    draw = random.Random(seed)
    canary = Canary(
        flag="new",
        variant="on",
        route="support",
        steps=(0.05, 0.25, 0.5),
        most=most,
        walked=(Walked("", 0.05, "started"),),
    )
    stretches = [Stretch()]
    habits = [(draw.random(), draw.gauss(0, 0.3)) for _ in range(callers)]
    requests = 0
    while canary.status is CanaryStatus.RUNNING:
        for _ in range(LOOK_EVERY):
            requests += 1
            caller = draw.randrange(callers) if callers else None
            place, habit = habits[caller] if caller is not None else (draw.random(), 0.0)
            new = place < canary.share
            row = _row(draw, planted if new else NOTHING, habit, requests)
            stretches[-1].add(row, new=new, caller=None if caller is None else str(caller))
        share = canary.share
        canary = advanced(canary, stretches, judge(stretches, canary.tolerances, canary.alpha), _BEGAN)
        if canary.share != share:
            stretches.append(Stretch())
    return Ended(canary.status, requests)


def _row(draw: random.Random, planted: Planted, habit: float, number: int) -> Row:
    """A request: heavy-tailed lengths, a latency that rises and falls with the hour, failures that cost nothing."""
    if draw.random() < _ERRORS + planted.errors:
        return Row(answered=False, latency_ms=1_000.0, cost_usd=0.0)
    hour = 0.3 * math.sin(number / 3_000)
    score = None
    if draw.random() < _RATED:
        score = float(draw.random() < _GOOD + planted.quality)
    return Row(
        answered=True,
        latency_ms=planted.latency * draw.lognormvariate(7 + habit + hour, 0.6),
        cost_usd=planted.cost * draw.lognormvariate(-6 + habit, 0.7),
        score=score,
    )
