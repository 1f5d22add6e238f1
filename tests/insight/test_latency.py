"""Latencies of any period are those of its decisions, within 5 %."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight.latency import calls, latencies
from turnout.insight.query import Filter
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

START = datetime(2026, 3, 1, 22, 40, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    """300 decisions, one a minute over two midnights' edges, the first of 1 ms and each 1 ms longer."""
    store = SqliteStore(tmp_path / "db")
    append(store, *(of_minute(minute) for minute in range(300)))
    return store


def of_minute(minute: int) -> Decision:
    target = "haiku" if minute % 2 else "sonnet"
    attempt = samples.an_attempt(
        target=target, provider="anthropic", latency_ms=minute + 0.5, first_token_ms=(minute + 1) / 2
    )
    return samples.a_decision(
        time=timestamp(START + timedelta(minutes=minute)),
        target=target,
        attempts=(attempt,),
        latency_ms=minute + 1.0,
        overhead_ms=0.25,
        outcome="answered",
    )


def test_quantiles_of_a_period_that_begins_and_ends_anywhere(store: SqliteStore) -> None:
    wanted = Filter(since=START + timedelta(minutes=10), until=START + timedelta(minutes=210))
    (found,) = latencies(store, wanted).values()
    assert found.number == 200
    assert found.total.p50 == pytest.approx(110, rel=0.06)
    assert found.total.p99 == pytest.approx(208, rel=0.06)
    assert found.first_token.p95 == pytest.approx(100, rel=0.06)
    assert found.overhead == pytest.approx((0.25, 0.25, 0.25), rel=0.06)


def test_quantiles_step_by_step(store: SqliteStore) -> None:
    found = latencies(store, Filter(), step=timedelta(hours=1))
    assert [at.hour for at in found if at] == [22, 23, 0, 1, 2, 3]
    assert [each.number for each in found.values()] == [20, 60, 60, 60, 60, 40]
    whole_days = latencies(store, Filter(), step=timedelta(days=1))
    assert [each.number for each in whole_days.values()] == [80, 220]


def test_filters_that_the_sketches_do_not_know_are_answered_too(store: SqliteStore) -> None:
    by_target = latencies(store, Filter(target="haiku"))[None]
    by_tenant = latencies(store, Filter(target="haiku", tenant="default"))[None]
    assert by_target == by_tenant
    assert by_target.number == 150
    assert latencies(store, Filter(tenant="nobody")) == {}
    assert latencies(store, Filter(outcome="failed")) == {}


def test_calls_are_told_by_provider_and_target(store: SqliteStore) -> None:
    failed = samples.an_attempt(
        target="haiku", provider="anthropic", outcome="failed", error_class="server_error", cost_usd=None
    )
    append(store, samples.a_decision(time=timestamp(START), attempts=(failed,), outcome="failed", target=None))
    found = calls(store, START, START + timedelta(days=2))
    haiku, sonnet = found["anthropic", "haiku"], found["anthropic", "sonnet"]
    assert (haiku.number, sonnet.number) == (151, 150)
    assert haiku.outcomes == {"answered": 150, "failed": 1}
    assert haiku.errors == {"server_error": 1}
    assert haiku.unpriced == 1
    assert sonnet.cost_usd == Decimal("0.0007136") * 150
    assert sonnet.total.p50 == pytest.approx(148.5, rel=0.06)
    assert calls(store, START, START + timedelta(minutes=90)) != found
    edge = calls(store, START + timedelta(minutes=1), START + timedelta(minutes=2))
    assert {key: each.number for key, each in edge.items()} == {("anthropic", "haiku"): 1}
