"""Time, as a thing that can be handed over: tests and replay bring their own."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two times that must not be mixed: one for durations, one for the record."""

    def monotonic(self) -> float:
        """Seconds that only ever go forward; the base of every timeout."""
        ...

    def now(self) -> datetime:
        """The wall time, aware, UTC."""
        ...


class SystemClock:
    """The machine's own clocks. `monotonic` is the event loop's."""

    monotonic = staticmethod(time.monotonic)  # itself, since it is read a dozen times a request

    def now(self) -> datetime:
        """The wall time, aware, UTC."""
        return datetime.now(UTC)


def timestamp(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-03-01T09:30:00.123+00:00`."""
    return at.isoformat(timespec="milliseconds")
