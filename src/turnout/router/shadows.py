"""Finds out about answers, once their callers have them: what others say to the same, and how good it is.

Nothing of it is the caller's. It happens after the answer, with breakers and health of its own, on no budget but its
own, and what cannot be asked is counted and forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from turnout.policy.route import Route
from turnout.router.admitted import Admitted
from turnout.router.again import Again, Asked, Other, Pot
from turnout.router.evidence import check, compare_with, grade
from turnout.router.record import Record
from turnout.state.counters import Counters
from turnout.types.clock import Clock
from turnout.types.dialect import DialectName

AT_ONCE: Final = 4
"""How many requests of a process are asked about at the same time."""
MOST_WAITING: Final = 64
"""How many may wait for that."""
MOST_BYTES: Final = 32 << 20
"""How much they may hold on to, in bytes of questions and answers."""

_log = logging.getLogger(__name__)


class _Sampled(NamedTuple):
    """What is asked about a request.

    Attributes:
        shadow: others are asked the same.
        judge: a judge is asked about its answer.
        check: the answer is checked for its form.
    """

    shadow: bool
    judge: bool
    check: bool


class Shadows:
    """Asks others, and about answers. For one event loop.

    Args:
        record: writes down what it takes, and what is found.
        counters: where its cost is counted.
        clock: for its times.
    """

    def __init__(self, record: Record, counters: Counters, clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._again = Again(record, counters, clock)
        self._waiting: deque[tuple[Asked, _Sampled]] = deque()
        self._running: dict[asyncio.Task[None], Asked] = {}
        self._bytes = 0

    @staticmethod
    def sampled(admitted: Admitted) -> _Sampled | None:
        """What is to be asked about a request once it is answered; None for nothing. On the path of every request."""
        route = admitted.route
        if route is None or admitted.parts.beside is None or (route.shadow is None and route.evidence is None):
            return None
        if admitted.recalled is not None or admitted.request.dialect is DialectName.OPENAI_EMBEDDINGS:
            return None
        sampled = _drawn(route, random.random())  # noqa: S311 - a sample is no secret
        return sampled if any(sampled) else None

    def ask(self, admitted: Admitted, sampled: _Sampled, served: bytes | None) -> None:
        """The caller has its answer: ask about it, soon. Never waits."""
        decision, route, context, beside = admitted.decision, admitted.route, admitted.context, admitted.parts.beside
        if decision is None or decision.outcome != "answered" or served is None:
            return
        if route is None or context is None or beside is None:
            return
        asked = Asked(admitted, context, route, beside, served)
        if len(self._waiting) >= MOST_WAITING or self._bytes + asked.size > MOST_BYTES:
            self._again.drop(route.name, "queue_full")
            return
        self._bytes += asked.size
        self._waiting.append((asked, sampled))
        self._begin()

    def under_way(self) -> Iterable[Admitted]:
        """The requests that wait to be asked about, or are."""
        return [each.admitted for each in (*(asked for asked, _ in self._waiting), *self._running.values())]

    async def close(self) -> None:
        """Give up what waits and what is under way."""
        for asked, _ in self._waiting:
            self._again.drop(asked.route.name, "stopping")
        self._waiting.clear()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _begin(self) -> None:
        while self._waiting and len(self._running) < AT_ONCE:
            asked, sampled = self._waiting.popleft()
            task = asyncio.create_task(self._ask(asked, sampled), name="turnout-shadow")
            self._running[task] = asked
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        asked = self._running.pop(task)
        self._bytes -= asked.size
        if not task.cancelled() and (defect := task.exception()) is not None:
            _log.error("what was asked about %s failed", asked.admitted.id, exc_info=defect)
        self._begin()

    async def _ask(self, asked: Asked, sampled: _Sampled) -> None:
        shadow, evidence = asked.route.shadow, asked.route.evidence
        others: list[Other] = []
        if sampled.shadow and shadow is not None:
            pot = Pot("shadow.daily_usd", shadow.daily_usd)
            answers = [await self._again.answer(asked, route, pot) for route in shadow.to]
            others = [each for each in answers if each is not None]
        if evidence is None:
            return
        found = []
        if evidence.checking is not None and sampled.check:
            found += check(asked, evidence.checking, self._clock.now())
        if evidence.agreeing is not None:
            found += compare_with(asked, others, *evidence.agreeing, self._clock.now())
        if evidence.judging is not None and sampled.judge:
            found += await grade(asked, others, evidence.judging, self._again, self._clock)
        for each in found:
            self._record.evidence(each)


def _drawn(route: Route, draw: float) -> _Sampled:
    """One draw for all: whatever is asked of the smaller share is asked of requests of the larger one."""
    shadow, evidence = route.shadow, route.evidence
    judging = evidence.judging if evidence is not None else None
    checking = evidence.checking if evidence is not None else None
    return _Sampled(
        shadow=shadow is not None and draw < shadow.share,
        judge=judging is not None and draw < judging.share,
        check=checking is not None and draw < checking.share,
    )
