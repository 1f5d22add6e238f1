"""Outages are put together from the requests that met them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight import outages as module
from turnout.insight.outages import outages
from turnout.insight.query import Filter, select
from turnout.ledger.sqlite import SqliteStore
from turnout.types.candidate import Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = (START - timedelta(hours=12), START + timedelta(hours=12))


def request(
    minute: float, *, failed: str | None = None, left_out: str | None = None, by: str | None, **more: Any
) -> Decision:
    calls = [samples.an_attempt(target=failed, outcome="failed", error_class="overloaded", latency_ms=50.0)] * bool(
        failed
    )
    answers = [samples.an_attempt(target=by, cost_usd=Decimal("0.25"))] * bool(by)
    return samples.a_decision(
        time=timestamp(START + timedelta(minutes=minute)),
        attempts=(*calls, *answers),
        dropped=(Dropped(left_out, "breaker_open"),) if left_out else (),
        target=by,
        outcome="answered" if by else "failed",
        **more,
    )


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def test_failures_and_open_breakers_close_together_are_one_outage(store: SqliteStore) -> None:
    met = [
        request(0, failed="sonnet", by="haiku"),
        request(1, failed="sonnet", by=None),
        request(2, left_out="sonnet", by="haiku", tags={"drill": "01"}),
        request(6, left_out="sonnet", by="gpt-4o"),
    ]
    append(store, request(-60, by="sonnet"), *met, request(6.5, by="sonnet"))
    (found,) = outages(store, *DAY).found
    assert (found.target, found.began, found.ended) == ("sonnet", START, START + timedelta(minutes=6))
    assert (found.requests, found.failed_calls, found.left_out, found.unanswered) == (4, 2, 2, 1)
    assert found.errors == {"overloaded": 2}
    assert found.went_to == {"haiku": 2, "gpt-4o": 1, None: 1}
    assert found.waited_ms == 100
    assert found.instead_usd == Decimal("0.75")
    assert found.example == met[2].id
    assert found.drilled == 1


def test_what_lies_apart_is_told_apart_newest_first(store: SqliteStore) -> None:
    append(
        store,
        request(0, left_out="sonnet", by="haiku"),
        request(3, left_out="gpt-4o", by="haiku"),
        request(30, left_out="sonnet", by="haiku"),
    )
    assert [(each.target, each.requests) for each in outages(store, *DAY).found] == [
        ("sonnet", 1),
        ("gpt-4o", 1),
        ("sonnet", 1),
    ]


def test_failures_that_opened_no_breaker_are_no_outage(store: SqliteStore) -> None:
    append(store, request(0, failed="sonnet", by="haiku"), request(1, failed="sonnet", by=None))
    assert outages(store, *DAY) == ([], False)


def test_too_many_are_cut_off_and_said_to_be(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_READ", 2)
    append(store, *(request(minute, left_out="sonnet", by="haiku") for minute in range(3)))
    found = outages(store, *DAY)
    assert found.cut_off
    assert found.found[0].began == START + timedelta(minutes=1)


def test_no_query_for_trouble_reads_every_decision(store: SqliteStore) -> None:
    append(store, request(0, left_out="sonnet", by="haiku"))
    plan = " ".join(step for *_, step in store.rows(f"EXPLAIN QUERY PLAN {module._TROUBLED}", (0, 1, 0, 1, 9)))
    assert "USING INDEX decisions_fell_back" in plan
    assert "USING COVERING INDEX decisions_trouble" in plan
    sql, parameters = select("record", Filter(outcome="failed"), "ORDER BY time DESC, seq DESC")
    plan = " ".join(step for *_, step in store.rows(f"EXPLAIN QUERY PLAN {sql}", parameters))
    assert "USING INDEX decisions_trouble" in plan
