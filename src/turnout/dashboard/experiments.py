"""Experiments: canaries and what became of them, and what shadows said to the same requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from starlette.requests import Request

from turnout.dashboard.house import House
from turnout.dashboard.period import Period
from turnout.dashboard.rendering import Page
from turnout.dashboard.words import NONE
from turnout.insight.canary.judging import Found, Standing, judge
from turnout.insight.canary.measure import COST, LATENCY
from turnout.insight.canary.observed import observed
from turnout.insight.canary.progress import percent, waits_for
from turnout.insight.query import Filter
from turnout.insight.shadows import compared
from turnout.ledger.store import Store
from turnout.state.canaries import CanaryFile
from turnout.types.canary import Canary, CanaryStatus

_STATES: Final[Mapping[CanaryStatus, str]] = {
    CanaryStatus.RUNNING: "warn",
    CanaryStatus.PROMOTED: "good",
    CanaryStatus.ROLLED_BACK: "bad",
}
_STANDINGS: Final[Mapping[Standing, tuple[str, str]]] = {
    Standing.WORSE: ("worse", "bad"),
    Standing.BETTER: ("better", "good"),
    Standing.SAME: ("the same", "good"),
    Standing.NOT_WORSE: ("not worse", "good"),
    Standing.UNCLEAR: ("not clear yet", "warn"),
    Standing.UNKNOWN: ("too few yet", ""),
}


class Measured(NamedTuple):
    """One measure of a canary, as it reads."""

    name: str
    old: str
    new: str
    harm: str
    within: str
    tolerated: str
    standing: str
    state: str


class Shown(NamedTuple):
    """A canary on the page.

    Attributes:
        canary: the canary.
        state: how it is coloured.
        measures: how the two sides compare; of one that runs.
        waits_for: what has to happen next; of one that runs.
        requests: of the old side and of the new.
    """

    canary: Canary
    state: str
    measures: list[Measured]
    waits_for: str
    requests: tuple[int, int]


def show(house: House, request: Request) -> Page:
    """Every canary, those that run first, and the shadows of the period."""
    period = Period.of({"period": "7d", **request.query_params}, datetime.now(UTC))
    canaries = [_shown(house.store, each) for each in CanaryFile(house.router.data).read().values()]
    canaries.sort(key=lambda each: (each.canary.status is not CanaryStatus.RUNNING, each.canary.flag))
    shadows = compared(house.store, Filter(since=period.since, until=period.until))
    return Page("experiments.html", {"period": period, "canaries": canaries, "shadows": shadows})


def _shown(store: Store, canary: Canary) -> Shown:
    state = _STATES.get(canary.status, "")
    if canary.status is not CanaryStatus.RUNNING:
        return Shown(canary, state, [], "", (0, 0))
    stretches = observed(store, canary)
    found = judge(stretches, canary.tolerances, canary.alpha)
    old, new = (sum(stretch.requests[side] for stretch in stretches) for side in (0, 1))
    measures = [_measured(each) for each in found]
    return Shown(canary, state, measures, waits_for(canary, stretches, found), (old, new))


def _measured(found: Found) -> Measured:
    old, new = (
        _value(found.measure, each) if many else NONE
        for each, many in zip((found.old, found.new), found.values, strict=True)
    )
    harm = within = NONE
    if found.harm is not None and found.low is not None and found.high is not None:
        harm = percent(found.measure, found.harm)
        within = f"{percent(found.measure, found.low)} to {percent(found.measure, found.high)}"
    tolerated = percent(found.measure, found.tolerance)
    return Measured(found.measure, old, new, harm, within, tolerated, *_STANDINGS[found.standing])


def _value(measure: str, value: float) -> str:
    if measure == COST:
        return f"${value:.6f}"
    return f"{value:,.0f} ms" if measure == LATENCY else f"{value:.2%}"
