"""The savings: against each route's baseline, rule by rule, with what routing itself took."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from starlette.requests import Request

from turnout.dashboard.house import House
from turnout.dashboard.period import Period
from turnout.dashboard.rendering import Page
from turnout.insight.query import Filter
from turnout.insight.sums import Summary, series, summary, totals


class Shown(NamedTuple):
    """A rule of a route, or the route's requests that no rule decided."""

    route: str
    rule: str | None
    summary: Summary
    baseline: str | None


def show(house: House, request: Request) -> Page:
    """What each rule of each route saved, the most first."""
    period = Period.of(request.query_params, datetime.now(UTC))
    wanted = Filter(since=period.since, until=period.until)
    configured = house.router.loaded.config.routes
    shown = [
        Shown(str(route), rule, summed, configured[str(route)].baseline if route in configured else None)
        for (route, rule), summed in totals(house.store, wanted, by=("route", "rule")).items()
    ]
    shown.sort(key=lambda each: -each.summary.saved_usd)
    by_step = series(house.store, wanted, period.span.step)
    return Page(
        "savings.html",
        {
            "period": period,
            "total": summary(house.store, wanted),
            "rules": shown,
            "steps": [(at, by_step.get(at, Summary())) for at in period.steps()],
        },
    )
