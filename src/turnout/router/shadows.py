"""Asks others for a share of the requests as well, once the caller has its answer: to compare what they say.

Nothing of it is the caller's. It is asked after the answer, with breakers and health of its own, on no budget but the
route's `shadow.daily_usd`, and what cannot be asked is counted and forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Final, NamedTuple

import msgspec

from turnout.errors import Cancelled, RequestFailed
from turnout.execution.deadline import Deadline
from turnout.execution.delivery import Delivered
from turnout.execution.work import Work
from turnout.features.tokens import TokenEstimator
from turnout.ledger.ids import new_decision_id
from turnout.policy.base import Context
from turnout.policy.route import Route, Shadow
from turnout.router.admitted import Admitted
from turnout.router.flagged import ask_ahead
from turnout.router.parts import Beside
from turnout.router.record import Record
from turnout.state.counters import Counters
from turnout.tenancy.budgets import Budgets
from turnout.types.candidate import Candidate, Outcome, Plan
from turnout.types.clock import Clock, Timeline, timestamp
from turnout.types.conditions import Conditions
from turnout.types.dialect import DialectName
from turnout.types.events import ShadowDropped
from turnout.types.request import Caller
from turnout.types.spend import Quote, Refusal, Refused, Reservation, Spend
from turnout.types.target import Target
from turnout.types.tenant import Budget, Period

AT_ONCE: Final = 4
"""How many requests of a process are asked again at the same time."""
MOST_WAITING: Final = 64
"""How many may wait for that."""
MOST_BYTES: Final = 32 << 20
"""How much they may hold on to, in bytes of questions and answers."""

_BUDGET: Final = "shadow.daily_usd"
_log = logging.getLogger(__name__)


class _Asked(NamedTuple):
    """A request that was answered and is to be asked again.

    Attributes:
        admitted: it.
        context: what it was decided by.
        shadow: what it is to be asked of.
        beside: by whom.
        served: the answer that its caller got, in the caller's dialect.
    """

    admitted: Admitted
    context: Context
    shadow: Shadow
    beside: Beside
    served: bytes

    @property
    def size(self) -> int:
        """What it holds on to, in bytes."""
        return len(self.admitted.request.raw) + len(self.served)


class Shadows:
    """Asks shadows. For one event loop.

    Args:
        record: writes each down, as a decision of its own that names the one it is a shadow of.
        counters: where their cost is counted.
        clock: for their times.
    """

    def __init__(self, record: Record, counters: Counters, clock: Clock) -> None:
        self._record = record
        self._counters = counters
        self._clock = clock
        self._estimator = TokenEstimator()
        self._waiting: deque[_Asked] = deque()
        self._running: dict[asyncio.Task[None], _Asked] = {}
        self._bytes = 0
        self._budgets: dict[Budget, Budgets] = {}

    @staticmethod
    def wanted(admitted: Admitted) -> bool:
        """Whether a request is among those that are asked again, once it is answered. On the path of every request."""
        shadow = admitted.route.shadow if admitted.route is not None else None
        if shadow is None or admitted.recalled is not None or admitted.parts.beside is None:
            return False
        conversation = admitted.request.dialect is not DialectName.OPENAI_EMBEDDINGS
        return conversation and random.random() < shadow.share  # noqa: S311 - a sample is no secret

    def ask(self, admitted: Admitted, served: bytes | None) -> None:
        """The caller has its answer: ask the others, soon. Never waits."""
        decision, route, context, beside = admitted.decision, admitted.route, admitted.context, admitted.parts.beside
        if decision is None or decision.outcome != "answered" or served is None:
            return
        if route is None or route.shadow is None or context is None or beside is None:
            return
        asked = _Asked(admitted, context, route.shadow, beside, served)
        if len(self._waiting) >= MOST_WAITING or self._bytes + asked.size > MOST_BYTES:
            self._drop(route.name, "queue_full")
            return
        self._bytes += asked.size
        self._waiting.append(asked)
        self._begin()

    def under_way(self) -> Iterable[Admitted]:
        """The requests that wait to be asked again, or are."""
        return [each.admitted for each in (*self._waiting, *self._running.values())]

    async def close(self) -> None:
        """Give up what waits and what is under way."""
        for asked in self._waiting:
            self._drop(asked.shadow.to[0].name, "stopping")
        self._waiting.clear()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _begin(self) -> None:
        while self._waiting and len(self._running) < AT_ONCE:
            asked = self._waiting.popleft()
            task = asyncio.create_task(self._ask_each(asked), name="turnout-shadow")
            self._running[task] = asked
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        asked = self._running.pop(task)
        self._bytes -= asked.size
        if not task.cancelled() and (defect := task.exception()) is not None:
            _log.error("a shadow of %s failed", asked.admitted.id, exc_info=defect)
        self._begin()

    async def _ask_each(self, asked: _Asked) -> None:
        for route in asked.shadow.to:
            await self._ask(asked, route)

    async def _ask(self, asked: _Asked, route: Route) -> None:
        """Ask one, and write down what came of it, unless there was no money to ask."""
        again, context = self._again(asked, route)
        error: RequestFailed | None = Cancelled("turnout stopped while it was asked")
        try:
            await ask_ahead(again.parts.flags, route, context)
            plan = _unheard(route.policy.decide(context))
            error = await _taken(await asked.beside.executor.run(plan, self._work(again, route, asked.shadow)))
        except RequestFailed as failed:
            error = failed
        finally:
            if again.trace.refusals and not again.trace.attempts:
                unknown = again.trace.refusals[-1].reason is Refused.PRICE_UNKNOWN
                self._drop(route.name, "price_unknown" if unknown else "daily_usd")
            else:
                self._record.outcome(again, error)

    def _again(self, asked: _Asked, route: Route) -> tuple[Admitted, Context]:
        """The same request as a new one, decided under conditions of its own."""
        now, admitted, beside = self._clock.now(), asked.admitted, asked.beside
        conditions = Conditions(
            now=now,
            draw=random.random(),  # noqa: S311 - a split of traffic is no secret
            breakers=beside.breakers.not_closed(),
            health=beside.executor.health.read(),
            flags=asked.context.conditions.flags,
        )
        context = msgspec.structs.replace(asked.context, conditions=conditions, latency_budget_s=None)
        again = Admitted(
            id=new_decision_id(now),
            request=admitted.request,
            dialect=admitted.dialect,
            timeline=Timeline(now, self._clock.monotonic()),
            time=timestamp(now),
            parts=admitted.parts,
            route=route,
            outline=admitted.outline,
            context=context,
            query_hash=admitted.query_hash,
            query_key=admitted.query_key,
            shadow_of=admitted.id,
        )
        return again, context

    def _work(self, again: Admitted, route: Route, shadow: Shadow) -> Work:
        again.deadline = Deadline(again.timeline.began + route.timeouts.total, self._clock)
        features = again.context.features if again.context is not None else None
        return Work(
            request=again.request,
            dialect=again.dialect,
            decision_id=again.id,
            input_tokens=features.context_tokens if features is not None else 0,
            estimator=self._estimator,
            timeouts=route.timeouts,
            commit=route.commit,
            content_filter_falls_back=route.content_filter_falls_back,
            timeline=again.timeline,
            deadline=again.deadline,
            announce=partial(self._record.intent, again),
            spend=self._spend(again.request.caller, route.name, shadow),
            max_tokens=features.max_tokens if features is not None else None,
            trace=again.trace,
        )

    def _spend(self, caller: Caller, route: str, shadow: Shadow) -> Spend | None:
        """Pays from the shadows' own budget, whoever's request it is."""
        daily = Budget(name=_BUDGET, usd=shadow.daily_usd, per=Period.DAY, of="route", only=route, alone=0)
        if daily not in self._budgets:
            self._budgets[daily] = Budgets(self._counters, self._clock, (daily,))
        spend = self._budgets[daily].spend(caller, route)
        return _NeverOver(spend) if spend is not None else None

    def _drop(self, route: str, reason: str) -> None:
        self._record.observer.observe(ShadowDropped(route, reason))


class _NeverOver:
    """See `turnout.types.spend.Spend`: lets nothing in that might exceed the budget, were it only by its last call."""

    def __init__(self, spend: Spend) -> None:
        self._spend = spend

    async def reserve(self, target: Target, quote: Quote | None, *, wait: bool) -> Reservation | Refusal:
        """See `Spend.reserve`."""
        return await self._spend.reserve(target, Quote(quote.worst, quote.worst) if quote else None, wait=wait)


def _unheard(plan: Plan) -> Plan:
    """The plan, each of whose answers is read to its end and given to nobody."""
    reply: Outcome | None = None
    try:
        while True:
            try:
                step = plan.send(reply)
            except StopIteration as stop:
                accepted: Outcome | None = stop.value
                return accepted
            if isinstance(step, Candidate) and step.purpose == "answer":
                step = msgspec.structs.replace(step, purpose="shadow", hold=True)
            reply = yield step
    finally:
        plan.close()


async def _taken(delivered: Delivered) -> RequestFailed | None:
    """Take the whole answer; what went wrong on the way."""
    failed: list[RequestFailed | None] = []
    if delivered.stream is None:
        return None
    pieces = delivered.stream.pieces(failed.append)
    async for _ in pieces:
        pass
    await pieces.aclose()
    return failed[-1] if failed else None
