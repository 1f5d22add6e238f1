"""The journal: an append-only file of this process, written before a request is sent and before its answer ends.

Layout: `<directory>/<worker>-<id>/00000001.jsonl`, one directory for each process and one file for each segment of its
journal. The process keeps its directory locked (flock) for as long as it lives; a directory that can be locked belongs
to a dead one, and whoever locks it may adopt what is in it.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from turnout.errors import LedgerError
from turnout.ledger.entry import Entry, encode_into
from turnout.ledger.ids import new_decision_id
from turnout.types.decision import Decision, Intent
from turnout.types.feedback import Feedback

SEGMENT_BYTES = 64 << 20
SEGMENT_SECONDS = 3600.0
_APPEND = os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
_UNFINISHED = "new-"  # a directory of this prefix is not locked yet


class Journal:
    """This process's journal. For one thread.

    A line is handed to the kernel before the call returns, so it survives the death of the process; with `fsync` it
    survives that of the machine too, at the price of a disk's write for every line.

    Args:
        directory: where all processes keep their journals; made if it is missing.
        worker: this process's name, for whoever looks into the directory.
        segment_bytes: the size after which a new segment is begun.
        segment_seconds: the age after which a new segment is begun.
        fsync: wait for the disk after every line.

    Raises:
        LedgerError: the journal cannot be created.
    """

    def __init__(
        self,
        directory: Path,
        *,
        worker: str,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
        fsync: bool = False,
    ) -> None:
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._fsync = fsync
        self._line = bytearray()
        self._file = -1
        self._segment = 0
        self._torn = False
        try:
            self.directory, self._lock = _own_directory(directory, worker)
            self._open_segment()
        except OSError as error:
            raise LedgerError(f"cannot create a journal in {directory}: {error.strerror}") from error

    def intend(self, intent: Intent) -> None:
        """Write that a request is about to be sent.

        Raises:
            LedgerError: it could not be written; the journal stays readable, and later lines may succeed.
        """
        self._append(Entry(intent=intent))

    def record(self, decision: Decision) -> None:
        """Write what became of a request.

        Raises:
            LedgerError: it could not be written; the journal stays readable, and later lines may succeed.
        """
        self._append(Entry(decision=decision))

    def hear(self, feedback: Feedback) -> None:
        """Write what was said of an answer.

        Raises:
            LedgerError: it could not be written; the journal stays readable, and later lines may succeed.
        """
        self._append(Entry(feedback=feedback))

    def close(self) -> None:
        """Let go of the journal: whoever drains the directory next adopts it. Closing twice is harmless."""
        for file in (self._file, self._lock):
            if file >= 0:
                os.close(file)
        self._file = self._lock = -1

    def _append(self, entry: Entry) -> None:
        line = self._line
        encode_into(entry, line)
        if self._size >= self._size_limit or time.monotonic() >= self._time_limit:
            self._rotate()
        try:
            if self._torn:
                self._end_torn_line()
            written = os.write(self._file, line)
            if written != len(line):
                self._torn = True
                self._write_rest(memoryview(line)[written:])
            self._size += len(line)
            if self._fsync:
                os.fdatasync(self._file)
        except OSError as error:
            self._repair()
            raise LedgerError(f"cannot append to the journal in {self.directory}: {error.strerror}") from error

    def _write_rest(self, rest: memoryview) -> None:
        """A short write is usually the disk's last room; trying the rest either ends the line or tells the error."""
        with rest:
            done = 0
            while done < len(rest):
                done += os.write(self._file, rest[done:])
        self._torn = False

    def _repair(self) -> None:
        """Cut off what was written of a failed line. Where even that fails, the next line ends it first."""
        with suppress(OSError):
            os.ftruncate(self._file, self._size)
            self._torn = False

    def _end_torn_line(self) -> None:
        os.write(self._file, b"\n")
        self._size = os.fstat(self._file).st_size
        self._torn = False

    def _open_segment(self) -> None:
        file = os.open(self.directory / segment_name(self._segment + 1), _APPEND, 0o600)
        if self._file >= 0:
            os.close(self._file)
        self._file = file
        self._segment += 1
        self._size = 0
        self._torn = False
        self._size_limit = self._segment_bytes
        self._time_limit = time.monotonic() + self._segment_seconds

    def _rotate(self) -> None:
        """Begin a new segment. Where there is none to be had (no file handles, no room), stay with the old one."""
        if not self._size:
            self._time_limit = time.monotonic() + self._segment_seconds
            return
        try:
            self._open_segment()
        except OSError:
            self._size_limit = self._size + self._segment_bytes // 8
            self._time_limit = time.monotonic() + self._segment_seconds / 8


def segment_name(number: int) -> str:
    """The file name of a journal's segment; they count from 1."""
    return f"{number:08d}.jsonl"


def segments(directory: Path) -> list[int]:
    """The numbers of the segments in a process's directory, in order."""
    return sorted(int(file.stem) for file in directory.iterdir() if file.suffix == ".jsonl")


def journals(directory: Path) -> list[Path]:
    """Every process's directory, oldest first within a worker. Empty where nothing was ever written."""
    try:
        return sorted(process for process in directory.iterdir() if not process.name.startswith(_UNFINISHED))
    except FileNotFoundError:
        return []


def lock(directory: Path) -> int | None:
    """Lock a process's directory; None while its process lives, or once somebody has removed it.

    Returns:
        A file descriptor: closing it gives the lock back.
    """
    try:
        return _locked(directory)
    except (FileNotFoundError, NotADirectoryError, BlockingIOError):
        return None


def _locked(directory: Path) -> int:
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file


def _own_directory(directory: Path, worker: str) -> tuple[Path, int]:
    """Make a directory of our own; it gets its name only once it is locked, so nobody takes it for a dead one's."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{re.sub(r'[^A-Za-z0-9_.]', '_', worker) or 'worker'}-{new_decision_id(datetime.now(UTC))}"
    unfinished = directory / f"{_UNFINISHED}{name}"
    unfinished.mkdir(mode=0o700)
    held = _locked(unfinished)
    return unfinished.rename(directory / name), held
