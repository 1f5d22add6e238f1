"""A SQLite file that processes share, used from threads so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

from turnout.errors import LedgerError
from turnout.state.write_ahead import write_ahead
from turnout.types.clock import Clock

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (
    tenant TEXT NOT NULL, key BLOB NOT NULL, expires REAL NOT NULL, size INTEGER NOT NULL, value BLOB NOT NULL,
    UNIQUE (tenant, key)
);
CREATE TABLE IF NOT EXISTS claims (
    tenant TEXT NOT NULL, key BLOB NOT NULL, asked BLOB NOT NULL, owner TEXT NOT NULL, expires REAL NOT NULL,
    size INTEGER NOT NULL, result BLOB, UNIQUE (tenant, key)
);
CREATE INDEX IF NOT EXISTS entries_expire ON entries (expires);
"""
_REST_S: Final = 5.0
T = TypeVar("T")
Use = Callable[[sqlite3.Connection], T]

_log = logging.getLogger("turnout.state")


class Unavailable(Exception):
    """The file cannot be read or written now, or not soon enough."""


def forget_all(file: Path) -> None:
    """Remove every value from a file, and what they leave behind in it. Raises `LedgerError`."""
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(SCHEMA)
            connection.executescript(
                "DELETE FROM entries; DELETE FROM claims; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);"
            )
    except sqlite3.Error as error:
        raise LedgerError(f"{file} cannot be emptied: {error}.") from error


class Lane:
    """One thread with one connection; what is given to it is done in order.

    After a failure the file is left alone for a while, so that a broken disk costs nothing but the answers in it.

    Args:
        file: the database; made, for its owner alone, when it is first needed.
        clock: for the rest after a failure.
        busy_s: how long another process that writes is waited for, in seconds.
        schema: makes the tables where they are missing.
    """

    def __init__(self, file: Path, clock: Clock, *, busy_s: float = 1.0, schema: str = SCHEMA) -> None:
        self._file = file
        self._schema = schema
        self._clock = clock
        self._busy_s = busy_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="turnout-state")
        self._connection: sqlite3.Connection | None = None
        self._resting_until = 0.0
        self._failing = False

    def submit(self, use: Use[T]) -> Future[T] | None:
        """Have it done some time; None while the file is left alone, or after `close`."""
        if self._clock.monotonic() < self._resting_until:
            return None
        try:
            return self._thread.submit(self._do, use)
        except RuntimeError:  # closed
            return None

    async def ask(self, use: Use[T], within_s: float) -> T:
        """What `use` gives, if it does so in time. Raises `Unavailable`."""
        asked = self.submit(use)
        if asked is None:
            raise Unavailable
        try:
            async with asyncio.timeout(within_s):  # unlike `wait_for`, which forgets a cancellation beside a result
                return await asyncio.wrap_future(asked)
        except (TimeoutError, sqlite3.Error, OSError) as error:
            raise Unavailable from error

    def close(self) -> None:
        """Do what waits, and end."""
        with suppress(RuntimeError):  # closed before
            self._thread.submit(self._disconnect)
        self._thread.shutdown()

    def _do(self, use: Use[T]) -> T:
        try:
            result = use(self._connected())
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            self._resting_until = self._clock.monotonic() + _REST_S
            if not self._failing:
                _log.error("%s cannot be used, so nothing is remembered in it: %s", self._file, error)
            self._failing = True
            raise
        if self._failing:
            self._failing = False
            _log.warning("%s is in use again", self._file)
        return result

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(
                self._file, timeout=self._busy_s, isolation_level=None, check_same_thread=False
            )
            self._connection = connection
            write_ahead(connection, self._busy_s)
            connection.execute("PRAGMA synchronous = OFF")  # what a crash of the machine takes is asked again
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(self._schema)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
