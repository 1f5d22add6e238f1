"""A clock that stands still until it is told to go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


class FrozenClock:
    """A `turnout.types.clock.Clock` that is advanced by hand: both of its times, together.

    What waits on the event loop still waits in real time: a limit of 5 s is 5 s of the loop, however the clock stands.

        clock = FrozenClock()
        clock.advance(10)

    Args:
        now: the wall time to begin at, aware, UTC.
        monotonic: the seconds to begin at.
    """

    def __init__(self, now: datetime = _START, monotonic: float = 1000.0) -> None:
        self._now = now
        self._monotonic = monotonic

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self._monotonic

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass. Raises `ValueError` for a step back: a monotonic clock takes none."""
        if seconds < 0:
            raise ValueError("time does not go back; set `now` by a new clock")
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)
