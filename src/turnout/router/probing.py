"""Asks targets something small from time to time, so that nobody's request has to find out how they are.

A probe is a request like any other: its record has the tenant `turnout:probe`, its failure counts for the breaker, its
answer closes it. A target whose breaker is open is left alone until its time has come, and is then asked at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from turnout.errors import RequestFailed
from turnout.router.router import Router
from turnout.types.clock import Clock
from turnout.types.conditions import BreakerState
from turnout.types.request import Caller

TENANT: Final = "turnout:probe"
"""Whose requests probes are: nobody's."""
AT_ONCE: Final = 4
"""So many probes are under way at the same time, however many targets are down."""

_CALLER: Final = Caller(tenant=TENANT, source=TENANT)
_MESSAGES: Final = ({"role": "user", "content": "Answer with the word yes."},)
_TOKENS: Final = 16
"""Few enough to cost nothing that counts; some models refuse fewer."""
_LOOK_S: Final = 0.25
_IDLE_LOOK_S: Final = 5.0


class Prober:
    """Probes the targets of a router.

    Args:
        router: what probes go through.
        intervals: how often each target is to be probed, in seconds, by its name; asked anew each time.
        clock: for the intervals.
    """

    def __init__(self, router: Router, intervals: Callable[[], Mapping[str, float]], clock: Clock) -> None:
        self._router = router
        self._intervals = intervals
        self._clock = clock
        self._next: dict[str, float] = {}
        self._under_way: set[str] = set()

    async def run(self) -> None:
        """Probe until cancelled."""
        async with asyncio.TaskGroup() as probes:
            while True:
                intervals = self._intervals()
                for target in self.due(intervals):
                    self._under_way.add(target)
                    probes.create_task(self._probe(target))
                await asyncio.sleep(_LOOK_S if intervals else _IDLE_LOOK_S)

    def due(self, intervals: Mapping[str, float]) -> list[str]:
        """The targets to be probed now; the first time after a whole interval."""
        now = self._clock.monotonic()
        self._next = {target: self._next.get(target, now + every) for target, every in intervals.items()}
        found: list[str] = []
        for target, every in intervals.items():
            state = self._router.parts.breakers[target].state
            rested = state is BreakerState.HALF_OPEN
            if state is BreakerState.OPEN or target in self._under_way or not (rested or now >= self._next[target]):
                continue
            if len(self._under_way) + len(found) < AT_ONCE:
                self._next[target] = now + every
                found.append(target)
        return found

    async def _probe(self, target: str) -> None:
        try:
            await self._router.chat(route=target, messages=list(_MESSAGES), caller=_CALLER, max_tokens=_TOKENS)
        except RequestFailed:
            pass  # the breaker has been told, and says so if it opens
        finally:
            self._under_way.discard(target)
