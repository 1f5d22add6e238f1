"""A ledger of before there were sums gets them, a few at a time, and answers rightly meanwhile."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight.latency import calls, latencies
from turnout.insight.query import Filter
from turnout.insight.sums import summary, totals
from turnout.ledger import backfill
from turnout.ledger.columns import DecisionRow, decision_row
from turnout.ledger.drain import Drain
from turnout.ledger.entry import encode_decision
from turnout.ledger.schema import migrations
from turnout.ledger.sqlite import SqliteStore
from turnout.types.candidate import Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

OLD = Path(__file__).parent / "old"


def recorded(number: int) -> list[Decision]:
    return [
        samples.a_decision(
            time=timestamp(samples.EPOCH + timedelta(minutes=7 * place)),
            source=f"page-{place % 3}",
            dropped=(Dropped("sonnet", "breaker_open"),),
        )
        for place in range(number)
    ]


@pytest.fixture(params=[1, 2])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A ledger of an older schema version with 30 decisions."""
    file = tmp_path / "ledger.db"
    connection = sqlite3.connect(file)
    connection.executescript((OLD / f"version_{request.param}.sql").read_text())
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(decisions)")]
    known = [name for name in DecisionRow._fields if name in columns]
    asked = ", ".join("?" * (len(known) + 1))
    for one in recorded(30):
        row = decision_row(one)._asdict()
        values = [*(row[name] for name in known), encode_decision(one).decode()]
        connection.execute(f"INSERT INTO decisions ({', '.join(known)}, record) VALUES ({asked})", values)
    connection.commit()
    connection.close()
    return file


def test_sums_are_right_before_while_and_after_they_are_made(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill.roll_up_older, "__defaults__", (12,))
    store = SqliteStore(old)
    assert store.position("any") == (0, 0)  # opened, and so migrated
    expected = summary(store, Filter())
    assert expected.decisions == 30
    assert expected.input_tokens == 30 * 412
    steps = 0
    while store.catch_up_sums():
        steps += 1
        assert summary(store, Filter()) == expected
        assert latencies(store, Filter())[None].number <= 30
        assert sum(each.number for each in calls(store).values()) <= 30
    assert steps == 2
    assert summary(store, Filter()) == expected
    assert {key: each.decisions for key, each in totals(store, Filter(), by=("source",)).items()} == {
        ("page-0",): 10,
        ("page-1",): 10,
        ("page-2",): 10,
    }
    assert latencies(store, Filter())[None].number == 30
    assert not store.catch_up_sums()
    (dropped,) = store.rows("SELECT count(*) FROM drops WHERE reason = 'breaker_open'")
    assert dropped == (30,)


def test_the_drain_makes_them_beside_the_traffic(old: Path, tmp_path: Path) -> None:
    store = SqliteStore(old)
    drain = Drain(tmp_path / "journal", store)
    drain.sweep()
    (left,) = store.rows("SELECT count(*) FROM progress WHERE name = 'unrolled'")
    assert left == (0,)


def test_a_record_that_cannot_be_read_keeps_nobody_from_the_sums(old: Path) -> None:
    connection = sqlite3.connect(old)
    connection.execute("UPDATE decisions SET record = '{' WHERE seq = 5")
    connection.commit()
    connection.close()
    store = SqliteStore(old)
    assert not store.catch_up_sums()
    assert summary(store, Filter()).decisions == 29


@pytest.mark.parametrize("file", sorted(OLD.glob("*.sql")), ids=lambda file: file.stem)
def test_a_file_of_every_version_is_brought_forward_and_taken_on(file: Path, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.executescript(file.read_text())
    connection.close()
    store = SqliteStore(tmp_path / "ledger.db")
    append(store, *recorded(3))
    assert next(store.rows("PRAGMA user_version")) == (len(migrations()),)
    assert summary(store, Filter()).decisions == 3


def test_a_file_is_kept_of_every_version_before_this() -> None:
    assert len(list(OLD.glob("*.sql"))) == len(migrations()) - 1
