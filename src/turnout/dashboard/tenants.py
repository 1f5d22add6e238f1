"""The tenants: what each spent this month, and what the month will come to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from starlette.requests import Request

from turnout.dashboard.house import House
from turnout.dashboard.period import DAY, floor, month
from turnout.dashboard.rendering import Page
from turnout.insight.query import Filter
from turnout.insight.sums import Summary, summaries


class Shown(NamedTuple):
    """A tenant on the page.

    Attributes:
        name: the tenant's name.
        now: this month so far.
        last: the same stretch of the month before.
        forecast_usd: what the whole month will come to at the pace of the last seven days; None on its first day.
    """

    name: str
    now: Summary
    last: Summary
    forecast_usd: Decimal | None


def show(house: House, _request: Request) -> Page:
    """Every tenant of this month and the last, the costliest first."""
    at = datetime.now(UTC)
    first, end = month(at)
    before, _ = month(first - DAY)
    now = summaries(house.store, Filter(since=first), by="tenant")
    last = summaries(house.store, Filter(since=before, until=min(first, before + (at - first))), by="tenant")
    week = max(first, floor(at, DAY) - 7 * DAY)
    recent = summaries(house.store, Filter(since=week), by="tenant")
    shown = [
        Shown(
            str(name),
            now.get(name, Summary()),
            last.get(name, Summary()),
            forecast(now.get(name, Summary()).cost_usd, recent.get(name, Summary()).cost_usd, (week, at, end)),
        )
        for name in {**now, **last}
    ]
    shown.sort(key=lambda tenant: (-tenant.now.cost_usd, tenant.name))
    return Page(
        "tenants.html",
        {
            "tenants": shown,
            "total": sum((tenant.now.cost_usd for tenant in shown), Decimal(0)),
            "forecast": _all(shown),
            "month": first,
            "passed": (at - first) / (end - first),
        },
    )


def forecast(so_far: Decimal, recently: Decimal, times: tuple[datetime, datetime, datetime]) -> Decimal | None:
    """What was spent, and the pace of late for what is left of the month; None where a day has not passed yet.

    Args:
        so_far: spent this month, in USD.
        recently: spent since the first of the `times`, in USD.
        times: the beginning of the recent stretch, now, and the month's end.
    """
    start, now, end = times
    if now - start < DAY:
        return None
    pace = recently / Decimal((now - start).total_seconds())
    return so_far + pace * Decimal((end - now).total_seconds())


def _all(shown: list[Shown]) -> Decimal | None:
    known = [tenant.forecast_usd for tenant in shown if tenant.forecast_usd is not None]
    return sum(known, Decimal(0)) if known else None
