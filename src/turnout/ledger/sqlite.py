"""The embedded store: one SQLite file in WAL mode, which any number of processes write and read at the same time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from turnout.errors import LedgerError
from turnout.ledger.breath import SLICE, breathe
from turnout.ledger.columns import milliseconds
from turnout.ledger.entry import stored_decision
from turnout.ledger.feedback import insert_feedback
from turnout.ledger.money import to_pico
from turnout.ledger.schema import migrate, migrations
from turnout.ledger.store import Position, Written
from turnout.types.decision import Attempt, Decision, fell_back
from turnout.types.feedback import Feedback

MOST_TOKENS = 10**12  # of one request in the columns that are summed

_DECISION = """
INSERT OR IGNORE INTO decisions (
    id, time, route, tenant, user, rule, target, outcome, query_hash, fell_back, attempts, input_tokens,
    output_tokens, latency_ms, cost, baseline_cost, router_cost, record
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ATTEMPT = """
INSERT OR IGNORE INTO attempts (
    decision, position, target, purpose, started, outcome, error_class, status, first_token_ms, latency_ms,
    input_tokens, cached_tokens, output_tokens, cost, estimated
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_POSITION = """
INSERT INTO journal_positions (journal, segment, offset) VALUES (?, ?, ?)
ON CONFLICT (journal) DO UPDATE SET segment = excluded.segment, offset = excluded.offset"""


class SqliteStore:
    """A `Store` in a SQLite file. Nothing is opened or made before it is needed.

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
        with _told(self._file):
            writer = self._connected()
            writer.execute("BEGIN IMMEDIATE")
            try:
                _insert(writer, decisions)
                insert_feedback(writer, decisions, feedback)
                if position is None:
                    writer.execute("DELETE FROM journal_positions WHERE journal = ?", (journal,))
                else:
                    writer.execute(_POSITION, (journal, *position))
                writer.execute("COMMIT")
            except sqlite3.Error:
                writer.rollback()
                raise

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
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            migrate(connection, migrations())
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
        raise LedgerError(f"the ledger {file} cannot be used: {error}") from error


def _insert(writer: sqlite3.Connection, decisions: Sequence[Written]) -> None:
    for start in range(0, len(decisions), SLICE):
        part = decisions[start : start + SLICE]
        writer.executemany(_DECISION, [_decision_row(*written) for written in part])
        writer.executemany(
            _ATTEMPT,
            [
                _attempt_row(written.decision.id, position, attempt)
                for written in part
                for position, attempt in enumerate(written.decision.attempts)
            ],
        )
        if len(decisions) > SLICE:
            breathe()


def _decision_row(decision: Decision, record: bytes) -> tuple[object, ...]:
    attempts = decision.attempts
    return (
        decision.id,
        milliseconds(decision.time),
        decision.route,
        decision.tenant,
        decision.user,
        decision.rule,
        decision.target,
        decision.outcome,
        decision.query_hash,
        fell_back(decision),
        len(attempts),
        _tokens(sum([attempt.input_tokens for attempt in attempts])),
        _tokens(sum([attempt.output_tokens for attempt in attempts])),
        decision.latency_ms,
        to_pico(decision.cost_usd),
        to_pico(decision.baseline_cost_usd),
        to_pico(decision.router_cost_usd),
        record.decode(errors="replace"),
    )


def _attempt_row(decision_id: str, position: int, attempt: Attempt) -> tuple[object, ...]:
    return (
        decision_id,
        position,
        attempt.target,
        attempt.purpose,
        milliseconds(attempt.started),
        attempt.outcome,
        attempt.error_class,
        attempt.status,
        attempt.first_token_ms,
        attempt.latency_ms,
        _tokens(attempt.input_tokens),
        _tokens(attempt.cached_tokens),
        _tokens(attempt.output_tokens),
        to_pico(attempt.cost_usd),
        attempt.estimated,
    )


# What a provider says may be anything, and a record that the columns cannot hold would stop all that come after it.


def _tokens(count: int) -> int:
    return count if 0 <= count <= MOST_TOKENS else MOST_TOKENS if count > 0 else 0
