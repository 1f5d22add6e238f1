"""Whoever is to be forgotten is in no file of the data directory any more; everybody else is."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.ledger import samples
from tests.ledger.test_texts import a_transcript
from turnout.errors import LedgerError
from turnout.insight.query import Filter
from turnout.insight.sums import summary, totals
from turnout.ledger import erasing
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.erasing import Subject, erase
from turnout.ledger.journal import Journal
from turnout.ledger.location import database_file, journal_directory
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.texts import Texts
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback

EVE, BOB = "eve-zq81@example.com", "bob-zq82@example.com"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[EmbeddedLedger]:
    """A gateway that goes on."""
    ledger = EmbeddedLedger(tmp_path)
    ledger.start()
    yield ledger
    ledger.close()


def of(user: str, **changes: Any) -> Decision:
    return samples.a_decision(user=user, tags={"session": f"session of {user}", "team": "all"}, **changes)


def fill(ledger: EmbeddedLedger, rounds: int = 60) -> list[Decision]:
    """Bob's decisions; Eve has as many, between them."""
    kept = []
    for number in range(rounds):
        for user in (EVE, BOB):
            decision = of(user)
            ledger.journal.intend(samples.an_intent(id=decision.id, user=user))
            ledger.journal.record(decision)
            ledger.journal.hear(
                Feedback(id=f"{user}-{number}", decision=decision.id, time=decision.time, user=user, score=1.0)
            )
            if user == BOB:
                kept.append(decision)
    texts = Texts(SqliteStore(database_file(ledger.data)))
    for decision in kept[:20]:
        texts.keep(a_transcript(decision.id, f"I am {EVE} " * 300, user=EVE))
    texts.stop()
    assert ledger.drain.flush(30)
    return kept


def everything(data: Path) -> bytes:
    return b"".join(file.read_bytes() for file in data.rglob("*") if file.is_file())


def test_a_user_is_in_no_file_any_more_while_the_gateway_goes_on(ledger: EmbeddedLedger, tmp_path: Path) -> None:
    kept = fill(ledger)
    assert EVE.encode() in everything(tmp_path)
    told: list[tuple[str, int]] = []
    assert erase(tmp_path, Subject(user=EVE), lambda what, number: told.append((what, number))) == 60
    assert EVE.encode() not in everything(tmp_path)
    assert everything(tmp_path).count(BOB.encode()) > 60
    assert ("removing decisions", 60) in told
    assert sorted(samples.recorded(ledger.store)) == sorted(each.id for each in kept)
    assert summary(ledger.store, Filter()).decisions == 120, "what was spent was spent"
    assert {key: each.decisions for key, each in totals(ledger.store, Filter(), by=("tag:team",)).items()} == {
        ("all",): 60
    }
    later = of(BOB)
    ledger.journal.record(later)
    assert ledger.drain.flush(30)
    assert ledger.store.read(later.id) == later
    assert ledger.drain.torn == 0


def test_a_tenant_goes_with_its_sums(ledger: EmbeddedLedger, tmp_path: Path) -> None:
    for tenant in ("zq-acme", "other"):
        ledger.journal.record(of(BOB, tenant=tenant))
    assert ledger.drain.flush(30)
    assert erase(tmp_path, Subject(tenant="zq-acme")) == 1
    assert b"zq-acme" not in everything(tmp_path)
    assert set(totals(ledger.store, Filter(), by=("tenant",))) == {("other",)}


def test_a_tenants_user_is_not_another_tenants(ledger: EmbeddedLedger, tmp_path: Path) -> None:
    for tenant in ("acme", "other"):
        ledger.journal.record(of(BOB, tenant=tenant))
    assert ledger.drain.flush(30)
    assert erase(tmp_path, Subject("acme", BOB)) == 1
    assert [row[0] for row in ledger.store.rows("SELECT tenant FROM decisions")] == ["other"]
    assert list(ledger.store.rows("SELECT DISTINCT tenant FROM user_rollups")) == [("other",)]
    assert str(Subject("acme", BOB)) == f"user '{BOB}' of tenant 'acme'"


def test_a_request_under_way_is_still_accounted_for_if_its_process_dies(tmp_path: Path) -> None:
    ledger = EmbeddedLedger(tmp_path)
    ledger.start()
    ended, open_ = of(EVE), samples.an_intent(user=EVE)
    ledger.journal.intend(samples.an_intent(id=ended.id, user=EVE))
    ledger.journal.intend(open_)
    ledger.journal.record(ended)
    assert ledger.drain.flush(30)
    erase(tmp_path, Subject(user=EVE))
    assert samples.recorded(ledger.store) == []
    assert everything(tmp_path).count(EVE.encode()) == 1
    ledger.close()
    assert samples.recorded(ledger.store) == [open_.id]


def test_what_dead_processes_left_is_taken_in_first_and_goes_too(tmp_path: Path) -> None:
    journal = Journal(journal_directory(tmp_path), worker="dead")
    journal.intend(samples.an_intent(user=EVE))
    journal.close()
    assert erase(tmp_path, Subject(user=EVE)) == 1
    assert EVE.encode() not in everything(tmp_path)


def test_what_broke_off_may_be_theirs_and_goes(ledger: EmbeddedLedger, tmp_path: Path) -> None:
    (segment,) = ledger.journal.directory.glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"decision":{"id":"x","user":"' + EVE.encode() + b"\n")
    assert ledger.drain.flush(30)
    erase(tmp_path, Subject(user=EVE))
    assert EVE.encode() not in everything(tmp_path)


def test_a_journal_that_nobody_takes_in_is_told_and_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "_PATIENCE_S", 0.1)
    ledger = EmbeddedLedger(tmp_path)  # alive, and not draining
    ledger.journal.record(of(EVE))
    with pytest.raises(LedgerError, match=r"is not in the ledger after 0 s\. Nothing was removed\. Stop the gateway"):
        erase(tmp_path, Subject(user=EVE))
    ledger.close()
    assert erase(tmp_path, Subject(user=EVE)) == 1


def test_while_somebody_reads_the_log_it_is_told_that_it_is_not_empty(
    ledger: EmbeddedLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "_PATIENCE_S", 0.3)
    fill(ledger, 3)
    with closing(sqlite3.connect(database_file(tmp_path))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM decisions").fetchone()
        with pytest.raises(LedgerError, match=r"is being read|locked"):
            erase(tmp_path, Subject(user=EVE))
    assert erase(tmp_path, Subject(user=EVE)) == 0
    assert subprocess.run(["grep", "-rqa", EVE, str(tmp_path)], check=False).returncode == 1


def test_no_table_that_names_a_tenant_is_forgotten(ledger: EmbeddedLedger, tmp_path: Path) -> None:
    ledger.journal.record(of(BOB, tenant="zq-acme"))
    assert ledger.drain.flush(30)
    named = list(ledger.store.rows("SELECT DISTINCT tenant FROM cost_rollups"))
    assert named == [("zq-acme",)]
    erase(tmp_path, Subject(tenant="zq-acme"))
    assert next(ledger.store.rows("SELECT count(*) FROM cost_rollups")) == (0,)
