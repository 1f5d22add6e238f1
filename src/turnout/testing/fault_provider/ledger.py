"""What the provider itself wrote down: one line when a request has been read, one when its answer has ended."""

from __future__ import annotations

import os
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

KEPT = 100_000


class Ledger:
    """Append-only JSONL, each line on the disk before anything else happens; without a path, in memory only.

    Args:
        path: the file to append to, or None.
        bodies: whether `received` lines carry the body of the request.

    Attributes:
        lines: the last lines, oldest first.
    """

    def __init__(self, path: Path | str | None = None, *, bodies: bool = False) -> None:
        self.lines: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.bodies = bodies
        self._path = path
        self._file: int | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def write(self, line: dict[str, Any]) -> None:
        """Keep a line; on the disk when this returns."""
        self.lines.append(line)
        if self._file is not None:
            os.write(self._file, msgspec.json.encode(line) + b"\n")
            os.fsync(self._file)


def now() -> str:
    """The wall time in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
