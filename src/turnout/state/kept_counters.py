"""Counts in memory that outlive the process: what was used is written down once a second, and read at the start."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from turnout.errors import LedgerError
from turnout.state.counters import Account, Tally
from turnout.state.memory_counters import MemoryCounters
from turnout.state.sqlite_counters import SCHEMA, spent_so_far
from turnout.state.write_ahead import write_ahead
from turnout.types.clock import Clock

KEEP_S: Final = 1.0
"""How often it is written down: so much is forgotten when the process is killed."""

_KEEP: Final = """
INSERT INTO tallies (name, "window", ends, spent, held) VALUES (?, ?, ?, ?, 0)
ON CONFLICT (name, "window") DO UPDATE SET spent = MAX(spent, excluded.spent)"""

_log = logging.getLogger("turnout.state")


class KeptCounters(MemoryCounters):
    """See `MemoryCounters`. For the only process that counts in a file.

    Args:
        file: the database; `turnout.state.sqlite_counters` has the same tables.
        clock: as there.

    Raises:
        LedgerError: the file is there and cannot be read.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        try:
            spent = spent_so_far(file, clock.now().timestamp())
        except (sqlite3.Error, OSError) as error:
            fix = "Move it away; budgets and limits then begin anew."
            raise LedgerError(f"{file}, where what was spent is counted, cannot be read: {error}. {fix}") from error
        super().__init__(clock, spent)
        self._file = file
        self._failing = False

    async def keep(self) -> None:
        """Write down what changes, for ever."""
        while True:
            await asyncio.sleep(KEEP_S)
            await self._write()

    async def close(self) -> None:
        """See `Counters.close`."""
        await self._write()

    async def _write(self) -> None:
        changed = list(self.changed())
        if not changed:
            return
        try:
            await asyncio.to_thread(_save, self._file, changed)
        except (sqlite3.Error, OSError) as error:
            self.remember_change(account for account, _ in changed)
            if not self._failing:
                _log.error("%s cannot be written, so a restart forgets what was spent: %s", self._file, error)
            self._failing = True
        else:
            self._failing = False


def _save(file: Path, tallies: Iterable[tuple[Account, Tally]]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows = [
        (account.name, account.window, None if math.isinf(account.ends) else account.ends, tally.spent)
        for account, tally in tallies
    ]
    with closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as connection:
        file.chmod(0o600)
        write_ahead(connection, 5)
        connection.executescript(SCHEMA)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_KEEP, rows)
        connection.execute("COMMIT")
