"""Asks again what was asked: another target or policy, or a judge; beside the traffic, on money of its own."""

from __future__ import annotations

import random
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import msgspec

from turnout.errors import Cancelled, RequestFailed, UpstreamFailed
from turnout.execution.deadline import Deadline
from turnout.execution.delivery import Delivered
from turnout.execution.work import Work
from turnout.features.tokens import TokenEstimator
from turnout.ledger.ids import new_decision_id
from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.router.admitted import Admitted
from turnout.router.flagged import ask_ahead
from turnout.router.parts import Beside
from turnout.router.record import Record
from turnout.state.counters import Counters
from turnout.tenancy.budgets import Budgets
from turnout.types.candidate import Candidate, Outcome, Plan
from turnout.types.chat import Answer
from turnout.types.clock import Clock, Timeline, timestamp
from turnout.types.conditions import Conditions
from turnout.types.decision import Decision
from turnout.types.dialect import REFERENCES
from turnout.types.events import ShadowDropped
from turnout.types.request import Caller
from turnout.types.spend import Quote, Refusal, Refused, Reservation, Spend
from turnout.types.target import Target
from turnout.types.tenant import Budget, Period


class Pot(NamedTuple):
    """What may be spent in a day.

    Attributes:
        name: what for, as the configuration calls it; the reason for which nothing is asked once it is empty.
        usd: the most, in USD.
    """

    name: str
    usd: Decimal


class Asked(NamedTuple):
    """A request that was answered, and that something is asked about.

    Attributes:
        admitted: it.
        context: what it was decided by.
        route: its own.
        beside: by whom targets are called.
        served: the answer that its caller got, in the caller's dialect.
    """

    admitted: Admitted
    context: Context
    route: Route
    beside: Beside
    served: bytes

    @property
    def size(self) -> int:
        """What it holds on to, in bytes."""
        return len(self.admitted.request.raw) + len(self.served)


class Other(NamedTuple):
    """What somebody else said to a request; the answer is None where it failed."""

    record: Decision
    answer: Answer | None


class Again:
    """Asks again, and writes down what it took.

    Args:
        record: where to: a record that names the decision that it stands beside.
        counters: where its cost is counted.
        clock: for its times.
    """

    def __init__(self, record: Record, counters: Counters, clock: Clock) -> None:
        self._record = record
        self._counters = counters
        self._clock = clock
        self._estimator = TokenEstimator()
        self._budgets: dict[Budget, Budgets] = {}

    def drop(self, route: str, reason: str) -> None:
        """Something was to be asked, and is not."""
        self._record.observer.observe(ShadowDropped(route, reason))

    async def answer(self, asked: Asked, route: Route, pot: Pot) -> Other | None:
        """Let a route's policy answer the request; None where there was no money for it."""
        again, context = self._again(asked, route)
        error: RequestFailed | None = Cancelled("turnout stopped while it was asked")
        record: Decision | None = None
        answer: Answer | None = None
        try:
            await ask_ahead(again.parts.flags, route, context)
            plan = _unheard(route.policy.decide(context))
            delivered = await asked.beside.executor.run(plan, self._work(again, context, pot))
            error, answer = await _taken(delivered), delivered.answer
        except RequestFailed as failed:
            error = failed
        finally:
            record = self._recorded(again, error, pot)
        return None if record is None else Other(record, answer if error is None else None)

    async def judge(self, asked: Asked, candidate: Candidate, pot: Pot) -> Answer | None:
        """Ask a judge about the answers; None where it said nothing, or there was no money for it."""
        again, context = self._again(asked, asked.route)
        error: RequestFailed | None = Cancelled("turnout stopped while it was asked")
        try:
            outcome = await asked.beside.executor.ask(candidate, self._work(again, context, pot))
            error = None if outcome.answered else UpstreamFailed("The judge did not answer.")
        finally:
            self._recorded(again, error, pot)
        return outcome.answer

    def _recorded(self, again: Admitted, error: RequestFailed | None, pot: Pot) -> Decision | None:
        """Write down what was asked; of what could not be paid, only that."""
        trace = again.trace
        if trace.attempts or not trace.refusals:
            return self._record.outcome(again, error)
        unknown = trace.refusals[-1].reason is Refused.PRICE_UNKNOWN
        self.drop(again.route.name if again.route else "", "price_unknown" if unknown else pot.name)
        return None

    def _again(self, asked: Asked, route: Route) -> tuple[Admitted, Context]:
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
        again.deadline = Deadline(again.timeline.began + route.timeouts.total, self._clock)
        return again, context

    def _work(self, again: Admitted, context: Context, pot: Pot) -> Work:
        route, deadline = again.route, again.deadline
        assert route is not None  # noqa: S101 - as `_again` has made it
        assert deadline is not None  # noqa: S101 - as above
        return Work(
            request=again.request,
            dialect=again.dialect,
            decision_id=again.id,
            input_tokens=context.features.context_tokens,
            estimator=self._estimator,
            timeouts=route.timeouts,
            commit=route.commit,
            content_filter_falls_back=route.content_filter_falls_back,
            timeline=again.timeline,
            deadline=deadline,
            announce=partial(self._record.intent, again),
            spend=self._spend(again.request.caller, route.name, pot),
            max_tokens=context.features.max_tokens,
            body_bytes=0 if context.features.images else len(again.request.raw),
            refers=not REFERENCES.isdisjoint(context.features.needs),
            trace=again.trace,
        )

    def _spend(self, caller: Caller, route: str, pot: Pot) -> Spend | None:
        """Pays from the pot, whoever's request it is."""
        daily = Budget(name=pot.name, usd=pot.usd, per=Period.DAY, of="route", only=route, alone=0)
        if daily not in self._budgets:
            self._budgets[daily] = Budgets(self._counters, self._clock, (daily,))
        spend = self._budgets[daily].spend(caller, route)
        return _NeverOver(spend) if spend is not None else None


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
