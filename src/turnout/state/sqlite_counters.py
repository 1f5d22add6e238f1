"""Counts in a file that the processes of one machine share."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from turnout.state.counters import LEASE_S, Account, Hold, Tally, no_room
from turnout.state.database import Lane
from turnout.state.shared_counters import Answer, Book, Op, Read, Renew, Reserve, Settle
from turnout.types.clock import Clock

PATIENCE_S: Final = 0.5
"""A file that does not answer by then cannot be reached."""

SCHEMA: Final = """
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS tallies (
    name TEXT NOT NULL, "window" TEXT NOT NULL, ends REAL, spent INTEGER NOT NULL, held INTEGER NOT NULL,
    PRIMARY KEY (name, "window")
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    ticket TEXT NOT NULL, place INTEGER NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, "window" TEXT NOT NULL,
    ends REAL, worst INTEGER NOT NULL, likely INTEGER NOT NULL, given_back INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (ticket, place)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS leases_owner ON leases (owner);
CREATE TABLE IF NOT EXISTS owners (owner TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS booked (id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
"""
_SWEEP_EVERY_S: Final = 60.0
_REMEMBERED_S: Final = 3600.0
_ADD: Final = """
INSERT INTO tallies (name, "window", ends, spent, held) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name, "window") DO UPDATE SET spent = spent + excluded.spent, held = MAX(held + excluded.held, 0)"""
_TALLY: Final = 'SELECT spent, held FROM tallies WHERE name = ? AND "window" = ?'
_LEASED: Final = 'SELECT name, "window", ends, worst, likely, given_back FROM leases WHERE ticket = ? ORDER BY place'
_RESERVED: Final = (
    'INSERT INTO leases (ticket, place, owner, name, "window", ends, worst, likely) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
)


class SqliteBackend:
    """See `turnout.state.shared_counters.Backend`.

    Args:
        file: the database.
        clock: wall time, which processes share.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self._clock = clock
        self._lane = Lane(file, clock, busy_s=PATIENCE_S, schema=SCHEMA)
        self._swept = -math.inf

    async def run(self, owner: str, ops: Sequence[Op]) -> Sequence[Answer]:
        """See `Backend.run`: all of it in one transaction."""
        return await self._lane.ask(partial(self._run, owner, tuple(ops)), 2 * PATIENCE_S)

    async def close(self) -> None:
        """See `Backend.close`."""
        self._lane.close()

    def _run(self, owner: str, ops: Sequence[Op], connection: sqlite3.Connection) -> Sequence[Answer]:
        now = self._clock.now().timestamp()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("REPLACE INTO owners (owner, until) VALUES (?, ?)", (owner, now + LEASE_S))
            if not now - self._swept < _SWEEP_EVERY_S:
                self._swept = now
                _sweep(connection, now)
            _give_back_of_the_dead(connection, now)
            answers = [_DO[type(op)](connection, owner, op) for op in ops]
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return answers


def spent_so_far(file: Path, now: float) -> Mapping[Account, int]:
    """What was used of each account whose window is not over, as a file says; empty where there is none.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    if not file.exists():
        return {}
    with closing(sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        rows = connection.execute(
            'SELECT name, "window", ends, spent FROM tallies WHERE ends IS NULL OR ends > ?', (now,)
        )
        return {Account(name, window, math.inf if ends is None else ends): spent for name, window, ends, spent in rows}


def _tally(connection: sqlite3.Connection, account: Account) -> Tally:
    found = connection.execute(_TALLY, (account.name, account.window)).fetchone()
    return Tally(*found) if found else Tally()


def _add(connection: sqlite3.Connection, account: Account, spent: int, held: int) -> None:
    ends = None if math.isinf(account.ends) else account.ends
    connection.execute(_ADD, (account.name, account.window, ends, spent, held))


def _reserve(connection: sqlite3.Connection, owner: str, op: Op) -> Answer:
    assert isinstance(op, Reserve)  # noqa: S101 - as `_DO` says
    tallies = [_tally(connection, hold.account) for hold in op.holds]
    full = no_room(op.holds, tallies)
    if full is not None:
        return Answer(tallies, full)
    for place, hold in enumerate(op.holds):
        account = hold.account
        _add(connection, account, hold.worst if op.used else 0, 0 if op.used else hold.worst)
        if not op.used:
            ends = None if math.isinf(account.ends) else account.ends
            row = (op.ticket, place, owner, account.name, account.window, ends, hold.worst, hold.likely)
            connection.execute(_RESERVED, row)
    return Answer([_after(hold, tally, used=op.used) for hold, tally in zip(op.holds, tallies, strict=True)])


def _after(hold: Hold, tally: Tally, *, used: bool) -> Tally:
    return Tally(tally.spent + hold.worst, tally.held) if used else Tally(tally.spent, tally.held + hold.worst)


def _settle(connection: sqlite3.Connection, _: str, op: Op) -> Answer:
    assert isinstance(op, Settle)  # noqa: S101 - as `_DO` says
    leased = connection.execute(_LEASED, (op.ticket,)).fetchall()
    for (name, window, ends, worst, likely, given_back), amount in zip(leased, op.amounts, strict=False):
        account = Account(name, window, math.inf if ends is None else ends)
        if given_back:
            _add(connection, account, max(0, amount - likely), 0)
        else:
            _add(connection, account, amount, -worst)
    connection.execute("DELETE FROM leases WHERE ticket = ?", (op.ticket,))
    return Answer([_tally(connection, hold.account) for hold in op.holds])


def _book(connection: sqlite3.Connection, _: str, op: Op) -> Answer:
    assert isinstance(op, Book)  # noqa: S101 - as `_DO` says
    new = connection.execute("INSERT OR IGNORE INTO booked (id, at) VALUES (?, unixepoch())", (op.id,)).rowcount
    if new:
        _add(connection, op.account, op.amount, 0)
    return Answer([_tally(connection, op.account)])


def _read(connection: sqlite3.Connection, _: str, op: Op) -> Answer:
    assert isinstance(op, Read)  # noqa: S101 - as `_DO` says
    return Answer([_tally(connection, account) for account in op.accounts])


def _renew(_: sqlite3.Connection, __: str, ___: Op) -> Answer:
    return Answer()  # as everything that a process asks for


_Do = Callable[[sqlite3.Connection, str, Op], Answer]
_DO: Final[Mapping[type[Op], _Do]] = {
    Reserve: _reserve,
    Settle: _settle,
    Book: _book,
    Read: _read,
    Renew: _renew,
}


def _give_back_of_the_dead(connection: sqlite3.Connection, now: float) -> None:
    """What a process had reserved that is not heard of any more has probably been used as it was likely to be."""
    dead = connection.execute("SELECT owner FROM owners WHERE until <= ?", (now,)).fetchall()
    for (owner,) in dead:
        rows = connection.execute(
            'SELECT name, "window", ends, worst, likely FROM leases WHERE owner = ? AND NOT given_back', (owner,)
        ).fetchall()
        for name, window, ends, worst, likely in rows:
            _add(connection, Account(name, window, math.inf if ends is None else ends), likely, -worst)
        connection.execute("UPDATE leases SET given_back = ? WHERE owner = ? AND NOT given_back", (now, owner))
        connection.execute("DELETE FROM owners WHERE owner = ?", (owner,))


def _sweep(connection: sqlite3.Connection, now: float) -> None:
    """Forget the windows that are over, and what nobody will ask about any more."""
    connection.execute("DELETE FROM tallies WHERE ends <= ? AND held = 0", (now,))
    connection.execute("DELETE FROM leases WHERE given_back AND given_back <= ?", (now - _REMEMBERED_S,))
    connection.execute("DELETE FROM booked WHERE at <= ?", (now - _REMEMBERED_S,))
