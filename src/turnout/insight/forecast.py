"""What each tenant will have spent by the end of the month, and how sure that is.

forecasts(store, now=datetime.now(UTC))   {"acme": Forecast(...), ...}
"""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from turnout.insight.spans import milliseconds
from turnout.insight.spend import midnight
from turnout.insight.student import student
from turnout.ledger.money import to_usd
from turnout.ledger.rollups import DAY
from turnout.ledger.store import Store

DAYS: Final = 28
"""Whole days that are looked at: four of each weekday."""
_BY_WEEKDAY: Final = 14
"""From so many days on, each weekday has been seen twice and has a mean of its own."""
_FEWEST: Final = 4
"""With fewer days, how far they differ says nothing."""
_DIGITS: Final = 6
"""What is foreseen is told in micro-USD."""
_COSTS: Final = """
SELECT tenant, start, sum(cost), sum(unpriced) FROM rollups
WHERE width = ? AND start >= ? AND start < ? GROUP BY 1, 2"""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant will have spent by the end of the month; amounts in USD, days in UTC.

    Attributes:
        spent_usd: since the month began.
        usd: spent by its end; None on a tenant's first day, of which nothing follows.
        low_usd, high_usd: between them in 95 of 100 months, if traffic stays as it was; None with fewer than four days.
        days: whole days that it rests on, 28 at the most.
        unpriced: requests among them whose cost is unknown, and which are in no amount.
    """

    spent_usd: Decimal
    usd: Decimal | None = None
    low_usd: Decimal | None = None
    high_usd: Decimal | None = None
    days: int = 0
    unpriced: int = 0


def forecasts(store: Store, *, now: datetime) -> dict[str, Forecast]:
    """The forecast of every tenant that spent something this month or in the last 28 days.

    Args:
        store: the ledger.
        now: aware.

    Raises:
        LedgerError: the store cannot be read.
    """
    today = midnight(now)
    since = min(today.replace(day=1), today - timedelta(days=DAYS))
    costs: dict[str, dict[date, Decimal]] = defaultdict(dict)
    unpriced: Counter[str] = Counter()
    for tenant, start, cost, unknown in store.rows(_COSTS, (DAY, milliseconds(since, 0), milliseconds(now, 0))):
        costs[tenant][datetime.fromtimestamp(start / 1_000, UTC).date()] = to_usd(cost)
        unpriced[tenant] += unknown
    found = {tenant: forecast(each, now=now) for tenant, each in costs.items()}
    return {tenant: msgspec.structs.replace(each, unpriced=unpriced[tenant]) for tenant, each in found.items()}


def forecast(costs: Mapping[date, Decimal], *, now: datetime) -> Forecast:
    """One tenant's forecast.

    With S what was spent since the month began, nᵥ how many days of weekday v are left of it (the rest of today counts
    as the part of a day that it is), and mᵥ the mean of the cᵥ days of weekday v among the last 28,

        F = S + Σ nᵥ mᵥ        F ± t s √Σ (nᵥ + nᵥ² / cᵥ)

    where s² = Σ (x − mᵥ)² / (N − k) over the N days and k means, and t is Student's 97.5 % quantile for N − k degrees
    of freedom: the days left vary as those before did, and the means are uncertain themselves (the prediction interval
    of a regression on weekdays; Draper and Smith, "Applied Regression Analysis", 3rd ed., 1998, section 3.1). Days
    before the first with a cost are none; with fewer than 14 there is one mean for all weekdays.

    It knows of no trend and no season longer than a week, and not of what was never asked.

    Args:
        costs: USD by day in UTC; a day that is missing cost nothing.
        now: aware.
    """
    today = now.astimezone(UTC).date()
    spent = sum((cost for day, cost in costs.items() if day >= today.replace(day=1)), Decimal(0))
    seen = _seen(costs, today)
    if not seen:
        return Forecast(spent_usd=spent)
    kinds = {day: day.weekday() if len(seen) >= _BY_WEEKDAY else 0 for day in seen}
    number = Counter(kinds.values())
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for day, cost in seen.items():
        sums[kinds[day]] += cost
    means = {kind: sums[kind] / count for kind, count in number.items()}
    left = _left(now, by_weekday=len(seen) >= _BY_WEEKDAY)
    usd = spent + round(sum((Decimal(days) * means[kind] for kind, days in left.items()), Decimal(0)), _DIGITS)
    if len(seen) < _FEWEST:
        return Forecast(spent_usd=spent, usd=usd, days=len(seen))
    freedom = len(seen) - len(number)
    variance = sum(float(cost - means[kinds[day]]) ** 2 for day, cost in seen.items()) / freedom
    reach = sum(days + days**2 / number[kind] for kind, days in left.items())
    error = round(Decimal(student(freedom) * (variance * reach) ** 0.5), _DIGITS)
    return Forecast(spent_usd=spent, usd=usd, low_usd=max(spent, usd - error), high_usd=usd + error, days=len(seen))


def _seen(costs: Mapping[date, Decimal], today: date) -> dict[date, Decimal]:
    """The last whole days, 28 at the most, from the tenant's first on."""
    first = max(min(costs, default=today), today - timedelta(days=DAYS))
    days = (first + timedelta(days=place) for place in range((today - first).days))
    return {day: costs.get(day, Decimal(0)) for day in days}


def _left(now: datetime, *, by_weekday: bool) -> dict[int, float]:
    """How many days of each weekday are left of the month; all under 0 if not by weekday."""
    today = midnight(now)
    left: dict[int, float] = defaultdict(float)
    for day in range(today.day, calendar.monthrange(today.year, today.month)[1] + 1):
        kind = today.replace(day=day).weekday() if by_weekday else 0
        left[kind] += 1 - (now - today) / timedelta(days=1) if day == today.day else 1
    return left
