"""Values in a file of the data directory, which all its processes share."""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Final

from turnout.state.database import Lane, Unavailable
from turnout.types.clock import Clock

PATIENCE_S: Final = 0.02
"""A value that is not there by then is none."""

_MOST_WAITING: Final = 16 << 20
_SWEEP_EVERY: Final = 64
_TOO_MUCH: Final = """
DELETE FROM entries WHERE rowid IN (
    SELECT rowid FROM (SELECT rowid, SUM(size) OVER (ORDER BY expires DESC, rowid DESC) AS kept FROM entries)
    WHERE kept > ?
)"""


class SqliteEntries:
    """See `Entries`: at most about `max_bytes` of values, those first forgotten that expire first.

    Args:
        file: the database.
        max_bytes: how much is kept.
        clock: wall time, which processes share, tells when an entry has expired.
    """

    def __init__(self, file: Path, max_bytes: int, clock: Clock) -> None:
        self._max = max_bytes
        self._clock = clock
        self._reading = Lane(file, clock)
        self._writing = Lane(file, clock)
        self._waiting = 0
        self._puts = 0
        self._unswept = 0

    async def get(self, tenant: str, key: bytes) -> bytes | None:
        """See `Entries.get`."""
        try:
            return await self._reading.ask(partial(_read, tenant, key, self._now()), PATIENCE_S)
        except Unavailable:
            return None

    def put(self, tenant: str, key: bytes, value: bytes, ttl_s: float) -> None:
        """See `Entries.put`. What comes faster than it can be written is not kept."""
        if self._waiting + len(value) > _MOST_WAITING or len(value) > self._max:
            return
        row = (tenant, key, self._now() + ttl_s, len(value), value)
        written = self._writing.submit(partial(self._write, row))
        if written is not None:
            self._waiting += len(value)
            written.add_done_callback(partial(self._written, len(value)))

    def close(self) -> None:
        """See `Entries.close`."""
        self._writing.close()
        self._reading.close()

    def _written(self, size: int, _: Future[None]) -> None:
        self._waiting -= size

    def _write(self, row: tuple[str, bytes, float, int, bytes], connection: sqlite3.Connection) -> None:
        connection.execute("INSERT OR REPLACE INTO entries (tenant, key, expires, size, value) VALUES (?,?,?,?,?)", row)
        self._puts += 1
        self._unswept += len(row[-1])
        if self._puts % _SWEEP_EVERY == 1 or self._unswept > self._max / _SWEEP_EVERY:
            self._unswept = 0
            self._sweep(connection)

    def _sweep(self, connection: sqlite3.Connection) -> None:
        """Remove what has expired, and what is too much."""
        connection.execute("DELETE FROM entries WHERE expires <= ?", (self._now(),))
        (size,) = connection.execute("SELECT COALESCE(SUM(size), 0) FROM entries").fetchone()
        if size > self._max:
            connection.execute(_TOO_MUCH, (self._max,))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _read(tenant: str, key: bytes, now: float, connection: sqlite3.Connection) -> bytes | None:
    query = "SELECT value FROM entries WHERE tenant = ? AND key = ? AND expires > ?"
    row = connection.execute(query, (tenant, key, now)).fetchone()
    return bytes(row[0]) if row else None
