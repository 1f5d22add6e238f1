"""Takes the journals into the store, off the hot path."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from turnout.errors import LedgerError
from turnout.ledger.journal import Journal, journals, lock
from turnout.ledger.retention import FOREVER, Retention
from turnout.ledger.store import WritableStore
from turnout.ledger.tail import JournalTail

FOLLOW_S = 0.2
ADOPT_S = 2.0
LONGEST_PAUSE_S = 10.0
EXPIRE_S = 60.0

_log = logging.getLogger("turnout.ledger")


class Drain:
    """Follows this process's journal, and adopts those of dead ones.

    Whatever has come since the last time is one transaction, so batches grow with the traffic. When the store fails,
    the journals keep everything, and the drain tries again after ever longer pauses.

    Args:
        directory: where all processes keep their journals.
        store: where decisions go; the drain is the only one that writes to it from this process.
        journal: this process's own journal; None to adopt only.
        retention: how long what is in the store may stay there.
        follow_s: how often to look at our own journal, in seconds.
        adopt_s: how often to look for those of dead processes, in seconds.
    """

    def __init__(
        self,
        directory: Path,
        store: WritableStore,
        *,
        journal: Journal | None = None,
        retention: Retention = FOREVER,
        follow_s: float = FOLLOW_S,
        adopt_s: float = ADOPT_S,
    ) -> None:
        self._directory = directory
        self._store = store
        self._own = JournalTail(journal.directory, store, dead=False) if journal else None
        self._follow_s = follow_s
        self._adopt_s = adopt_s
        self._adopt_at = 0.0
        self._retention = retention
        self._expire_at = 0.0
        self._torn = 0
        self._trouble = ""
        self._failures = 0
        self._stopping = False
        self._older = True
        self._wake = threading.Event()
        self._turn = threading.Condition()
        self._begun = 0
        self._succeeded = 0
        self._thread = threading.Thread(target=self._run, name="turnout-drain", daemon=True)

    @property
    def behind(self) -> int:
        """Bytes of our own journal that are not in the store yet."""
        return self._own.behind if self._own else 0

    @property
    def torn(self) -> int:
        """Lines passed over so far, because they broke off when a process died or the disk was full."""
        return self._torn + (self._own.torn if self._own else 0)

    @property
    def trouble(self) -> str:
        """Why nothing can be taken in at the moment; empty while all is well."""
        return self._trouble

    def start(self) -> None:
        """Begin to drain, in a thread of its own. Once."""
        self._thread.start()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything that was journalled before this call is in the store.

        Returns:
            Whether it is.
        """
        with self._turn:
            wanted = self._begun + 1
            self._wake.set()
            return self._turn.wait_for(lambda: self._succeeded >= wanted, timeout_s)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Drain once more, and end. If the journal is closed by then, all of it is taken in and it is removed.

        What could not be taken in within the timeout stays in the journal, for whoever drains it next.
        """
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def sweep(self) -> None:
        """Take in what is there now, and from time to time adopt what dead processes left.

        Raises:
            LedgerError: the store failed, or a journal cannot be read. Everything not taken in is in the journals.
        """
        with self._turn:
            self._begun += 1
            sweep = self._begun
        try:
            if self._stopping or time.monotonic() >= self._adopt_at:
                self._adopt_dead()
                self._adopt_at = time.monotonic() + self._adopt_s
            if self._own:
                self._own.catch_up()
            self._older = self._older and self._store.catch_up_sums()
            self._expire()
        except OSError as error:
            raise LedgerError(f"a journal in {self._directory} cannot be read: {error}") from error
        self._recovered()
        with self._turn:
            self._succeeded = sweep
            self._turn.notify_all()

    def _expire(self) -> None:
        """A step with every sweep while there is something to remove, and a look once in a while."""
        if self._retention == FOREVER or self._stopping or time.monotonic() < self._expire_at:
            return
        if not self._store.expire(self._retention, round(time.time() * 1_000)):
            self._expire_at = time.monotonic() + EXPIRE_S

    def _run(self) -> None:
        last = False
        while not last:
            last = self._stopping
            self._wake.clear()
            try:
                self.sweep()
            except LedgerError as error:
                self._failed(str(error))
            if not self._stopping:
                self._wake.wait(min(self._follow_s * 2**self._failures, LONGEST_PAUSE_S))
        if self._own:
            self._own.close()
        self._store.close()

    def _adopt_dead(self) -> None:
        """Adopt every journal whose process has ended; one that cannot be adopted does not keep us from the others."""
        failed: LedgerError | OSError | None = None
        for directory in journals(self._directory):
            held = lock(directory)
            if held is None:
                continue
            try:
                self._adopt(directory)
            except (LedgerError, OSError) as error:
                failed = error
            finally:
                os.close(held)
        if failed:
            raise failed

    def _adopt(self, directory: Path) -> None:
        if self._own and self._own.directory == directory:  # closed: it can be locked like any other
            self._own.close()
            self._torn += self._own.torn
            self._own = None
        tail = JournalTail(directory, self._store, dead=True)
        try:
            tail.catch_up()
        finally:
            tail.close()
            self._torn += tail.torn

    def _failed(self, trouble: str) -> None:
        if not self._trouble:
            _log.error("decisions stay in the journal: %s", trouble)
        self._trouble = trouble
        self._failures = min(self._failures + 1, 16)

    def _recovered(self) -> None:
        if self._trouble:
            _log.warning("decisions reach the ledger again")
        self._trouble = ""
        self._failures = 0
