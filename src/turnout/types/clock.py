"""Time, as a thing that can be handed over: tests and replay bring their own."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol


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


class Timeline(NamedTuple):
    """The wall time of one request: read once, then carried on by the monotonic clock.

    So the times of one record never run backwards, whatever is done to the wall clock meanwhile.

    Attributes:
        at: the wall time at which it began, aware.
        began: the same moment on the monotonic clock.
    """

    at: datetime
    began: float

    def when(self, monotonic: float) -> datetime:
        """The wall time of a moment of the monotonic clock."""
        return self.at + timedelta(seconds=monotonic - self.began)


def timestamp(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-03-01T09:30:00.123+00:00`."""
    return at.isoformat(timespec="milliseconds")
