"""Room for so many requests at a time, shared fairly by those who ask for it.

Who finds no room waits in a line of its own, and the room that falls free goes to whoever has the least of it: so one
who sends a thousand requests delays those of nobody else (fair queueing: J. Nagle, RFC 970). The lines together have
an end; past it the longest gives way, as in FQ-CoDel (RFC 8290, section 4.2). A line that has stood for long is more
than a burst: then a request may wait for a fraction of the time only, since waiting would delay all of them alike and
serve none the better (CoDel, RFC 8289, in the form for servers of B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Protocol

from turnout.errors import Overloaded

STANDING_SHARE: Final = 20
"""In a standing line a request may wait for one part in so many: 5 ms of 100 ms in the source."""

_RETRY_AFTER_S: Final = 1.0


class RoomLimits(Protocol):
    """How much room there is.

    Attributes:
        max_in_flight: requests under way at a time.
        max_waiting: requests that wait for room, of all callers together.
        max_wait: for how many seconds one may wait.
    """

    @property
    def max_in_flight(self) -> int:
        """Requests under way at a time."""
        ...

    @property
    def max_waiting(self) -> int:
        """Requests that wait."""
        ...

    @property
    def max_wait(self) -> float:
        """Seconds."""
        ...


@dataclass(slots=True)
class _Share:
    """What one caller has of the room.

    Attributes:
        under_way: its requests that have room.
        line: its requests that wait; each is told True once it has room, False when it is refused.
        stands_since: when its line was last empty, on the loop's clock.
        turn: when it was last given room from its line; a count.
    """

    under_way: int = 0
    line: deque[asyncio.Future[bool]] = field(default_factory=deque)
    stands_since: float = 0.0
    turn: int = 0


class Room:
    """Room for requests in one process. For one event loop.

    Args:
        limits: asked each time, so that another configuration takes effect.

    Attributes:
        under_way: the requests that have room.
        waiting: the requests in line.
    """

    def __init__(self, limits: Callable[[], RoomLimits]) -> None:
        self._limits = limits
        self._shares: dict[str, _Share] = {}
        self._turns = count(1)
        self._most = math.inf
        self.under_way = 0
        self.waiting = 0

    def check(self, who: str) -> None:
        """Refuse `who` before anything is read of its request, if `enter` would do so at once. Raises `Overloaded`."""
        if self.waiting >= self._limits().max_waiting and not self._has_room() and self._longest(who) is None:
            raise _full()

    async def enter(self, who: str) -> None:
        """Have room for one request of `who`, now or after a wait in line; `leave` gives it back.

        Raises:
            Overloaded: there is none, and no place in line; or not in time.
        """
        share = self._shares.setdefault(who, _Share())
        if self._has_room() and not self.waiting:
            share.under_way += 1
            self.under_way += 1
            return
        try:
            if not (self._make_place(who) and await self._wait(share)):
                raise _full()
        finally:
            self._forget(who, share)

    def leave(self, who: str) -> None:
        """A request of `who` has ended."""
        share = self._shares[who]
        share.under_way -= 1
        self.under_way -= 1
        self._forget(who, share)
        self._admit()

    def narrow(self, most: float) -> None:
        """Have room for `most` requests at a time until further notice, and never more than the limits say."""
        self._most = most
        self._admit()

    async def _wait(self, share: _Share) -> bool:
        """Whether the request was given room while it was in its line."""
        longest_s = self._limits().max_wait
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not share.line:
            share.stands_since = now
        given: asyncio.Future[bool] = loop.create_future()
        share.line.append(given)
        self.waiting += 1
        self._admit()
        stands = now - share.stands_since > longest_s
        timer = loop.call_later(longest_s / STANDING_SHARE if stands else longest_s, self._refuse, share, given)
        try:
            return await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled() and given.result():
                share.under_way -= 1
                self.under_way -= 1
                self._admit()
            else:
                self._drop(share, given)
            raise
        finally:
            timer.cancel()

    def _admit(self) -> None:
        """Give the room that there is to those who have the least; among equals, whose turn is the longest ago."""
        while self.waiting and self._has_room():
            share = min(self._waiting(), key=lambda each: (each.under_way, each.turn))
            given = share.line.popleft()
            self.waiting -= 1
            share.turn = next(self._turns)
            share.under_way += 1
            self.under_way += 1
            given.set_result(True)

    def _has_room(self) -> bool:
        return self.under_way < min(self._limits().max_in_flight, self._most)

    def _make_place(self, who: str) -> bool:
        """Whether there is a place in line for `who`: where there was none, the last of the longest line gives way."""
        if self.waiting < self._limits().max_waiting:
            return True
        longest = self._longest(who)
        if longest is None:
            return False
        self._refuse(longest, longest.line[-1])
        return True

    def _longest(self, who: str) -> _Share | None:
        """The share with the longest line; None if the line of `who` would be as long."""
        share = max(self._waiting(), key=lambda each: len(each.line), default=None)
        own = self._shares.get(who)
        asked = len(own.line) + 1 if own is not None else 1
        return share if share is not None and len(share.line) > asked else None

    def _refuse(self, share: _Share, given: asyncio.Future[bool]) -> None:
        if not given.done():
            self._drop(share, given)
            given.set_result(False)

    def _drop(self, share: _Share, given: asyncio.Future[bool]) -> None:
        if given in share.line:
            share.line.remove(given)
            self.waiting -= 1

    def _waiting(self) -> Iterator[_Share]:
        return (share for share in self._shares.values() if share.line)

    def _forget(self, who: str, share: _Share) -> None:
        if not share.under_way and not share.line and self._shares.get(who) is share:
            del self._shares[who]


def _full() -> Overloaded:
    return Overloaded("The gateway has as many requests under way as it may.", retry_after_s=_RETRY_AFTER_S)
