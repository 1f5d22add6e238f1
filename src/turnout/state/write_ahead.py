"""SQLite files that are written ahead of (WAL), so that readers and a writer do not wait for each other."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

_STEP_S: Final = 0.01


def write_ahead(connection: sqlite3.Connection, busy_s: float) -> None:
    """Have the connection's file written ahead of.

    SQLite itself does not wait for another connection that is just doing so, whatever the connection's timeout.

    Args:
        connection: to the file.
        busy_s: how long to wait for others, in seconds.

    Raises:
        sqlite3.OperationalError: others hold the file for longer, or it cannot be written.
    """
    until = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() >= until:
                raise
            time.sleep(_STEP_S)
        else:
            return
