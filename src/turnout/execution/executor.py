"""Drives a policy's plan through real calls.

The order of the resilience ideas, from the outside in:

    run          the plan: fallback and escalation are the policy's next candidate
      propose    is the target called at all?
        hedge      another call beside one that is silent, within the route's share
          retry    the same target again, within the retry budget
            admit  the money, the breaker, and a place among the calls that the provider takes at the same time
            call   one attempt: streamed, assembled or whole, under the deadline and the limits of each phase
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from turnout.execution.attempt import LiveAttempt
from turnout.execution.breaker import BreakerBoard, Permit
from turnout.execution.deadline import AttemptFailed
from turnout.execution.delivery import Delivered, call, consult, tells_its_beginning
from turnout.execution.final import final_error
from turnout.execution.health import HealthBoard
from turnout.execution.hedge import Hedging, Race
from turnout.execution.limiter import Leave, Limiter, Limiters
from turnout.execution.retry import RetrySettings, pause_before_retry
from turnout.execution.retry_budget import RetryBudget
from turnout.execution.spending import paid
from turnout.execution.verdict import VERDICTS
from turnout.execution.work import Work
from turnout.providers.endpoint import Endpoint
from turnout.types.candidate import Candidate, Dropped, Outcome, Plan, ReadOn, Scoring, Stop
from turnout.types.failure import Failure, FailureKind

PROVIDER_BUSY: Final = "provider_busy"
"""The provider has as many calls under way as it takes."""


class _Run(msgspec.Struct):
    """A request under way.

    Attributes:
        answers: those that the plan may still take.
        held: whether there ever was one.
        silent: the call that another may overtake.
    """

    work: Work
    answers: list[tuple[Outcome, Delivered]] = []
    held: bool = False
    silent: Race[Delivered] | None = None

    def take(self, outcome: Outcome) -> Delivered:
        """The answer of an outcome, which is then not among them any more."""
        place = next(place for place, (each, _) in enumerate(self.answers) if each is outcome)
        return self.answers.pop(place)[1]

    def stop(self, begun: Outcome) -> None:
        """End a call whose beginning was enough."""
        self.take(begun).discard()


class Executor:
    """Calls what policies propose.

    Attributes:
        health: what the calls tell of each target.
        limiters: of each provider that has a limit on calls at the same time.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        breakers: BreakerBoard,
        health: HealthBoard,
        *,
        retries: RetrySettings | None = None,
        retry_budget: RetryBudget | None = None,
        limiters: Limiters | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._breakers = breakers
        self.health = health
        self.limiters: Limiters = limiters or {}
        self._retries = retries or RetrySettings()
        self._retry_budget = retry_budget or RetryBudget()
        self._hedging = Hedging(health, self._retry_budget)

    def renewed(
        self,
        endpoints: Mapping[str, Endpoint],
        breakers: BreakerBoard,
        kept: Container[str],
        limiters: Limiters | None = None,
    ) -> Executor:
        """One over others, within the same retry budget, and under the same limits unless others are given.

        What is known of the health of the targets `kept` still holds.
        """
        executor = Executor(
            endpoints,
            breakers,
            self.health.renewed(endpoints, kept),
            retries=self._retries,
            retry_budget=self._retry_budget,
            limiters=self.limiters if limiters is None else limiters,
        )
        executor._hedging = self._hedging.renewed(executor.health)
        return executor

    async def run(self, plan: Plan, work: Work) -> Delivered:
        """Call candidate after candidate until the plan accepts an answer.

        A streamed answer is returned once it is committed; the rest of it is read as the caller takes it.

        Raises:
            RequestFailed: there is no answer; the trace tells why.
        """
        self._retry_budget.earn()
        if work.hedge is not None:
            self._hedging.earn(work.hedge)
        run = _Run(work)
        try:
            accepted = await self._follow(plan, run)
            return _deliver(accepted, run)
        finally:
            plan.close()
            if run.silent is not None:
                await run.silent.stop()
            for _, unused in run.answers:
                unused.discard()

    async def ask(self, candidate: Candidate, work: Work) -> Outcome:
        """Ask something that is no part of a plan: a judge beside the traffic. Whatever goes wrong is told."""
        work.trace.first = work.trace.chosen = candidate
        return await self._consult(candidate, work)

    async def _follow(self, plan: Plan, run: _Run) -> Outcome | None:
        """Do what the plan says, step by step; the outcome that it accepts."""
        outcome: Outcome | None = None
        while True:
            try:
                step = plan.send(outcome)
            except StopIteration as stop:
                accepted: Outcome | None = stop.value
                return accepted if run.silent is None else await _not_overtaken(run.silent, run)
            if isinstance(step, Candidate):
                outcome = await self._propose(step, run)
            elif isinstance(step, Scoring):
                outcome = await _scored(step, run.work)
            elif isinstance(step, ReadOn):
                outcome = await _read_on(step.begun, run)
            elif isinstance(step, Stop):
                outcome = None
                run.stop(step.begun)
            else:
                outcome = None
                run.work.trace.note(step)

    async def _propose(self, candidate: Candidate, run: _Run) -> Outcome:
        """Call a candidate, unless something speaks against it now that did not when the policy chose it."""
        work = run.work
        if candidate.purpose == "judge":
            return await self._consult(candidate, work)
        if run.silent is not None:
            candidate = msgspec.structs.replace(candidate, hedge=True)
        endpoint = self._endpoints[candidate.target].facing(work.request.dialect)
        work.trace.first = work.trace.first or candidate
        if work.outgrown and (endpoint.target.context_tokens or 0) <= work.outgrown:
            return _drop(candidate, "context_too_small", work)
        leave = work.too_slow(candidate) or await self._admit(candidate, endpoint, work)
        if isinstance(leave, str):
            return _drop(candidate, leave, work)
        try:
            delivered = await self._hedge(candidate, endpoint, leave, run)
        except AttemptFailed as error:
            if not (run.held or _falls_back(error.failure, work)):  # what was held may be good enough after all
                raise final_error(work) from error
            if error.failure.kind is FailureKind.CONTEXT_LENGTH:
                work.outgrown = max(work.outgrown, endpoint.target.context_tokens or 0, 1)
            return Outcome(target=candidate.target, failure=error.failure)
        if delivered is None:
            return Outcome(target=candidate.target, dropped="silent")
        outcome = _outcome_of(delivered, work)
        run.answers.append((outcome, delivered))
        run.held = True
        return outcome

    async def _consult(self, candidate: Candidate, work: Work) -> Outcome:
        """Ask something for the policy alone. Whatever goes wrong is its business, and never the caller's."""
        endpoint = self._endpoints[candidate.target]
        leave = await self._admit(candidate, endpoint, work)
        if isinstance(leave, str):
            return _drop(candidate, leave, work)
        try:
            answer = await consult(LiveAttempt(candidate, endpoint, leave, self.health[candidate.target], work))
        except AttemptFailed as error:
            return Outcome(target=candidate.target, failure=error.failure)
        return Outcome(target=candidate.target, answered=True, answer=answer, asked=candidate.ask)

    async def _hedge(self, candidate: Candidate, endpoint: Endpoint, leave: Leave, run: _Run) -> Delivered | None:
        """Call, and where that stays silent for too long, call another beside it.

        Returns:
            The first answer; None where the plan is to say whom else to call.
        """
        work, race = run.work, run.silent
        if race is not None:
            run.silent = None
            return await race.join(self._retry(candidate, endpoint, leave, work))
        patience_s = self._hedging.patience_s(candidate, work)
        if patience_s is None or not tells_its_beginning(candidate, endpoint, work):
            return await self._retry(candidate, endpoint, leave, work)
        race = Race(work, self._retry(candidate, endpoint, leave, work))
        if await race.spoke_within(patience_s) or not self._hedging.allows(work):
            return await race.winner()
        if candidate.more:
            run.silent = race
            return None
        beside = msgspec.structs.replace(candidate, hedge=True)
        again = await self._admit(beside, endpoint, work)
        if isinstance(again, str):
            return await race.winner()
        return await race.join(self._retry(beside, endpoint, again, work))

    async def _retry(self, candidate: Candidate, endpoint: Endpoint, leave: Leave, work: Work) -> Delivered:
        watch = self.health[candidate.target]
        made = 0
        while True:
            try:
                return await call(LiveAttempt(candidate, endpoint, leave, watch, work))
            except AttemptFailed as error:
                made += 1
                pause = pause_before_retry(error.failure, made, self._retries, work.deadline, more=candidate.more)
                if pause is None or not self._retry_budget.spend():
                    raise
                await asyncio.sleep(pause)
                work.trace.waited_s += pause
                again = await self._admit(candidate, endpoint, work)
                if isinstance(again, str):
                    raise
                leave = again

    async def _admit(self, candidate: Candidate, endpoint: Endpoint, work: Work) -> Leave | str:
        """Leave to call now, with the money for it, or why there is none."""
        if work.spend is None:
            return await self._place(candidate, endpoint, work)
        return await paid(candidate, endpoint, work, partial(self._place, candidate, endpoint, work))

    async def _place(self, candidate: Candidate, endpoint: Endpoint, work: Work) -> Leave | str:
        """Leave to call now, or why there is none. Where nobody else is left to ask, a full provider is waited for."""
        permit = self._breakers[candidate.target].admit(last_resort=candidate.reason == "last_resort")
        if permit is None:
            return "breaker_open"
        limiter = self.limiters.get(endpoint.target.provider)
        if limiter is None:
            return permit
        if limiter.full and (candidate.more or candidate.hedge):
            permit.abandoned()
            return PROVIDER_BUSY
        return await _placed(limiter, permit, work)


