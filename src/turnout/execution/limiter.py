"""How many calls a provider takes at the same time, learnt from how it answers.

A call that was answered while the limit was in use raises it a little, one that the provider pushed back lowers it by a
tenth: additive increase and multiplicative decrease, which lets all who share a provider converge on fair parts of
what it can take (Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance", 1989).
As in TCP, calls that began before a decrease cannot cause another: they tell of the same congestion.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from turnout.types.clock import Clock
from turnout.types.failure import FailureKind

_DECREASE: Final = 0.9
_PUSHED_BACK: Final = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.OVERLOADED,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.FIRST_TOKEN_TIMEOUT,
    }
)
"""What a provider says, or does, when it has too much to do."""


class LimiterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of a provider's limit, in calls at the same time.

    Attributes:
        least: it is never lower.
        most: it is never higher, and begins here.
    """

    least: int = 2
    most: int


class Leave(Protocol):
    """A leave to call: a breaker's permit, or a place under a limit around one. One of its methods is called, once."""

    def succeeded(self) -> None:
        """The call gave an answer."""
        ...

    def failed(self, reason: str, retry_after_s: float | None = None) -> None:
        """The call failed in a way that speaks against the target."""
        ...

    def abandoned(self) -> None:
        """The call ended in a way that says nothing about the target."""
        ...


class Limiter:
    """One provider's limit. For one event loop.

    Args:
        settings: its bounds.
        clock: for the order of calls and decreases.
    """

    def __init__(self, settings: LimiterSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._limit = float(settings.most)
        self._under_way = 0
        self._decreased = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """The limit now."""
        return int(self._limit)

    @property
    def under_way(self) -> int:
        """Calls that have a place now."""
        return self._under_way

    @property
    def full(self) -> bool:
        """Whether the next call would have to wait."""
        return self._under_way >= int(self._limit)

    async def take(self, leave: Leave) -> Leave:
        """Wait for a place, first come first served; `leave` is told how the call ended, and the place is given back.

        A wait that is cancelled leaves everything as it was, `leave` included.
        """
        if self.full:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._give_back()
                raise
        else:
            self._under_way += 1
        return _Place(self, leave)

    def succeeded(self, began: float) -> None:
        """A call was answered: where it shared the limit with others, there may be more of them."""
        if began > self._decreased and self._under_way * 2 >= self._limit:
            self._limit = min(self._limit + 1 / self._limit, float(self._settings.most))
        self._give_back()

    def failed(self, began: float, reason: str) -> None:
        """A call failed."""
        if reason in _PUSHED_BACK and began > self._decreased:
            self._limit = max(self._limit * _DECREASE, float(self._settings.least))
            self._decreased = self._clock.monotonic()
        self._give_back()

    def abandoned(self) -> None:
        """A call ended in a way that says nothing."""
        self._give_back()

    def now(self) -> float:
        """The monotonic time."""
        return self._clock.monotonic()

    def _give_back(self) -> None:
        """The place goes to whoever has waited longest, unless the limit has sunk below those who have one."""
        self._under_way -= 1
        while self._waiting and self._under_way < int(self._limit):
            place = self._waiting.popleft()
            if not place.done():  # or whoever waited has left
                self._under_way += 1
                place.set_result(None)


class _Place:
    """A place under a limit, around another leave."""

    __slots__ = ("_began", "_leave", "_limiter")

    def __init__(self, limiter: Limiter, leave: Leave) -> None:
        self._limiter = limiter
        self._leave = leave
        self._began = limiter.now()

    def succeeded(self) -> None:
        self._limiter.succeeded(self._began)
        self._leave.succeeded()

    def failed(self, reason: str, retry_after_s: float | None = None) -> None:
        self._limiter.failed(self._began, reason)
        self._leave.failed(reason, retry_after_s)

    def abandoned(self) -> None:
        self._limiter.abandoned()
        self._leave.abandoned()


Limiters = Mapping[str, Limiter]
"""By the provider's name; a provider without one has no limit."""
