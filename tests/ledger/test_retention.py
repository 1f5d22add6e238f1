"""What is too old is removed, all of it and nothing else, while everything goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ledger import samples
from tests.ledger.test_texts import a_transcript
from tests.processes import wait_for
from turnout.ledger import drain, retention
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.entry import encode_decision
from turnout.ledger.ids import new_decision_id
from turnout.ledger.retention import Retention
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Position, Written
from turnout.ledger.texts import Texts
from turnout.types.candidate import Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1_000)
DAY_S = 86_400.0
DAYS = {"rollups": 400 * DAY_S, "decisions": 90 * DAY_S, "texts": 7 * DAY_S}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "db")
    yield store
    store.close()


def a_decision(days_ago: float) -> Decision:
    at = NOW - timedelta(days=days_ago)
    return samples.a_decision(
        id=new_decision_id(at),
        time=timestamp(at),
        user=f"user-of-{days_ago}",
        tags={"days": str(days_ago)},
        dropped=(Dropped("sonnet", "breaker_open"),),
    )


def append(store: SqliteStore, decisions: list[Decision], feedback: list[Feedback] | None = None) -> None:
    written = [Written(one, encode_decision(one)) for one in decisions]
    store.append(written, "journal", Position(1, 0), feedback or [])


def expire_all(store: SqliteStore, kept: Retention) -> int:
    steps = 0
    while store.expire(kept, NOW_MS):
        steps += 1
    return steps


def counted(store: SqliteStore, table: str) -> int:
    return int(next(store.rows(f"SELECT count(*) FROM {table}"))[0])


def of_decisions(store: SqliteStore) -> list[int]:
    return [counted(store, table) for table in ("decisions", "attempts", "drops", "feedback")]


def test_decisions_go_with_all_that_is_theirs_and_the_sums_stay(store: SqliteStore) -> None:
    old, new = a_decision(90.1), a_decision(89.9)
    said = [
        Feedback(id=f"f{place}", decision=each, time=timestamp(NOW), score=1.0)
        for place, each in enumerate([old.id, new.id])
    ]
    lost = Feedback(id="of nobody", decision="unknown", time=timestamp(NOW - timedelta(days=91)), score=0.0)
    append(store, [old, new], [*said, lost])
    assert expire_all(store, Retention(decisions=90 * DAY_S)) == 1
    assert samples.recorded(store) == [new.id]
    assert of_decisions(store) == [1, 1, 1, 1]
    assert [row[0] for row in store.rows("SELECT id FROM feedback")] == ["f1"]
    assert next(store.rows("SELECT sum(decisions) FROM rollups WHERE width = 86400")) == (2,)


def test_sums_go_bucket_by_bucket_and_minutes_always(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnout.ledger.sqlite.MINUTES_KEPT_MS", 10**15)  # as if they had been recorded at the time
    append(store, [a_decision(days) for days in (500, 450, 399, 10, 1)])
    expire_all(store, Retention(rollups=DAYS["rollups"]))
    assert counted(store, "decisions") == 5
    assert counted(store, "tag_rollups") == 3
    assert next(store.rows("SELECT count(*) FROM user_rollups WHERE width = 86400")) == (3,)
    assert counted(store, "cost_rollups") == 3
    for table in ("rollups", "latency_rollups", "attempt_rollups"):
        for width in (3_600, 86_400):
            assert next(store.rows(f"SELECT count(*) FROM {table} WHERE width = {width}")) == (3,)
    assert next(store.rows("SELECT count(*) FROM rollups WHERE width = 60")) == (1,)


def test_nothing_goes_where_everything_is_kept_for_ever(store: SqliteStore) -> None:
    append(store, [a_decision(5_000)])
    expire_all(store, Retention())
    assert of_decisions(store) == [1, 1, 1, 0]
    assert counted(store, "user_rollups") == 3


def test_much_goes_in_many_small_steps(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 10)
    append(store, [a_decision(100 + place / 100) for place in range(95)] + [a_decision(1)])
    assert expire_all(store, Retention(decisions=90 * DAY_S)) == 10
    assert of_decisions(store) == [1, 1, 1, 0]


def test_what_is_not_in_the_sums_yet_is_counted_before_it_goes(store: SqliteStore) -> None:
    append(store, [a_decision(100)])
    with store.writing() as writer:
        writer.execute("DELETE FROM rollups")
        writer.execute("INSERT INTO progress (name, value) SELECT 'unrolled', max(seq) FROM decisions")
    assert not store.expire(Retention(decisions=90 * DAY_S), NOW_MS)
    while store.catch_up_sums():
        pass
    expire_all(store, Retention(decisions=90 * DAY_S))
    assert counted(store, "decisions") == 0
    assert next(store.rows("SELECT sum(decisions) FROM rollups WHERE width = 86400")) == (1,)


def test_texts_of_which_the_time_is_over_are_in_no_file(store: SqliteStore, tmp_path: Path) -> None:
    keeper = Texts(SqliteStore(tmp_path / "db"))
    for place in range(200):
        keeper.keep(a_transcript(f"d{place:03}", f"wombat-{place} " * (1 + place * 7)))
    keeper.stop()
    assert b"wombat" in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    expire_all(store, Retention(texts=DAYS["texts"]))
    assert counted(store, "texts") == 0
    assert b"wombat" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_running_ledger_removes_what_is_too_old_beside_what_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "EXPIRE_S", 0.01)
    ledger = EmbeddedLedger(tmp_path, retention=Retention(decisions=90 * DAY_S))
    ledger.start()
    try:
        long_ago, now = a_decision(10_000), samples.a_decision(time=timestamp(datetime.now(UTC)))
        ledger.journal.record(long_ago)
        ledger.journal.record(now)
        wait_for(lambda: samples.recorded(ledger.store) == [now.id])
    finally:
        ledger.close()
    assert samples.recorded(ledger.store) == [now.id]
