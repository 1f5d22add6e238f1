"""The targets: how each is, how quick, how often it fails and with what, and what it charges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from starlette.requests import Request

from turnout.dashboard.house import House
from turnout.dashboard.period import Period
from turnout.dashboard.rendering import Page
from turnout.insight.latency import Calls, calls
from turnout.insight.outages import Outage, outages
from turnout.types.conditions import BreakerState
from turnout.types.target import Target

_UNTOLD: Final = ""
"""The provider in records of before it was recorded."""


class Shown(NamedTuple):
    """A target on the page.

    Attributes:
        name: its name.
        target: its configuration; None for one that is no longer configured.
        state: its breaker's state in the process that answers.
        calls: what the period's requests called it for.
        outages: when its breaker was open.
    """

    name: str
    target: Target | None
    state: BreakerState
    calls: Calls
    outages: list[Outage]


def show(house: House, request: Request) -> Page:
    """Every configured target, then those that were called and are no longer configured."""
    period = Period.of(request.query_params, datetime.now(UTC))
    called = calls(house.store, period.since, period.until)
    history = outages(house.store, period.since, period.until).found
    parts = house.router.parts
    states = parts.breakers.not_closed()
    shown = [
        Shown(
            name,
            target,
            states.get(name, BreakerState.CLOSED),
            _taken(called, target),
            [outage for outage in history if outage.target == name],
        )
        for name, target in parts.targets.items()
    ]
    shown += [Shown(name, None, BreakerState.CLOSED, each, []) for (_, name), each in called.items()]
    return Page("targets.html", {"period": period, "targets": shown})


def _taken(called: dict[tuple[str, str], Calls], target: Target) -> Calls:
    """The target's own calls, taken out of all; those of before the provider was recorded where it has no others."""
    key = next((key for provider in (target.provider, _UNTOLD) if (key := (provider, target.name)) in called), None)
    return called.pop(key) if key else Calls()
