"""A report adds up, compares with the period before, and says what it does not know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.insight.made import a_store
from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.errors import ConfigError
from turnout.insight.providers import together
from turnout.insight.query import Filter
from turnout.insight.report import Report, make_report
from turnout.insight.sums import summary
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


def test_by_provider_requests_count_where_their_answer_came_from(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    made = make_report(store, Filter(since=NOW - 7 * DAY), by=("provider", "tenant"), now=NOW)
    found = {line.key: line for line in made.lines}
    assert found["anthropic", "acme"].now.cost_usd == Decimal(3)
    assert found[None, "acme"].now.outcomes == {"failed": 1}
    assert sum((line.now.cost_usd for line in made.lines), Decimal(0)) == made.total.now.cost_usd
    assert sum(line.now.decisions for line in made.lines) == made.total.now.decisions


def test_what_cannot_be_reported_by_is_told_with_what_can(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"there is no field 'colour' to report by\. There are: .* provider, tag:NAME"
    ):
        make_report(store_of(tmp_path), Filter(), by=("colour",), now=NOW)


@given(st.lists(samples.decisions, max_size=6, unique_by=lambda decision: decision.id), st.integers(0, 6))
def test_summaries_of_parts_amount_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision], cut: int
) -> None:
    parts = [summary(a_store(tmp_path_factory, part), Filter()) for part in (decisions[:cut], decisions[cut:])]
    whole = summary(a_store(tmp_path_factory, decisions), Filter())
    joined = together(*parts)
    assert joined.rating == (None if whole.rating is None else pytest.approx(whole.rating, abs=1e-6))
    assert msgspec.structs.replace(joined, rating=whole.rating) == whole
