"""The ledger that needs nothing but a directory: a journal, a SQLite file, and the drain between them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from turnout.errors import LedgerError
from turnout.ledger.drain import Drain
from turnout.ledger.journal import Journal
from turnout.ledger.location import database_file, journal_directory, ledger_name
from turnout.ledger.postgres.mirror import PostgresMirror
from turnout.ledger.retention import FOREVER, Retention
from turnout.ledger.rollups import DAY
from turnout.ledger.sqlite import SqliteStore


class Copy(NamedTuple):
    """Where a ledger is copied to.

    Attributes:
        url: of a Postgres database.
        kept_days: for how many days decisions are kept there; None for ever.
    """

    url: str
    kept_days: int | None = None


class EmbeddedLedger:
    """One process's ledger, built as one.

    Args:
        data: the data directory, shared by all processes of one installation; made if it is missing.
        worker: this process's name.
        retention: how long what is recorded is kept.
        fsync: let every record survive the machine's death, not only the process's.
        copy: where it is copied to as well; None for nowhere.

    Attributes:
        data: the data directory.
        journal: the recorder.
        store: what insight reads.
        drain: takes the one into the other; call `start` to begin.
        mirror: copies the store into Postgres; None where it is not copied.

    Raises:
        LedgerError: the journal cannot be created.
    """

    def __init__(
        self,
        data: Path,
        *,
        worker: str = "worker",
        fsync: bool = False,
        retention: Retention = FOREVER,
        copy: Copy | None = None,
    ) -> None:
        directory = journal_directory(data)
        self.data = data
        self.journal = Journal(directory, worker=worker, fsync=fsync)
        self.store = SqliteStore(database_file(data), durable=fsync)
        self.drain = Drain(directory, self.store, journal=self.journal, retention=retention)
        self.mirror = _mirror(copy, data, retention) if copy is not None else None

    def start(self) -> None:
        """Begin to drain in the background. Once."""
        self.drain.start()
        if self.mirror is not None:
            self.mirror.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Take in everything and end; requests that are still open are recorded as interrupted."""
        self.journal.close()
        self.drain.stop(timeout_s)
        if self.mirror is not None:
            self.mirror.close()


def _mirror(copy: Copy, data: Path, retention: Retention) -> PostgresMirror:
    try:
        name = ledger_name(data)
    except OSError as error:
        raise LedgerError(f"the ledger in {data} cannot be given a name: {error}") from error
    sums_days = None if retention.rollups is None else math.ceil(retention.rollups / DAY)
    store = SqliteStore(database_file(data))
    return PostgresMirror(copy.url, store, name, kept_days=copy.kept_days, sums_days=sums_days)