async def _placed(limiter: Limiter, permit: Permit, work: Work) -> Leave | str:
    """A place under the provider's limit, once there is one before the deadline."""
    began = work.clock.monotonic()
    leave: Leave | None = None
    try:
        leave = await work.deadline.limit(limiter.take(permit), work.deadline.remaining, FailureKind.DEADLINE)
    except AttemptFailed:
        return PROVIDER_BUSY
    finally:
        work.trace.waited_s += work.clock.monotonic() - began
        if leave is None:
            permit.abandoned()
    return leave


async def _read_on(begun: Outcome, run: _Run) -> Outcome:
    """All of an answer of which the policy has seen the beginning, if it comes to its end."""
    delivered = run.take(begun)
    try:
        await delivered.read_on()
    except AttemptFailed as error:
        return Outcome(target=begun.target, failure=error.failure)
    outcome = _outcome_of(delivered, run.work)
    run.answers.append((outcome, delivered))
    return outcome


async def _scored(scoring: Scoring, work: Work) -> Outcome:
    """What the user's own code says of an answer, if it says so before the deadline."""
    began = work.clock.monotonic()
    score: float | None = None
    with suppress(AttemptFailed):
        scored = scoring.scorer.score(scoring.case)
        score = await work.deadline.limit(scored, work.deadline.remaining, FailureKind.DEADLINE)
    work.trace.waited_s += work.clock.monotonic() - began
    return Outcome(target=scoring.target, score=score)


