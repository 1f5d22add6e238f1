"""The ledger that needs nothing but a directory: a journal, a SQLite file, and the drain between them."""

from __future__ import annotations

from pathlib import Path

from turnout.ledger.drain import Drain
from turnout.ledger.journal import Journal
from turnout.ledger.location import database_file, journal_directory
from turnout.ledger.retention import FOREVER, Retention
from turnout.ledger.sqlite import SqliteStore


class EmbeddedLedger:
    """One process's ledger, built as one.

    Args:
        data: the data directory, shared by all processes of one installation; made if it is missing.
        worker: this process's name.
        retention: how long what is recorded is kept.
        fsync: let every record survive the machine's death, not only the process's.

    Attributes:
        data: the data directory.
        journal: the recorder.
        store: what insight reads.
        drain: takes the one into the other; call `start` to begin.

    Raises:
        LedgerError: the journal cannot be created.
    """

    def __init__(
        self, data: Path, *, worker: str = "worker", fsync: bool = False, retention: Retention = FOREVER
    ) -> None:
        directory = journal_directory(data)
        self.data = data
        self.journal = Journal(directory, worker=worker, fsync=fsync)
        self.store = SqliteStore(database_file(data), durable=fsync)
        self.drain = Drain(directory, self.store, journal=self.journal, retention=retention)

    def start(self) -> None:
        """Begin to drain in the background. Once."""
        self.drain.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Take in everything and end; requests that are still open are recorded as interrupted."""
        self.journal.close()
        self.drain.stop(timeout_s)
