"""The outages: each time a breaker opened, what had happened, where the traffic went and what that cost."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request

from turnout.dashboard.house import House
from turnout.dashboard.period import Period
from turnout.dashboard.rendering import Page
from turnout.insight.outages import MOST_READ, outages


def show(house: House, request: Request) -> Page:
    """The outages of the period, newest first."""
    period = Period.of(request.query_params, datetime.now(UTC))
    found = outages(house.store, period.since, period.until)
    return Page(
        "outages.html",
        {
            "period": period,
            "outages": found.found,
            "most_read": MOST_READ if found.cut_off else None,
            "open_now": house.router.parts.breakers.not_closed(),
        },
    )
