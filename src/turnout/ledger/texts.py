"""Keeps what was said, off the hot path; text that is to be masked is never written before it is."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from turnout.errors import LedgerError
from turnout.ledger.columns import milliseconds
from turnout.ledger.redaction import Mask
from turnout.ledger.sqlite import SqliteStore
from turnout.types.privacy import Transcript

MOST_WAITING: Final = 32 << 20
"""Characters that may wait to be written; what comes beyond them is not kept."""

_BATCH: Final = 50
RETRY_S: Final = 5.0
_INSERT: Final = """
INSERT OR IGNORE INTO texts (decision, time, tenant, user, mode, said) VALUES (?, ?, ?, ?, ?, ?)"""

_log = logging.getLogger("turnout.ledger")


class Texts:
    """Takes transcripts at once, masks them in a thread of its own, and writes them to the store.

    Until then they are in memory only: no journal holds them, so none holds them unmasked. What waits when the process
    is killed is lost, unlike decisions. The thread begins with the first transcript.

    Args:
        store: where to; a store of the thread's own.

    Attributes:
        lost: transcripts that were not kept, because too many waited or the store failed as the process ended.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._waiting: deque[tuple[Transcript, Mask | None]] = deque()
        self._offered = 0
        self._written = 0
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.lost = 0

    def keep(self, transcript: Transcript, mask: Mask | None = None) -> None:
        """Take a transcript. Never waits and never raises. For one thread.

        Args:
            transcript: what was said.
            mask: what masks it if it is to be redacted; without one nothing of such a text is kept.
        """
        size = _size(transcript)
        if self._offered - self._written + size > MOST_WAITING:
            self.lost += 1
            if self.lost == 1:
                _log.error("texts are being lost: they come faster than they can be masked and written")
            return
        self._offered += size
        self._waiting.append((transcript, mask))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="turnout-texts", daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Write what waits, and end."""
        self._stopping = True
        self._wake.set()
        if self._thread:
            self._thread.join(timeout_s)
        self.lost += len(self._waiting)
        self._store.close()

    def _run(self) -> None:
        while not self._stopping or self._waiting:
            self._wake.wait()
            self._wake.clear()
            try:
                while self._waiting:
                    self._write([self._waiting[place] for place in range(min(len(self._waiting), _BATCH))])
            except LedgerError as error:
                _log.error("texts cannot be written: %s", error)
                if self._stopping:
                    return
                time.sleep(RETRY_S)
                self._wake.set()

    def _write(self, batch: list[tuple[Transcript, Mask | None]]) -> None:
        rows = [_row(transcript, mask) for transcript, mask in batch]
        with self._store.writing() as writer:
            writer.executemany(_INSERT, rows)
        for transcript, _ in batch:
            self._waiting.popleft()
            self._written += _size(transcript)


def keep_all(store: SqliteStore, transcripts: Sequence[Transcript]) -> None:
    """Keep what was said in requests that were answered elsewhere; each once.

    Raises:
        LedgerError: the store cannot be written.
    """
    with store.writing() as writer:
        writer.executemany(_INSERT, [_row(transcript, None) for transcript in transcripts])


def _row(transcript: Transcript, mask: Mask | None) -> tuple[object, ...]:
    kept = mask or _withheld if transcript.mode == "redacted" else str
    said = json.dumps([(turn.role, kept(turn.text)) for turn in transcript.said])
    whose = (transcript.tenant, transcript.user)
    return (transcript.decision, milliseconds(transcript.time), *whose, transcript.mode, said)


def _withheld(text: str) -> str:
    return f"[{len(text)} characters, not kept]"


def _size(transcript: Transcript) -> int:
    return sum([len(turn.text) for turn in transcript.said])
