"""One request's calls, laid out to scale."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from turnout.types.decision import Attempt, Decision


class Lane(NamedTuple):
    """A call, as a bar on the request's axis of time.

    Attributes:
        attempt: the call.
        offset_ms: when it began, after the request was admitted.
        left, wait, width: where its bar begins, where its first token is after that and how wide it is, in percent of
            the axis; `wait` is None where no token came.
        cost: its cost's share of the axis of costs, in percent.
    """

    attempt: Attempt
    offset_ms: float
    left: float
    wait: float | None
    width: float
    cost: float


class Story(NamedTuple):
    """What a decision's page draws.

    Attributes:
        lanes: its calls, in order.
        total_ms: the length of the axis of time.
        ticks: times along it.
        most_usd: the length of the axis of costs: the dearer of the cost and the baseline's.
        cost, baseline: how far they reach along it, in percent.
    """

    lanes: list[Lane]
    total_ms: float
    ticks: list[float]
    most_usd: Decimal
    cost: float
    baseline: float


def story(decision: Decision) -> Story:
    """The drawing of a decision."""
    begun = [(attempt, _offset_ms(decision, attempt)) for attempt in decision.attempts]
    total = max([decision.latency_ms, *(offset + attempt.latency_ms for attempt, offset in begun)], default=0.0)
    total = total if total > 0 else 1.0
    amounts = [decision.cost_usd, decision.baseline_cost_usd, *(attempt.cost_usd for attempt in decision.attempts)]
    most = max((amount for amount in amounts if amount is not None), default=Decimal(0))
    return Story(
        lanes=[_lane(attempt, offset, total, most) for attempt, offset in begun],
        total_ms=total,
        ticks=list(_ticks(total)),
        most_usd=most,
        cost=_percent(decision.cost_usd, most),
        baseline=_percent(decision.baseline_cost_usd, most),
    )


def _lane(attempt: Attempt, offset: float, total: float, most: Decimal) -> Lane:
    first = attempt.first_token_ms
    return Lane(
        attempt=attempt,
        offset_ms=offset,
        left=offset / total * 100,
        wait=None if first is None else min(first, attempt.latency_ms) / total * 100,
        width=max(0.4, attempt.latency_ms / total * 100),
        cost=_percent(attempt.cost_usd, most),
    )


def _offset_ms(decision: Decision, attempt: Attempt) -> float:
    try:
        began = datetime.fromisoformat(attempt.started) - datetime.fromisoformat(decision.time)
    except (ValueError, TypeError):  # a record that somebody else made
        return 0.0
    return max(0.0, began.total_seconds() * 1000)


def _ticks(total: float) -> Iterator[float]:
    for quarter in range(5):
        yield total * quarter / 4


def _percent(amount: Decimal | None, most: Decimal) -> float:
    return float(amount / most) * 100 if amount and most else 0.0
