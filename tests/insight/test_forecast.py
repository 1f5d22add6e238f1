"""The forecast of month-end spend."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight.forecast import forecast, forecasts
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
"""A Sunday; half of it and 16 whole days of March are left."""


def days(number: int, cost: object = "10", *, until: datetime = NOON) -> dict[date, Decimal]:
    first = until.date() - timedelta(days=number)
    return {first + timedelta(days=place): Decimal(str(cost)) for place in range(number)}


def test_steady_spend_goes_on_to_the_end_of_the_month_with_no_doubt() -> None:
    found = forecast(days(28) | {NOON.date(): Decimal(5)}, now=NOON)
    assert found.spent_usd == 145
    assert found.usd == found.low_usd == found.high_usd == 310
    assert found.days == 28


def test_each_weekday_that_is_left_counts_at_its_own_mean() -> None:
    costs = {day: Decimal(0) if day.weekday() > 4 else cost for day, cost in days(28).items()}
    found = forecast(costs, now=NOON)
    assert found.spent_usd == 100
    assert found.usd == 100 + 12 * 10  # twelve weekdays from the 16th to the 31st


def test_a_few_days_have_one_mean_and_fewer_than_four_no_interval() -> None:
    four, three = forecast(days(4), now=NOON), forecast(days(3), now=NOON)
    assert four.usd == 40 + Decimal("16.5") * 10
    assert three.low_usd is three.high_usd is None
    assert three.usd == 30 + Decimal("16.5") * 10


def test_of_a_first_day_nothing_follows() -> None:
    found = forecast({NOON.date(): Decimal(3)}, now=NOON)
    assert found.spent_usd == 3
    assert found.usd is None
    assert found.days == 0


def test_days_that_are_missing_cost_nothing_and_the_interval_never_lies_below_what_is_spent() -> None:
    costs = days(28, 0) | {NOON.date() - timedelta(days=28): Decimal(1), NOON.date() - timedelta(days=9): Decimal(900)}
    found = forecast({day: cost for day, cost in costs.items() if cost}, now=NOON)
    assert found.days == 28
    assert found.low_usd == found.spent_usd == 900


@pytest.mark.parametrize(("history", "fewest"), [(28, 550), (6, 545)])
def test_the_interval_covers_ninety_five_of_a_hundred_months(history: int, fewest: int) -> None:
    chance, covered = random.Random(7), 0
    for _ in range(600):
        level = {day: chance.gauss(100 if day.weekday() < 5 or history < 14 else 30, 15) for day in days(history)}
        rest = [NOON.date() + timedelta(days=place) for place in range(17)]
        truth = sum(chance.gauss(100 if day.weekday() < 5 or history < 14 else 30, 15) for day in rest[1:])
        half = chance.gauss(15 if history >= 14 else 50, 15 / 2**0.5)
        found = forecast({day: Decimal(cost) for day, cost in level.items()}, now=NOON)
        assert found.low_usd is not None
        assert found.high_usd is not None
        covered += found.low_usd <= found.spent_usd + Decimal(truth + half) <= found.high_usd
    assert fewest <= covered <= 592


def test_the_ledger_is_asked_by_tenant_and_day_and_tells_what_has_no_price(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    times = [NOON - timedelta(days=each) for each in (20, 2, 1)]
    append(store, *(samples.a_decision(tenant="acme", time=timestamp(at), cost_usd=Decimal(2)) for at in times))
    append(store, samples.a_decision(tenant="other", time=timestamp(times[1]), cost_usd=None))
    found = forecasts(store, now=NOON)
    store.close()
    assert set(found) == {"acme", "other"}
    assert found["acme"].spent_usd == 4
    assert found["acme"].days == 20
    assert found["acme"].unpriced == 0
    assert found["other"].unpriced == 1
