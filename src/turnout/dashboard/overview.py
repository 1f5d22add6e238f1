"""The first page: how much, how well, how fast, and at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from starlette.requests import Request

from turnout.dashboard.house import House
from turnout.dashboard.period import DAY, Period, floor
from turnout.dashboard.rendering import Page
from turnout.insight.browse import latest
from turnout.insight.latency import Latencies, Quantiles, latencies
from turnout.insight.query import Filter
from turnout.insight.sums import Summary, series, summary, totals

OUTCOMES: Final = ("answered", "partial", "refused", "cancelled", "interrupted", "failed")
_SHOWN: Final = 6
_COSTLY: Final[Mapping[str, str]] = {
    "tenant": "Tenants",
    "route": "Routes",
    "target": "Targets",
    "user": "Users",
}


class Step(NamedTuple):
    """A point of the charts."""

    at: datetime
    summary: Summary
    latency: Quantiles


class Costly(NamedTuple):
    """Who costs what: the values of a field that cost the most, how many others there are, and the cost of all."""

    field: str
    title: str
    note: str
    rows: list[tuple[str | None, Summary]]
    others: int
    spent_usd: Decimal


def show(house: House, request: Request) -> Page:
    """The overview of the period that the address names."""
    period = Period.of(request.query_params, datetime.now(UTC))
    wanted = Filter(since=period.since, until=period.until)
    before = period.before()
    summed = series(house.store, wanted, period.span.step)
    timed = latencies(house.store, wanted, step=period.span.step)
    return Page(
        "overview.html",
        {
            "period": period,
            "total": summary(house.store, wanted),
            "before": summary(house.store, Filter(since=before.since, until=before.until)),
            "latency": latencies(house.store, wanted).get(None, Latencies()),
            "steps": [Step(at, summed.get(at, Summary()), timed.get(at, Latencies()).total) for at in period.steps()],
            "shown_outcomes": OUTCOMES,
            "costly": [_costly(house, period, field) for field in _COSTLY],
            "ever": latest(house.store) > 0,
        },
    )


def _costly(house: House, period: Period, field: str) -> Costly:
    whole_days = field == "user"  # sums by user are kept by the day: other hours would be read one by one
    since = floor(period.since, DAY) if whole_days else period.since
    found = totals(house.store, Filter(since=since, until=None if whole_days else period.until), by=(field,))
    rows = sorted(((value, summed) for (value,), summed in found.items()), key=lambda row: -row[1].cost_usd)
    note = f"since {since:%d %b, %H:%M}" if whole_days else "the costliest"
    return Costly(field, _COSTLY[field], note, rows[:_SHOWN], max(0, len(rows) - _SHOWN), _spent(rows))


def _spent(rows: list[tuple[str | None, Summary]]) -> Decimal:
    return sum((summed.cost_usd for _, summed in rows), Decimal(0))
