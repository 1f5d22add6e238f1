"""Everything journalled reaches the store exactly once, whoever dies and whatever fails."""

from __future__ import annotations

import json
import logging
import random
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import child, samples
from turnout.errors import LedgerError
from turnout.ledger import tail
from turnout.ledger.drain import Drain
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.journal import Journal, journals
from turnout.ledger.location import database_file, journal_directory
from turnout.ledger.sqlite import SqliteStore
from turnout.types.feedback import Feedback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from turnout.ledger.store import Position, Written

ROOT = Path(__file__).parents[2]


def eventually(condition: Callable[[], object], within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[EmbeddedLedger]:
    ledger = EmbeddedLedger(tmp_path)
    yield ledger
    ledger.close()


def test_a_decision_is_in_the_store_within_a_moment(ledger: EmbeddedLedger) -> None:
    ledger.start()
    decision = samples.a_decision()
    ledger.journal.record(decision)
    assert eventually(lambda: ledger.store.read(decision.id) == decision, within_s=2)


def test_a_flush_returns_when_everything_before_it_is_in_the_store(ledger: EmbeddedLedger) -> None:
    ledger.start()
    ids = [samples.a_decision().id for _ in range(500)]
    for decision_id in ids:
        ledger.journal.record(samples.a_decision(id=decision_id))
    assert ledger.drain.flush(5)
    assert samples.recorded(ledger.store) == ids
    assert ledger.drain.behind == 0


def test_a_flush_gives_up_after_its_timeout(ledger: EmbeddedLedger) -> None:
    assert ledger.drain.flush(0.01) is False


def test_a_request_in_flight_in_a_living_process_is_left_alone(ledger: EmbeddedLedger) -> None:
    ledger.journal.intend(samples.an_intent())
    ledger.drain.sweep()
    assert samples.recorded(ledger.store) == []


def test_what_a_dead_process_left_open_is_closed_as_interrupted_at_its_estimated_cost(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.sqlite3")
    journal = Journal(tmp_path / "journal", worker="dead")
    answered, left = samples.an_intent(), samples.an_intent(cost_usd=Decimal("0.0031"), input_tokens=77)
    journal.intend(answered)
    journal.intend(left)
    journal.record(samples.a_decision(id=answered.id))
    journal.close()
    Drain(tmp_path / "journal", store).sweep()
    ended = store.read(left.id)
    assert ended is not None
    assert (ended.outcome, ended.cost_usd, ended.user, ended.time) == (
        "interrupted",
        left.cost_usd,
        left.user,
        left.time,
    )
    (attempt,) = ended.attempts
    assert (attempt.target, attempt.input_tokens, attempt.estimated) == (left.target, 77, True)
    assert attempt.cost_usd == ended.cost_usd
    assert samples.recorded(store) == [answered.id, left.id]
    assert journals(tmp_path / "journal") == []


def test_what_was_open_when_the_living_drain_last_looked_is_closed_as_well(tmp_path: Path) -> None:
    """The position behind its intent is in the store, and the process wrote more before it died."""
    store = SqliteStore(tmp_path / "ledger.sqlite3")
    journal = Journal(tmp_path / "journal", worker="dead")
    early, late, later = samples.an_intent(), samples.an_intent(), samples.an_intent()
    journal.intend(early)
    living = tail.JournalTail(journal.directory, store, dead=False)
    living.catch_up()
    living.close()
    journal.intend(late)
    journal.intend(later)
    journal.record(samples.a_decision(id=later.id))
    journal.close()
    Drain(tmp_path / "journal", store).sweep()
    outcomes = {each: found.outcome for each in (early.id, late.id) if (found := store.read(each))}
    assert outcomes == {early.id: "interrupted", late.id: "interrupted"}
    assert store.read(later.id) is not None


def test_closing_takes_everything_in_and_leaves_no_journal(tmp_path: Path) -> None:
    ledger = EmbeddedLedger(tmp_path)
    ledger.start()
    decision, intent = samples.a_decision(), samples.an_intent()
    ledger.journal.intend(intent)
    ledger.journal.record(decision)
    ledger.close()
    assert sorted(samples.recorded(ledger.store)) == sorted([decision.id, intent.id])
    assert samples.journal_files(tmp_path) == []
    assert list(ledger.store.rows("SELECT * FROM journal_positions")) == []


def test_a_segment_is_removed_once_none_of_its_requests_is_open(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.sqlite3")
    journal = Journal(tmp_path / "journal", worker="one", segment_bytes=1)
    drain = Drain(tmp_path / "journal", store, journal=journal)
    slow = samples.an_intent()
    journal.intend(slow)
    for _ in range(3):
        journal.record(samples.a_decision())
    drain.sweep()
    assert samples.journal_files(tmp_path) == ["00000001.jsonl", "00000004.jsonl"]
    journal.record(samples.a_decision(id=slow.id))
    drain.sweep()
    assert samples.journal_files(tmp_path) == ["00000005.jsonl"]
    journal.close()


def test_lines_that_cannot_be_read_are_passed_over_and_counted(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.sqlite3")
    journal = Journal(tmp_path / "journal", worker="dead")
    first, second = samples.a_decision(), samples.a_decision()
    journal.record(first)
    (file,) = journal.directory.iterdir()
    with file.open("ab") as raw:
        raw.write(b'{"decision":{"id":"torn\n\xff\xfe\n\n')
    journal.record(second)
    with file.open("ab") as raw:
        raw.write(b'{"decision":{"id":"never en')
    journal.close()
    drain = Drain(tmp_path / "journal", store)
    drain.sweep()
    assert samples.recorded(store) == [first.id, second.id]
    assert drain.torn == 4
    assert journals(tmp_path / "journal") == []


def test_a_line_longer_than_what_is_read_at_a_time_is_read_whole(ledger: EmbeddedLedger) -> None:
    decision = samples.a_decision(reason="x" * (tail.BATCH_BYTES + tail.SLICE_BYTES))
    ledger.journal.record(decision)
    ledger.drain.sweep()
    assert ledger.store.read(decision.id) == decision


def test_one_journal_that_cannot_be_adopted_does_not_keep_another(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.sqlite3")
    for worker in ("a", "b"):
        journal = Journal(tmp_path / "journal", worker=worker)
        journal.record(samples.a_decision(user=worker))
        if worker == "a":
            (journal.directory / "somebody's notes").touch()
        journal.close()
    with pytest.raises(LedgerError, match="cannot be read"):
        Drain(tmp_path / "journal", store).sweep()
    assert [user for (user,) in store.rows("SELECT user FROM decisions")] == ["a", "b"]


def test_a_locked_database_delays_and_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = SqliteStore(tmp_path / "ledger.sqlite3", busy_s=0.01)
    journal = Journal(tmp_path / "journal", worker="one")
    drain = Drain(tmp_path / "journal", store, journal=journal, follow_s=0.01)
    caplog.set_level(logging.INFO, "turnout.ledger")
    drain.start()
    assert drain.flush(5)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        decision = samples.a_decision()
        journal.record(decision)
        assert eventually(lambda: "locked" in drain.trouble)
        assert not drain.flush(0.2)
        assert drain.behind > 0
        other.execute("ROLLBACK")
    assert drain.flush(5)
    assert eventually(lambda: not drain.trouble)
    assert samples.recorded(store) == [decision.id]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    journal.close()
    drain.stop()


def test_a_full_disk_under_the_database_delays_and_loses_nothing(tmp_path: Path) -> None:
    run = subprocess.run(
        child.command("outgrow", tmp_path), cwd=ROOT, capture_output=True, text=True, check=True, timeout=50
    )
    told = json.loads(run.stdout)
    assert told["trouble"].startswith("the ledger")
    assert told["behind"] > 0
    assert told["flushed"]
    assert not told["trouble_after"]
    assert samples.recorded(SqliteStore(database_file(tmp_path))) == told["ids"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


class DyingStore(SqliteStore):
    """The real store, in a process that dies at its n-th write: just before the commit, or just after it."""

    def __init__(self, file: Path, *, dies_at: int, committed: bool) -> None:
        super().__init__(file)
        self._left = dies_at
        self._committed = committed

    def append(
        self,
        decisions: Sequence[Written],
        journal: str,
        position: Position | None,
        feedback: Sequence[Feedback] = (),
    ) -> None:
        self._left -= 1
        if self._left == 0 and not self._committed:
            raise Killed
        super().append(decisions, journal, position, feedback)
        if self._left == 0:
            raise Killed


@given(
    requests=st.lists(st.sampled_from(["ended", "open", "without intent"]), max_size=12),
    segment_bytes=st.sampled_from([1, 3000, 1 << 20]),
    deaths=st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=4),
)
def test_wherever_a_drain_dies_the_store_ends_up_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    requests: list[str],
    segment_bytes: int,
    deaths: list[tuple[int, bool]],
) -> None:
    directory = tmp_path_factory.mktemp("data")
    file, journal = directory / "db", Journal(directory / "journal", worker="one", segment_bytes=segment_bytes)
    outcomes = {}
    following = Drain(directory / "journal", DyingStore(file, dies_at=3, committed=True), journal=journal)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail, "SLICE_BYTES", 500)
        patch.setattr(tail, "BATCH_BYTES", 2500)
        alive = True
        for request in requests:
            intent = samples.an_intent()
            outcomes[intent.id] = "interrupted" if request == "open" else "answered"
            if request != "without intent":
                journal.intend(intent)
            if request != "open":
                journal.record(samples.a_decision(id=intent.id))
            try:
                if alive:
                    following.sweep()
            except Killed:
                alive = False
        journal.close()
        for dies_at, committed in deaths:
            with suppress(Killed):
                Drain(directory / "journal", DyingStore(file, dies_at=dies_at, committed=committed)).sweep()
        store = SqliteStore(file)
        Drain(directory / "journal", store).sweep()
    assert dict(store.rows("SELECT id, outcome FROM decisions")) == outcomes
    assert len(samples.recorded(store)) == len(outcomes)
    assert [count for (count,) in store.rows("SELECT count(*) FROM attempts")] == [len(outcomes)]
    assert samples.journal_files(directory) == []
    assert list(store.rows("SELECT * FROM journal_positions")) == []


def test_two_processes_drain_into_one_database(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(child.command("drain", tmp_path, 200), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ids = [
        json.loads(line)["ended"] for process in processes for line in process.communicate(timeout=30)[0].splitlines()
    ]
    store = SqliteStore(database_file(tmp_path))
    assert len(ids) == 400
    assert sorted(samples.recorded(store)) == sorted(ids)
    assert journals(journal_directory(tmp_path)) == []


def kill_and_account(data: Path, rounds: int) -> None:
    """Kill a serving process again and again; whatever it acknowledged must be in the store after the next start."""
    begun: set[str] = set()
    ended: set[str] = set()
    for number in range(rounds):
        process = subprocess.Popen(child.command("serve", data), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(random.Random(number).uniform(0, 0.6))
        process.kill()
        for line in [first, *process.stdout.read().splitlines(keepends=True)]:
            if line.endswith("\n"):
                told = json.loads(line)
                begun |= {told["begun"]} if "begun" in told else set()
                ended |= {told["ended"]} if "ended" in told else set()
        process.stdout.close()
        process.wait()
    store = SqliteStore(database_file(data))
    Drain(journal_directory(data), store).sweep()
    outcomes = dict(store.rows("SELECT id, outcome FROM decisions"))
    assert ended
    assert {one for one in ended if outcomes.get(one) != "answered"} == set()
    assert begun <= outcomes.keys()
    interrupted = [one for one, outcome in outcomes.items() if outcome == "interrupted"]
    assert 0 < len(interrupted) <= 5 * rounds
    assert len(samples.recorded(store)) == len(outcomes)
    assert journals(journal_directory(data)) == []


def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    kill_and_account(tmp_path, rounds=3)


@pytest.mark.slow
def test_a_process_killed_thirty_times_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    kill_and_account(tmp_path, rounds=30)
