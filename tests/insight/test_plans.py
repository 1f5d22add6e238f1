"""How SQLite goes about what reports ask: never through every decision, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ledger.samples import EPOCH, a_decision
from turnout.insight import query
from turnout.insight.browse import listed
from turnout.insight.cost_change import explain_change
from turnout.insight.forecast import forecasts
from turnout.insight.latency import calls, latencies
from turnout.insight.query import Filter
from turnout.insight.report import make_report
from turnout.insight.spend import Period
from turnout.insight.sums import series
from turnout.ledger.entry import encode_decision
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Store, Written

DAY = timedelta(days=1)
WHOLE = Filter(since=datetime(2026, 2, 1, tzinfo=UTC), until=datetime(2026, 4, 1, tzinfo=UTC))
RAGGED = Filter(since=EPOCH - 20 * DAY + timedelta(minutes=17), until=EPOCH + timedelta(minutes=43))
QUESTIONS: dict[str, Callable[[Store], object]] = {
    "report": lambda store: make_report(store, RAGGED, by=("tenant", "provider"), now=EPOCH),
    "report by user": lambda store: make_report(store, RAGGED, by=("user",), now=EPOCH),
    "report by tag": lambda store: make_report(store, RAGGED, by=("tag:team",), now=EPOCH),
    "by the hour": lambda store: series(store, WHOLE, timedelta(hours=1)),
    "latencies": lambda store: latencies(store, RAGGED),
    "calls": lambda store: calls(store, WHOLE.since, WHOLE.until),
    "forecast": lambda store: forecasts(store, now=EPOCH),
    "change of cost": lambda store: explain_change(store, Period(EPOCH - DAY, EPOCH), Period(EPOCH, EPOCH + DAY)),
    "the newest": lambda store: listed(store, Filter(), before=None, limit=50),
    "one decision": lambda store: query.decision(store, "01a20564"),
}


class Explained:
    """A store that keeps what SQLite does for each query."""

    def __init__(self, store: SqliteStore) -> None:
        self.read = store.read
        self.close = store.close
        self.steps: list[str] = []
        self._store = store

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        self.steps += [step for *_, step in self._store.rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return self._store.rows(sql, parameters)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path_factory.mktemp("plans") / "ledger.sqlite3")
    decisions = [a_decision(tags={"team": "growth"}) for _ in range(30)]
    store.append([Written(each, encode_decision(each)) for each in decisions], "j", None)
    yield store
    store.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_report_goes_through_every_decision(store: SqliteStore, question: str) -> None:
    explained = Explained(store)
    QUESTIONS[question](explained)
    tables = ("decisions", "shadows", "attempts", "d", "a")
    scans = [step for step in explained.steps if step.removeprefix("SCAN ") in tables]
    views = [step for step in explained.steps if step == "MATERIALIZE accounts"]
    assert [step for step in scans if step != "SCAN d" or not views] == []
    assert explained.steps
