"""The journal keeps what it has acknowledged, and stays readable whatever the disk does."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tests.ledger import child, samples
from turnout.errors import LedgerError
from turnout.ledger.entry import decode_decision, decode_line
from turnout.ledger.journal import Journal, journals, lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turnout.types.decision import Decision

ROOT = Path(__file__).parents[2]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, worker="one")
    yield journal
    journal.close()


def lines(journal: Journal) -> list[bytes]:
    return b"".join(file.read_bytes() for file in sorted(journal.directory.iterdir())).splitlines()


def test_a_line_is_in_the_file_when_the_call_returns(journal: Journal) -> None:
    intent, decision = samples.an_intent(), samples.a_decision()
    journal.intend(intent)
    assert [decode_line(line).intent for line in lines(journal)] == [intent]
    journal.record(decision)
    assert decode_decision(decode_line(lines(journal)[1]).decision) == decision


@given(samples.decisions)
def test_whatever_a_decision_holds_is_one_line_that_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, decision: Decision
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal"), worker="one")
    journal.record(decision)
    journal.close()
    (line,) = lines(journal)
    assert decode_decision(decode_line(line).decision) == decision


def test_every_digit_of_an_amount_is_kept(journal: Journal) -> None:
    cost = Decimal("0.000000000000000000000123456789")
    journal.record(samples.a_decision(cost_usd=cost))
    assert decode_decision(decode_line(lines(journal)[0]).decision).cost_usd == cost


def test_nul_and_lone_surrogates_are_recorded(journal: Journal) -> None:
    journal.record(samples.a_decision(user="a\0b\ud800c", tags={"\udfff": "x"}, conditions={"odd": "\ud800"}))
    journal.intend(samples.an_intent(user="\ud800"))
    decision = decode_decision(decode_line(lines(journal)[0]).decision)
    assert decision.user == "a\0b\\ud800c"
    assert decision.tags == {"\\udfff": "x"}
    assert decision.cost_usd == Decimal("0.0007136")


def test_a_condition_without_a_json_form_is_recorded_as_text(journal: Journal) -> None:
    journal.record(samples.a_decision(conditions={"path": Path("/somewhere"), "nested": {"path": Path("/else")}}))
    conditions = decode_decision(decode_line(lines(journal)[0]).decision).conditions
    assert conditions == {"path": "/somewhere", "nested": {"path": "/else"}}


def test_a_condition_that_holds_itself_is_a_clear_error_and_harms_no_other_line(journal: Journal) -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(LedgerError, match="no JSON form"):
        journal.record(samples.a_decision(conditions={"endless": endless}))
    decision = samples.a_decision()
    journal.record(decision)
    assert [decode_decision(decode_line(line).decision) for line in lines(journal)] == [decision]


def test_a_directory_that_is_gone_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert lock(tmp_path / "gone") is None
    assert lock(tmp_path / "file") is None


def test_a_new_segment_is_begun_when_one_is_large_enough(tmp_path: Path) -> None:
    journal = Journal(tmp_path, worker="one", segment_bytes=3000)
    for _ in range(7):
        journal.record(samples.a_decision())
    assert len(samples.journal_files(tmp_path)) >= 3
    assert len(lines(journal)) == 7
    journal.close()


def test_a_new_segment_is_begun_when_one_is_old_enough_but_never_an_empty_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path, worker="one", segment_seconds=0.0)
    assert len(samples.journal_files(tmp_path)) == 1
    journal.record(samples.a_decision())
    assert len(samples.journal_files(tmp_path)) == 1
    journal.record(samples.a_decision())
    assert len(samples.journal_files(tmp_path)) == 2
    journal.close()


def test_where_no_new_segment_can_be_made_the_old_one_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path, worker="one", segment_bytes=1)
    (journal.directory / "00000002.jsonl").touch()
    for _ in range(3):
        journal.record(samples.a_decision())
    assert len(lines(journal)) == 3
    journal.close()


def test_a_living_process_keeps_its_journal_locked(tmp_path: Path) -> None:
    journal = Journal(tmp_path, worker="one")
    assert journals(tmp_path) == [journal.directory]
    assert lock(journal.directory) is None
    journal.close()
    journal.close()
    held = lock(journal.directory)
    assert held is not None


def test_a_workers_name_is_no_path(tmp_path: Path) -> None:
    journal = Journal(tmp_path, worker="../../etc/new-\0x")
    assert journals(tmp_path) == [journal.directory]
    journal.close()


def test_a_journal_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="cannot create a journal in"):
        Journal(tmp_path / "file" / "journal", worker="one")


def test_every_record_can_be_made_to_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fdatasync", synced.append)
    journal = Journal(tmp_path, worker="one", fsync=True)
    journal.intend(samples.an_intent())
    journal.record(samples.a_decision())
    assert len(synced) == 2
    journal.close()


@pytest.mark.parametrize("truncation", ["works", "fails"])
def test_a_full_disk_loses_nothing_acknowledged_and_tears_no_other_line(tmp_path: Path, truncation: str) -> None:
    run = subprocess.run(
        child.command("fill", tmp_path, truncation), cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    told = json.loads(run.stdout)
    assert told["refused"] > 0
    assert told["error"].startswith("cannot append to the journal in")
    (directory,) = journals(tmp_path)
    readable, torn = [], 0
    for line in b"".join(file.read_bytes() for file in directory.iterdir()).splitlines():
        try:
            readable.append(decode_decision(decode_line(line).decision).id)
        except ValueError:
            torn += 1
    assert readable == told["acknowledged"]
    assert (torn > 0) == (truncation == "fails")
