"""A report adds up, compares with the period before, and says what it does not know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight.query import Filter
from turnout.insight.report import Report, make_report
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def store_of(tmp_path: Path) -> SqliteStore:
    """Last week: acme for 3 USD, one of it failed. The week before: acme for 1 USD, bolt for 5 USD."""
    store = SqliteStore(tmp_path / "turnout.db")
    failed = samples.an_attempt(
        target="sonnet", provider="anthropic", outcome="failed", error_class="server_error", cost_usd=Decimal(0)
    )
    append(
        store,
        a_decision(3, "acme", "1.50"),
        a_decision(2, "acme", "1.50", attempts=(failed, samples.an_attempt(provider="anthropic"))),
        a_decision(1, "acme", None, target=None, outcome="failed"),
        a_decision(9, "acme", "1"),
        a_decision(10, "bolt", "5"),
        a_decision(40, "acme", "100"),
    )
    return store


def a_decision(days_ago: int, tenant: str, cost: str | None, **changes: Any) -> Decision:
    usd = None if cost is None else Decimal(cost)
    time = timestamp(NOW - days_ago * DAY)
    return samples.a_decision(tenant=tenant, time=time, cost_usd=usd, baseline_cost_usd=Decimal(4), **changes)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return make_report(store_of(tmp_path), Filter(since=NOW - 7 * DAY), by=("tenant",), now=NOW)


def test_the_total_is_that_of_the_period_and_of_the_one_before(report: Report) -> None:
    assert report.total.now.decisions == 3
    assert report.total.now.cost_usd == Decimal(3)
    assert report.total.now.unpriced == 1
    assert report.total.now.saved_usd == Decimal(5)
    assert report.total.before.cost_usd == Decimal(6)
    assert report.total.change_usd == Decimal(-3)


def test_lines_come_from_either_period_the_dearest_first(report: Report) -> None:
    assert [line.key for line in report.lines] == [("acme",), ("bolt",)]
    acme, bolt = report.lines
    assert (acme.now.cost_usd, acme.before.cost_usd) == (Decimal(3), Decimal(1))
    assert (bolt.now.cost_usd, bolt.before.cost_usd) == (Decimal(0), Decimal(5))
    assert [line.key for line in report.movers] == [("bolt",), ("acme",)]


def test_calls_and_errors_are_of_the_period_alone(report: Report) -> None:
    assert report.errors == {"server_error": 1}
    assert report.calls["anthropic", "sonnet"].number == 1
    assert report.latency.number == 2


def test_a_long_period_is_shown_by_days_and_a_short_one_by_hours(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    weeks = make_report(store, Filter(since=NOW - 14 * DAY), by=(), now=NOW)
    assert weeks.step == DAY
    assert len(weeks.steps) == 5
    assert weeks.lines == []
    assert make_report(store, Filter(since=NOW - 2 * DAY), by=(), now=NOW).step == timedelta(hours=1)
    assert make_report(store, Filter(), by=(), now=NOW).total.now.decisions == 5


def test_by_user_and_tag_the_period_is_of_whole_days(tmp_path: Path) -> None:
    made = make_report(store_of(tmp_path), Filter(since=NOW - 7 * DAY), by=("user",), now=NOW)
    assert (made.since, made.until) == (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC))
    assert made.total.now.decisions == 3
    ended = make_report(store_of(tmp_path), Filter(since=NOW - 7 * DAY, until=NOW - DAY), by=("tag:team",), now=NOW)
    assert ended.until == datetime(2026, 3, 15, tzinfo=UTC)
