"""The embedded store: one SQLite file in WAL mode, which any number of processes write and read at the same time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from turnout.errors import LedgerError
from turnout.ledger.backfill import roll_up_older
from turnout.ledger.breath import SLICE, breathe
from turnout.ledger.columns import AttemptRow, DecisionRow, ShadowRow, attempt_rows, decision_row, shadow_row
from turnout.ledger.entry import stored_decision
from turnout.ledger.feedback import insert_feedback
from turnout.ledger.retention import Retention, expire
from turnout.ledger.rollups import MINUTES_KEPT_MS, Rollup, prepare
from turnout.ledger.schema import migrate, migrations
from turnout.ledger.store import Position, Written
from turnout.state.write_ahead import write_ahead
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback


def _insertion(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - our own names


_DECISION = _insertion("decisions", (*DecisionRow._fields, "record"))
_SHADOW = _insertion("shadows", (*ShadowRow._fields, "record"))
_ATTEMPT = _insertion("attempts", AttemptRow._fields)
_DROP = _insertion("drops", ("decision", "position", "target", "reason"))
_PAGE_BYTES = 8 << 10  # a record is over 1 KB: in pages of the usual 4 KB a tenth more time goes into the tree
_POSITION = """
INSERT INTO journal_positions (journal, segment, offset) VALUES (?, ?, ?)
ON CONFLICT (journal) DO UPDATE SET segment = excluded.segment, offset = excluded.offset"""

_FIXES: Final = {
    sqlite3.SQLITE_BUSY: ". Another process is writing it: try again when that has ended.",
    sqlite3.SQLITE_FULL: ". Make room there.",
    sqlite3.SQLITE_READONLY: ". Look at who may write there.",
    sqlite3.SQLITE_CANTOPEN: ". Look at who may read and write there.",
}
_PRIMARY: Final = 0xFF
"""What an extended error code has of the one that it extends."""


class SqliteStore:
    """A `WritableStore` in a SQLite file. Nothing is opened or made before it is needed.

    One thread writes; queries may come from any thread, each on a connection of its own.

    Args:
        file: the database; made, with its directory, by the first write.
        busy_s: how long to wait for another process that is writing, in seconds.
        durable: sync the disk at every write, so that what was taken in survives the machine's death as well.
    """

    def __init__(self, file: Path, *, busy_s: float = 5.0, durable: bool = False) -> None:
        self._file = file
        self._busy_s = busy_s
        self._durable = durable
        self._writer: sqlite3.Connection | None = None

    def append(
        self,
        decisions: Sequence[Written],
        journal: str,
        position: Position | None,
        feedback: Sequence[Feedback] = (),
    ) -> None:
        """See `Store.append`."""
        with self.writing() as writer:
            _insert(writer, decisions)
            insert_feedback(writer, decisions, feedback)
            if position is None:
                writer.execute("DELETE FROM journal_positions WHERE journal = ?", (journal,))
            else:
                writer.execute(_POSITION, (journal, *position))

    def catch_up_sums(self) -> bool:
        """See `Store.catch_up_sums`."""
        if not self._file.exists():
            return False
        with self.writing() as writer:
            return roll_up_older(writer)

    def expire(self, retention: Retention, now_ms: int) -> bool:
        """See `Store.expire`."""
        with self.writing() as writer:
            more = expire(writer, retention, now_ms)
        if not more:
            self._empty_log()
        return more

    def position(self, journal: str) -> Position:
        """See `Store.position`."""
        query = "SELECT segment, offset FROM journal_positions WHERE journal = ?"
        with _told(self._file):
            row = self._connected().execute(query, (journal,)).fetchone()
        return Position(*row) if row else Position(0, 0)

    def read(self, decision_id: str) -> Decision | None:
        """See `Store.read`."""
        for record, feedback in self.rows("SELECT record, feedback FROM decisions WHERE id = ?", (decision_id,)):
            return stored_decision(record, feedback)
        return None

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """See `Store.rows`."""
        if not self._file.exists():
            return
        with _told(self._file), closing(self._connect()) as reader:
            reader.execute("PRAGMA query_only = 1")
            yield from reader.execute(sql, tuple(parameters))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, all or nothing. Raises `LedgerError` where the store cannot be written."""
        with _told(self._file):
            writer = self._connected()
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield writer
                writer.execute("COMMIT")
            except BaseException:
                writer.rollback()
                raise

    def _empty_log(self) -> None:
        """Let what was removed leave the write-ahead log too; while others read or write, another time."""
        with _told(self._file):
            writer = self._connected()
            writer.execute("PRAGMA busy_timeout = 0")
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            writer.execute(f"PRAGMA busy_timeout = {round(self._busy_s * 1_000)}")

    def vacuum(self) -> None:
        """Rewrite the file without what was removed: free pages, and what is left in the gaps of others.

        Takes as much room again as the file has. Whoever writes meanwhile waits, or tries again later.

        Raises:
            LedgerError: it cannot be done now, or somebody reads what the write-ahead log still has.
        """
        with _told(self._file):
            writer = self._connected()
            writer.execute("VACUUM")
            (busy, *_) = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise LedgerError(
                f"the ledger {self._file} is being read, so that its write-ahead log is not emptied: try again"
            )

    def close(self) -> None:
        """See `Store.close`. The next write opens it again."""
        if self._writer:
            self._writer.close()
            self._writer = None

    def _connected(self) -> sqlite3.Connection:
        if self._writer is None:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._writer = self._connect()
        return self._writer

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=self._busy_s, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # of a new file; an old one keeps its own
            write_ahead(connection, self._busy_s)
            connection.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            migrate(connection, migrations())
            prepare(connection)
        except (sqlite3.Error, LedgerError):
            connection.close()
            raise
        return connection


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Where SQLite's errors become ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        fix = _FIXES.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY, "")
        raise LedgerError(f"the ledger {file} cannot be used: {error}{fix}") from error


