"""Removes every trace of a tenant or of a user, from the store, from the journals and from what files leave behind."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from turnout.errors import LedgerError
from turnout.ledger.backfill import unrolled
from turnout.ledger.drain import Drain
from turnout.ledger.entry import stored_decision
from turnout.ledger.journal import journals, segment_name, segments
from turnout.ledger.location import database_file, journal_directory
from turnout.ledger.retention import remove_decisions
from turnout.ledger.rollups import subtract_tags
from turnout.ledger.schema import tables
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Position

STEP: Final = 500
"""Decisions in one transaction: some 30 ms."""

_SHADOWS: Final = "SELECT record, NULL FROM shadows WHERE decision IN (SELECT value FROM json_each(?))"
_LAST: Final = "SELECT coalesce(max(seq), 0) FROM decisions"
_PATIENCE_S: Final = 30.0
_POLL_S: Final = 0.05


class Subject(NamedTuple):
    """Who is to be forgotten: a tenant, a user, or a tenant's user."""

    tenant: str | None = None
    user: str | None = None

    def __str__(self) -> str:
        """As a user reads it."""
        named = ((kind, name) for kind, name in (("user", self.user), ("tenant", self.tenant)) if name is not None)
        return " of ".join(f"{kind} '{name}'" for kind, name in named)

    @property
    def condition(self) -> tuple[str, tuple[str, ...]]:
        """The same for SQL."""
        asked = [(f"{name} = ?", value) for name, value in self._asdict().items() if value is not None]
        return " AND ".join(each for each, _ in asked), tuple(value for _, value in asked)


class _Whose(msgspec.Struct, frozen=True):
    id: str
    tenant: str = "default"
    user: str | None = None


class _Line(msgspec.Struct, frozen=True):
    intent: _Whose | None = None
    decision: _Whose | None = None
    feedback: _Whose | None = None


_line = msgspec.json.Decoder(_Line)
Progress = Callable[[str, int], None]
"""Told what is being done, and how many decisions are removed by now."""


def erase(data: Path, subject: Subject, progress: Progress = lambda _, __: None) -> int:
    """Remove every trace of a tenant or of a user that the data directory has, while gateways may go on.

    What they ask while this runs, or have under way, is recorded afterwards as any request is. Sums that name nobody
    stay; tags' sums go without what was the subject's.

    Args:
        data: the data directory.
        subject: who.
        progress: is told how far it has come.

    Returns:
        How many decisions there were.

    Raises:
        LedgerError: something could not be removed; what is left is removed by doing it again.
    """
    store = SqliteStore(database_file(data), busy_s=_PATIENCE_S)
    try:
        progress("waiting for the journals to be taken in", 0)
        marks = _taken_in(data, store)
        removed, (last,) = 0, next(store.rows(_LAST), (0,))  # or whoever goes on asking would keep this from ending
        while number := _remove_some(store, subject, last):
            removed += number
            progress("removing decisions", removed)
        _remove_rest(store, subject)
        progress("clearing the journals", removed)
        for directory, mark in marks.items():
            with suppress(FileNotFoundError):  # its process has ended meanwhile, and another has taken all of it in
                _clear_journal(directory, mark, subject)
        progress("rewriting the ledger without what was removed", removed)
        store.vacuum()
    except OSError as error:
        raise LedgerError(f"a journal in {data} cannot be cleared: {error}") from error
    finally:
        store.close()
    return removed


def _taken_in(data: Path, store: SqliteStore) -> dict[Path, Position]:
    """Wait until what is in the journals now is in the store; up to where that is, for each living process."""
    directory = journal_directory(data)
    drain = Drain(directory, store)
    drain.sweep()
    marks = {each: mark for each in journals(directory) if (mark := _end(each))}
    deadline = time.monotonic() + _PATIENCE_S
    while waiting := [each.name for each, mark in marks.items() if each.exists() and store.position(each.name) < mark]:
        if time.monotonic() > deadline:
            raise LedgerError(
                f"{', '.join(waiting)}: what this process has journalled is not in the ledger after "
                f"{_PATIENCE_S:.0f} s. Nothing was removed. Stop the gateway, and try again."
            )
        time.sleep(_POLL_S)
        drain.sweep()
    return marks


def _end(directory: Path) -> Position | None:
    """Where a journal ends now, in whole lines: those of requests under way are written as one piece."""
    with suppress(FileNotFoundError):
        for segment in reversed(segments(directory)):
            content = (directory / segment_name(segment)).read_bytes()
            if end := content.rfind(b"\n") + 1:
                return Position(segment, end)
    return None


def _remove_some(store: SqliteStore, subject: Subject, last: int) -> int:
    where, given = subject.condition
    with store.writing() as writer:
        sql = f"SELECT seq, id, record, feedback FROM decisions WHERE {where} AND seq <= ? LIMIT {STEP}"  # noqa: S608 - our own names
        found = writer.execute(sql, (*given, last)).fetchall()
        ids = [each for _, each, *_ in found]
        counted = [(record, feedback) for seq, _, record, feedback in found if seq > unrolled(writer)]
        _forget_tags(writer, [*counted, *writer.execute(_SHADOWS, (json.dumps(ids),))])
        return remove_decisions(writer, ids)


def _forget_tags(writer: sqlite3.Connection, records: list[tuple[str, float | None]]) -> None:
    for record, feedback in records:
        with suppress(LedgerError):  # what cannot be read was not counted
            subtract_tags(writer, stored_decision(record, feedback))


def _remove_rest(store: SqliteStore, subject: Subject) -> None:
    """What names the subject beside its decisions: texts, feedback, sums."""
    where, given = subject.condition
    asked = {name for name, value in subject._asdict().items() if value is not None}
    with store.writing() as writer:
        for table, columns in tables(writer).items():
            if asked <= columns and table != "decisions":
                writer.execute(f"DELETE FROM {table} WHERE {where}", given)  # noqa: S608 - our own names


def _clear_journal(directory: Path, mark: Position, subject: Subject) -> None:
    """Overwrite the subject's lines, which are in the store's books by now, by empty ones of the same length.

    Its process goes on writing behind them, and whoever reads it again finds nothing in them. The intent of a request
    that is still under way stays: it has to be accounted for if its process dies.
    """
    for segment in segments(directory):
        if segment > mark.segment:
            break
        with (directory / segment_name(segment)).open("r+b") as file:
            content = file.read(mark.offset if segment == mark.segment else -1)
            for start, length in _theirs(content, subject):
                os.pwrite(file.fileno(), b"{}".ljust(length), start)
            os.fsync(file.fileno())


def _theirs(content: bytes, subject: Subject) -> Iterator[tuple[int, int]]:
    """Where the subject's lines are; those that cannot be read, because they broke off, may be theirs."""
    read: list[tuple[int, int, _Line | None]] = []
    start = 0
    for line in content.split(b"\n"):
        try:
            read.append((start, len(line), _line.decode(line)))
        except (msgspec.DecodeError, UnicodeDecodeError):
            read.append((start, len(line), None))
        start += len(line) + 1
    ended = {entry.decision.id for _, _, entry in read if entry and entry.decision}
    for begins, length, entry in read:
        if length > 1 and (entry is None or _is_theirs(entry, subject, ended)):
            yield begins, length


def _is_theirs(line: _Line, subject: Subject, ended: set[str]) -> bool:
    whose = line.decision or line.feedback or (line.intent if line.intent and line.intent.id in ended else None)
    if whose is None:
        return False
    return subject.tenant in (None, whose.tenant) and subject.user in (None, whose.user)
