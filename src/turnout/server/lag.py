"""How late the event loop is, and what follows: with more to do than the processor can, fewer requests are let in.

A worker that is late is late for everybody: for health checks, for streams under way and for refusals. The least
lateness within an interval tells a standing queue from a burst (CoDel, RFC 8289, section 3.1); while it is over the
limit the room shrinks by a share, afterwards it grows by a step (D. Chiu and R. Jain, "Analysis of the increase and
decrease algorithms", Computer Networks 17, 1989).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from turnout.server.room import Room

_SAMPLE_S: Final = 0.025
_INTERVAL: Final = 4
"""Samples in an interval: the 100 ms of CoDel."""

_SHRINK: Final = 0.8
_GROW: Final = 0.1
_LEAST: Final = 8
"""Some are always let in: what is refused costs time as well, and refusing all would serve nobody."""


class LagLimit:
    """Narrows the room while the loop is late.

    Args:
        room: what is narrowed.
        max_lag: how many seconds late the loop may be; asked each time.
    """

    def __init__(self, room: Room, max_lag: Callable[[], float]) -> None:
        self._room = room
        self._max_lag = max_lag
        self._most = math.inf
        self._least_late = math.inf
        self._samples = 0

    def sample(self, late_s: float) -> None:
        """The loop came back so many seconds after it should have."""
        self._least_late = min(self._least_late, late_s)
        self._samples += 1
        if self._samples < _INTERVAL:
            return
        late, self._least_late, self._samples = self._least_late, math.inf, 0
        if late > self._max_lag():
            self._most = max(_LEAST, math.floor(min(self._most, self._room.under_way) * _SHRINK))
            self._room.narrow(self._most)
        elif self._most < math.inf:
            self._most += max(1, math.ceil(self._most * _GROW))
            if self._most > 2 * max(_LEAST, self._room.under_way):
                self._most = math.inf  # it is not this limit that keeps them few
            self._room.narrow(self._most)


@asynccontextmanager
async def limiting_lag(room: Room, max_lag: Callable[[], float]) -> AsyncIterator[None]:
    """Watch the running loop until the block ends."""
    watching = asyncio.create_task(_watch(LagLimit(room, max_lag)))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(limit: LagLimit) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _SAMPLE_S
        await asyncio.sleep(_SAMPLE_S)
        limit.sample(max(loop.time() - due, 0.0))