def _insert(writer: sqlite3.Connection, decisions: Sequence[Written]) -> None:
    rollup = Rollup(round(time.time() * 1000) - MINUTES_KEPT_MS)
    for start in range(0, len(decisions), SLICE):
        _insert_slice(writer, _new(writer, decisions[start : start + SLICE]), rollup)
        if len(decisions) > SLICE:
            breathe()
    rollup.write(writer)


def _insert_slice(writer: sqlite3.Connection, part: Sequence[Written], rollup: Rollup) -> None:
    rows, shadows, all_attempts, drops = [], [], [], []
    for decision, record in part:
        row, attempts = decision_row(decision), attempt_rows(decision)
        if decision.shadow_of is not None:
            rollup.add_shadow(row, decision.tags.items(), attempts)
            shadows.append((*shadow_row(decision), record.decode(errors="replace")))
            all_attempts += attempts
            continue
        rollup.add(row, decision.tags.items(), attempts)
        rows.append((*row, record.decode(errors="replace")))
        all_attempts += attempts
        drops += [(decision.id, place, drop.target, drop.reason) for place, drop in enumerate(decision.dropped)]
    writer.executemany(_DECISION, rows)
    writer.executemany(_SHADOW, shadows)
    writer.executemany(_ATTEMPT, all_attempts)
    writer.executemany(_DROP, drops)


def _new(writer: sqlite3.Connection, part: Sequence[Written]) -> list[Written]:
    """Those whose id is not there yet, each once: only they count."""
    asked = ", ".join("?" * len(part))
    ids = [each.decision.id for each in part]
    tables = ("decisions", "shadows") if any(each.decision.shadow_of for each in part) else ("decisions",)
    known = {
        each
        for table in tables
        for (each,) in writer.execute(f"SELECT id FROM {table} WHERE id IN ({asked})", ids)  # noqa: S608 - only question marks
    }
    fresh = {each.decision.id: each for each in reversed(part) if each.decision.id not in known}
    return list(reversed(fresh.values()))