async def _not_overtaken(race: Race[Delivered], run: _Run) -> Outcome | None:
    """The plan has nobody to call beside the silent one after all: wait for it."""
    run.silent = None
    try:
        delivered = await race.winner()
    except AttemptFailed:
        return None
    outcome = Outcome(target=delivered.attempt.candidate.target, answered=True)
    run.answers.append((outcome, delivered))
    return outcome


def _outcome_of(delivered: Delivered, work: Work) -> Outcome:
    """What the policy is told; what was said only where it held the answer to judge it."""
    candidate = delivered.attempt.candidate
    if delivered.answer is None:
        return Outcome(target=candidate.target, answered=True)
    return Outcome(
        target=candidate.target,
        answered=True,
        answer=delivered.answer,
        whole=delivered.whole,
        asked=candidate.ask or work.chat,
        stated=delivered.stated,
    )


def _deliver(accepted: Outcome | None, run: _Run) -> Delivered:
    """The answer that the plan accepted."""
    for place, (outcome, delivered) in enumerate(run.answers):
        if outcome is accepted:
            del run.answers[place]
            delivered.accept()
            run.work.trace.chosen = delivered.attempt.candidate
            return delivered
    raise final_error(run.work)


def _drop(candidate: Candidate, reason: str, work: Work) -> Outcome:
    work.trace.dropped.append(Dropped(candidate.target, reason))
    return Outcome(target=candidate.target, dropped=reason)


def _falls_back(failure: Failure, work: Work) -> bool:
    opted_in = failure.kind is FailureKind.CONTENT_POLICY and work.content_filter_falls_back
    return opted_in or VERDICTS[failure.kind].falls_back
