"""The store gives back what it was given, to the last digit, whatever made the file and whoever else uses it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import samples
from turnout.errors import LedgerError
from turnout.ledger.entry import encode_decision
from turnout.ledger.money import to_pico, to_usd
from turnout.ledger.schema import migrate, migrations
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Position, Written
from turnout.types.candidate import Dropped
from turnout.types.decision import Decision


def append(store: SqliteStore, *decisions: Decision) -> None:
    store.append([Written(one, encode_decision(one)) for one in decisions], "journal", Position(1, 0))


@given(st.lists(samples.decisions, max_size=4, unique_by=lambda decision: decision.id))
def test_every_decision_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision]) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("data") / "db")
    append(store, *decisions)
    assert [store.read(one.id) for one in decisions] == decisions
    assert store.read("another") is None
    store.close()


def test_an_unknown_amount_stays_unknown() -> None:
    assert to_pico(None) is None
    assert to_usd(None) is None


def test_a_lone_surrogate_is_spelled_out_for_machines_too() -> None:
    assert b'"user":"a\\\\ud800"' in encode_decision(samples.a_decision(user="a\ud800"))


@given(st.decimals(-(10**6), 10**6, places=12))
def test_an_amount_of_twelve_digits_is_stored_exactly(usd: Decimal) -> None:
    assert to_usd(to_pico(usd)) == usd


@given(st.decimals(-(10**6), 10**6, allow_nan=False))
def test_a_finer_amount_is_off_by_half_a_pico_dollar_at_most(usd: Decimal) -> None:
    assert abs(to_usd(to_pico(usd)) - usd) <= Decimal("5E-13")


def test_an_amount_reads_without_exponent_and_trailing_zeros() -> None:
    assert [str(to_usd(pico)) for pico in (0, 10**12, 10**14, 1_500_000_000_000)] == ["0", "1", "100", "1.5"]


def test_absurd_token_counts_and_costs_from_a_provider_do_not_stop_the_ledger(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    absurd = samples.a_decision(
        attempts=(samples.an_attempt(input_tokens=10**30, output_tokens=-5, cost_usd=Decimal(10**30)),),
        cost_usd=Decimal(10**30),
        time="not a time",
    )
    append(store, absurd, samples.a_decision())
    assert store.read(absurd.id) == absurd
    assert len(samples.recorded(store)) == 2


def test_a_decision_that_is_there_already_is_left_as_it_is(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    first = samples.a_decision()
    append(store, first)
    append(store, samples.a_decision(id=first.id, outcome="failed", attempts=()))
    assert store.read(first.id) == first
    assert list(store.rows("SELECT count(*) FROM attempts")) == [(1,)]


def test_a_ledger_that_somebody_holds_says_what_to_do(tmp_path: Path) -> None:
    append(SqliteStore(tmp_path / "db"), samples.a_decision())
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"locked\. Another process is writing it: try again"):
            append(SqliteStore(tmp_path / "db", busy_s=0.05), samples.a_decision())


def test_decisions_and_position_are_taken_in_together_or_not_at_all(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    append(store, samples.a_decision())
    bad = samples.a_decision(attempts=(samples.an_attempt(status="no number"),))
    with pytest.raises(LedgerError, match="cannot be used"):
        store.append([Written(bad, encode_decision(bad))], "journal", Position(9, 9))
    assert store.read(bad.id) is None
    assert store.position("journal") == Position(1, 0)


@pytest.mark.parametrize(
    ("changes", "fell_back"),
    [
        ({}, False),
        ({"dropped": (Dropped("sonnet", "breaker_open"),)}, True),
        ({"dropped": (Dropped("sonnet", "lacks_tools"),)}, False),
        ({"attempts": (samples.an_attempt(outcome="failed"), samples.an_attempt())}, False),
        ({"attempts": (samples.an_attempt(outcome="failed", target="sonnet"), samples.an_attempt())}, True),
        ({"attempts": (samples.an_attempt(outcome="discarded", target="sonnet"), samples.an_attempt())}, False),
    ],
)
def test_a_fallback_is_told_from_a_retry_and_an_escalation(
    tmp_path: Path, changes: dict[str, object], fell_back: bool
) -> None:
    store = SqliteStore(tmp_path / "db")
    append(store, samples.a_decision(**changes))
    assert list(store.rows("SELECT fell_back FROM decisions")) == [(fell_back,)]


def test_reading_makes_no_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "data" / "db")
    assert store.read("any") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(LedgerError, match="file is not a database"):
        SqliteStore(tmp_path / "db").read("any")


def test_a_record_that_is_not_one_is_a_clear_error(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    decision = samples.a_decision()
    store.append([Written(decision, b'{"id": "made by a newer one"}')], "journal", Position(1, 0))
    with pytest.raises(LedgerError, match="made by a newer one"):
        store.read(decision.id)


def opened(file: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(file, isolation_level=None))


def test_an_older_file_is_brought_forward_and_keeps_its_rows(tmp_path: Path) -> None:
    steps = [
        "CREATE TABLE a (x TEXT);\nCREATE INDEX a_x ON a (x);\n",
        "ALTER TABLE a ADD COLUMN y TEXT DEFAULT 'semi;colon';\nUPDATE a SET x = x || '!';\n",
    ]
    with opened(tmp_path / "db") as connection:
        migrate(connection, steps[:1])
        connection.execute("INSERT INTO a VALUES ('kept')")
        migrate(connection, steps)
        migrate(connection, steps)
        assert connection.execute("SELECT * FROM a").fetchall() == [("kept!", "semi;colon")]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "db") as connection:
        with pytest.raises(sqlite3.Error):
            migrate(connection, ["CREATE TABLE a (x);", "CREATE TABLE b (x);\nNONSENSE;"])
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_file_of_a_newer_turnout_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "db") as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    with pytest.raises(LedgerError, match="a newer one wrote it"):
        append(SqliteStore(tmp_path / "db"), samples.a_decision())


def test_many_may_make_the_file_at_once(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "db") for _ in range(8)]
    failed: list[LedgerError] = []

    def write(store: SqliteStore) -> None:
        try:
            append(store, samples.a_decision())
        except LedgerError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(samples.recorded(stores[0])) == 8
