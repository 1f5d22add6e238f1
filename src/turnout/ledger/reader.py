"""Reads one process's journal, whole lines only, from any position on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from turnout.ledger.journal import segment_name, segments
from turnout.ledger.store import Position


@dataclass(frozen=True, slots=True)
class Lines:
    """Some whole lines of one segment.

    Attributes:
        lines: the lines in order, without their newlines.
        bytes: how many bytes they took.
        end: the position after them.
        torn: lines that broke off at the end of a segment before them, and were passed over.
    """

    lines: list[bytes]
    bytes: int
    end: Position
    torn: int = 0


class JournalReader:
    """Reads the segments in a process's directory.

    Args:
        directory: the process's directory.
        dead: whether its process has ended, so that nothing will be added to the last segment.
    """

    def __init__(self, directory: Path, *, dead: bool) -> None:
        self._directory = directory
        self._dead = dead
        self._file = -1
        self._segment = 0

    def read(self, start: Position, most: int) -> Lines | None:
        """The next lines after `start`; None where no whole line is there (yet).

        Args:
            start: a position that an earlier call returned, or one at the beginning of a line.
            most: bytes to read at a time; a longer line is read whole nevertheless.
        """
        torn = 0
        at = self._existing(start)
        while at:
            data = self._pread(at, most)
            if b"\n" not in data:
                # Asked first, read again afterwards: once the answer is yes, nothing is added any more.
                finished = self._finished(at.segment)
                data = self._pread(at, most)
                if b"\n" not in data and not finished:
                    return None
            if end := data.rfind(b"\n") + 1:
                return Lines(data[: end - 1].split(b"\n"), end, Position(at.segment, at.offset + end), torn)
            torn += bool(data)
            following = Position(at.segment + 1, 0)
            at = self._existing(following)
            if torn and not at:
                return Lines([], 0, following, torn)
        return None

    def close(self) -> None:
        """Let go of the open segment."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _existing(self, start: Position) -> Position | None:
        """The position, or the beginning of the first later segment where its own is not there."""
        if start.segment == self._segment and self._file >= 0:
            return start
        later = [number for number in segments(self._directory) if number >= start.segment]
        if not later:
            return None
        self.close()
        self._segment = later[0]
        self._file = os.open(self._directory / segment_name(later[0]), os.O_RDONLY | os.O_CLOEXEC)
        return start if later[0] == start.segment else Position(later[0], 0)

    def _finished(self, segment: int) -> bool:
        return self._dead or segments(self._directory)[-1] > segment

    def _pread(self, start: Position, most: int) -> bytes:
        data = os.pread(self._file, most, start.offset)
        while len(data) == most and b"\n" not in data:
            most *= 2
            data = os.pread(self._file, most, start.offset)
        return data
