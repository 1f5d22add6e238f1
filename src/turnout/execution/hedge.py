"""A second call beside a silent one: the first to begin its answer wins, the other is cancelled.

Waiting for the 95th percentile first keeps the extra load at about a twentieth, and cuts the slow tail (J. Dean and
L. A. Barroso, "The Tail at Scale", CACM 2013). Each route has an account of its own, and every second call is taken out
of the retry budget as well, so that hedging stops when it could do harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Generic, Protocol, TypeVar

from turnout.execution.health import HealthBoard
from turnout.execution.retry_budget import RetryBudget
from turnout.execution.work import Work
from turnout.types.candidate import Candidate
from turnout.types.hedge import Hedge


class Contestant(Protocol):
    """An answer that another may have beaten."""

    def lose(self) -> None:
        """The other one was first."""
        ...


T = TypeVar("T", bound=Contestant)


class Hedging:
    """Says when a call has been silent for too long, and whether another may be made.

    Args:
        health: how long targets are usually silent.
        retry_budget: what every second call is taken out of.
    """

    def __init__(self, health: HealthBoard, retry_budget: RetryBudget) -> None:
        self._health = health
        self._retry_budget = retry_budget
        self._shares: dict[Hedge, RetryBudget] = {}

    def renewed(self, health: HealthBoard) -> Hedging:
        """One over another board; what routes have used of their shares stays used."""
        hedging = Hedging(health, self._retry_budget)
        hedging._shares = self._shares
        return hedging

    def earn(self, hedge: Hedge) -> None:
        """A request of the route was admitted."""
        self._share(hedge).earn()

    def patience_s(self, candidate: Candidate, work: Work) -> float | None:
        """After how many seconds of silence another call is due; None for never."""
        hedge = work.hedge
        if hedge is None or work.hedged or candidate.hold or candidate.purpose != "answer":
            return None
        if hedge.after_s is not None:
            return hedge.after_s
        return self._health[candidate.target].silence(hedge.quantile)

    def allows(self, work: Work) -> bool:
        """Take one second call out of both accounts; False if one of them is empty."""
        if work.hedge is None or not self._share(work.hedge).left or not self._retry_budget.spend():
            return False
        work.hedged = self._share(work.hedge).spend()
        return work.hedged

    def _share(self, hedge: Hedge) -> RetryBudget:
        if hedge not in self._shares:
            self._shares[hedge] = RetryBudget(ratio=hedge.max_share, reserve=1.0)
        return self._shares[hedge]


class Race(Generic[T]):
    """Calls for one request that run beside each other.

    Args:
        work: the request.
        first: the first call.
    """

    def __init__(self, work: Work, first: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._began = work.clock.monotonic()
        self._waited_s = work.trace.waited_s
        self._calls = [asyncio.create_task(first)]
        work.heard = False

    async def spoke_within(self, seconds: float) -> bool:
        """Whether the first call has begun to answer, or has ended, within `seconds`."""
        try:
            done, _ = await asyncio.wait(self._calls, timeout=seconds)
        except asyncio.CancelledError:
            await self.stop()
            raise
        return bool(done) or self._work.heard

    async def join(self, call: Coroutine[Any, Any, T]) -> T:
        """Another call takes part. Then as `winner`."""
        self._calls.append(asyncio.create_task(call))
        return await self.winner()

    async def winner(self) -> T:
        """The first answer; when this returns, the calls that lost have ended and are booked.

        Raises:
            Exception: what the last call ran into, if all failed.
        """
        pending = set(self._calls)
        try:
            while True:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                answered = [call for call in self._calls if call in done and call.exception() is None]
                if answered or not pending:
                    break
            for beaten in answered[1:]:
                beaten.result().lose()
        finally:
            await _end(pending)
            if len(self._calls) > 1:  # their waits went on at the same time
                self._work.trace.waited_s = self._waited_s + self._work.clock.monotonic() - self._began
        return (answered or self._calls)[0 if answered else -1].result()

    async def stop(self) -> None:
        """Nobody wants an answer any more."""
        await _end(self._calls)


async def _end(calls: Iterable[asyncio.Task[T]]) -> None:
    ending = list(calls)
    for call in ending:
        call.cancel()
    if ending:
        await asyncio.wait(ending)
    for call in ending:
        if not call.cancelled() and call.exception() is None:  # it answered in the very moment
            call.result().lose()
