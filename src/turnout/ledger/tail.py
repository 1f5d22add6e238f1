"""One process's journal on its way into the store, exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from turnout.ledger.breath import breathe
from turnout.ledger.entry import decode_decision, decode_id, decode_line, encode_decision, interrupted
from turnout.ledger.journal import segment_name, segments
from turnout.ledger.reader import JournalReader, Lines
from turnout.ledger.store import Position, WritableStore, Written
from turnout.types.decision import Intent
from turnout.types.feedback import Feedback

SLICE_BYTES = 32 << 10  # read and decoded at a time: about 20 decisions
BATCH_BYTES = 512 << 10  # taken into the store in one transaction; while it commits the interpreter is free for others

_log = logging.getLogger("turnout.ledger")


class JournalTail:
    """Follows a journal.

    What is in the store and the position behind it change in one transaction, so whatever is read again after a crash
    or a failure of the store is taken in once. A segment is removed when all of it is in the store and no request that
    was begun in it is still open.

    Args:
        directory: the process's directory.
        store: where decisions go.
        dead: whether its process has ended; the caller then holds the directory's lock.

    Attributes:
        directory: as given.
        torn: lines passed over so far, because they broke off when the process died or the disk was full.
    """

    def __init__(self, directory: Path, store: WritableStore, *, dead: bool) -> None:
        self.directory = directory
        self._store = store
        self._dead = dead
        self._reader = JournalReader(directory, dead=dead)
        self._open: dict[str, tuple[int, Intent]] = {}
        self._position: Position | None = None
        self._removed = 0
        self.torn = 0

    @property
    def behind(self) -> int:
        """Bytes that are in the journal and not yet in the store."""
        at = self._position or Position(0, 0)
        total = 0
        with suppress(FileNotFoundError):
            for segment in segments(self.directory):
                if segment >= at.segment:
                    total += (self.directory / segment_name(segment)).stat().st_size
                if segment == at.segment:
                    total -= at.offset
        return total

    def catch_up(self) -> None:
        """Take in everything that was there when this was called, and remove what is done with.

        Raises:
            LedgerError: the store failed; what was not taken in stays in the journal.
            OSError: the journal cannot be read.
        """
        if self._position is None:
            self._position = self._recall(self._store.position(self.directory.name))
        left = self.behind
        while left > 0 and (taken := self._take_batch(self._position)):
            left -= taken
        if self._dead:
            self._settle()
        else:
            self._remove_finished(self._position.segment)

    def close(self) -> None:
        """Let go of the file that is being read."""
        self._reader.close()

    def _recall(self, until: Position) -> Position:
        """Read again what is in the store already, for the requests that are still open in it."""
        at = Position(0, 0)
        while at < until:
            lines = self._reader.read(at, SLICE_BYTES)
            if lines and lines.end > until:  # more has been written since: read only what came before
                begin = Position(lines.end.segment, lines.end.offset - lines.bytes)
                lines = self._reader.read(begin, until.offset - begin.offset) if begin < until else None
            if not lines:
                break
            _sort(lines, self._open, decode_id)
            at = lines.end
            breathe()
        return until

    def _take_batch(self, start: Position) -> int:
        """Take in one transaction's worth; the number of bytes read."""
        at, still_open, read, torn = start, dict(self._open), 0, 0
        batch: list[Written] = []
        heard: list[Feedback] = []

        def take(raw: msgspec.Raw) -> str:
            batch.append(Written(decode_decision(raw), bytes(raw)))
            return batch[-1].decision.id

        while read < BATCH_BYTES and (lines := self._reader.read(at, SLICE_BYTES)):
            torn += lines.torn + _sort(lines, still_open, take, heard.append)
            read += lines.bytes
            at = lines.end
            breathe()
        if at != start:
            self._store.append(batch, self.directory.name, at, heard)
        self._position, self._open = at, still_open
        if torn:
            self.torn += torn
            _log.warning("journal %s: passed over %d lines that cannot be read", self.directory.name, torn)
        return read

    def _remove_finished(self, current: int) -> None:
        """Remove the segments before the current one in which no request is open."""
        wanted = {segment for segment, _ in self._open.values()}
        for segment in range(self._removed + 1, current):
            if segment not in wanted:
                (self.directory / segment_name(segment)).unlink(missing_ok=True)
                self._removed += segment == self._removed + 1

    def _settle(self) -> None:
        """Close what the dead process left open, and remove its journal."""
        ended = [interrupted(intent) for _, intent in self._open.values()]
        written = [Written(decision, encode_decision(decision)) for decision in ended]
        self._store.append(written, self.directory.name, None)
        if ended:
            _log.warning("journal %s: its process died; %d requests were open", self.directory.name, len(ended))
        for segment in segments(self.directory):
            (self.directory / segment_name(segment)).unlink()
        self.directory.rmdir()


def _sort(
    lines: Lines,
    still_open: dict[str, tuple[int, Intent]],
    take: Callable[[msgspec.Raw], str],
    hear: Callable[[Feedback], None] = lambda _: None,
) -> int:
    """Tell open requests from decisions, which are handed to `take` for their id, and feedback, handed to `hear`.

    Returns:
        How many of the lines cannot be read.
    """
    torn = 0
    for line in lines.lines:
        try:
            entry = decode_line(line)
            if entry.decision:
                still_open.pop(take(entry.decision), None)
            elif entry.feedback is not None:
                hear(entry.feedback)
        except (msgspec.DecodeError, UnicodeDecodeError):
            torn += 1
            continue
        if entry.intent is not None:
            still_open[entry.intent.id] = (lines.end.segment, entry.intent)
    return torn
