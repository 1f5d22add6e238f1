"""The tenants: what each spent this month, and what the month will come to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from starlette.requests import Request

from turnout.dashboard.house import House
from turnout.dashboard.period import DAY, floor, month
from turnout.dashboard.rendering import Page
from turnout.insight.amount_words import usd
from turnout.insight.query import Filter
from turnout.insight.sums import Summary, summaries
from turnout.types.tenant import Period, Tenant


class Shown(NamedTuple):
    """A tenant on the page.

    Attributes:
        name: the tenant's name.
        now: this month so far.
        last: the same stretch of the month before.
        forecast_usd: what the whole month will come to at the pace of the last seven days; None on its first day.
        known: its budgets and what it pays; None for one that nobody declared.
    """

    name: str
    now: Summary
    last: Summary
    forecast_usd: Decimal | None
    known: Tenant | None

    @property
    def budgets(self) -> str:
        """What it may spend, in words."""
        budgets = self.known.budgets if self.known is not None else ()
        return ", ".join(f"{usd(each.usd)} {_PER[each.per]}{'' if each.hard else ' (soft)'}" for each in budgets)

    @property
    def margin(self) -> Decimal | None:
        """The share of what it pays in a month that will be left of it; None where one of the two is not known."""
        paid = self.known.revenue_usd if self.known is not None else None
        return 1 - self.forecast_usd / paid if paid and self.forecast_usd is not None else None


_PER: Final = {
    Period.HOUR: "an hour",
    Period.DAY: "a day",
    Period.WEEK: "a week",
    Period.MONTH: "a month",
    Period.TOTAL: "in all",
}


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
            house.router.directory.tenant(str(name)),
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
