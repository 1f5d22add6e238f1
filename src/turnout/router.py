"""The router: admit, decide, call, record. The whole product, as one class.

handle   admit   → what is asked, by whom, under which route; what the request looks like
         decide  → the route's policy makes a plan
         call    → the executor drives the plan through real calls
         record  → what happened, before the caller has the last byte
"""

from __future__ import annotations

import asyncio
import difflib
import logging
import random
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final, NoReturn, Protocol

from turnout.catalog.cost import cost
from turnout.errors import (
    CallerError,
    Cancelled,
    Interrupted,
    LedgerError,
    NoCapableTarget,
    Overloaded,
    RequestFailed,
    UnknownRoute,
    UpstreamRejected,
)
from turnout.execution.breaker import BreakerBoard
from turnout.execution.deadline import Deadline
from turnout.execution.executor import Delivered, Executor
from turnout.execution.trace import Trace
from turnout.execution.work import Work
from turnout.features.query_hash import query_hash
from turnout.features.shape import read_features
from turnout.ledger.ids import new_decision_id
from turnout.ledger.recorder import Recorder
from turnout.policy.base import Context
from turnout.policy.explain import Explanation, explain
from turnout.policy.route import Route
from turnout.types.clock import Clock, timestamp
from turnout.types.conditions import Conditions
from turnout.types.decision import Attempt, Decision, DecisionOutcome, Intent
from turnout.types.features import Features
from turnout.types.reply import Reply
from turnout.types.request import Outline, Request
from turnout.types.target import Target
from turnout.types.usage import Usage
from turnout.wire.dialect import Dialect
from turnout.wire.registry import dialect as dialect_named

_log = logging.getLogger(__name__)

_JSON: Final = ("content-type", "application/json")
_SSE: Final = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
_RULE: Final = "rule:"
_FREE: Final = Decimal(0)


class Routes(Protocol):
    """Finds the route that a caller's `model` names."""

    def find(self, name: str) -> Route | None:
        """The route of that name, one whose pattern it fits, or a target's own."""
        ...

    def names(self) -> Iterable[str]:
        """Every name that a caller can ask for, patterns as they are written."""
        ...


@dataclass(slots=True, kw_only=True)
class Admitted:
    """A request on its way through; what is not known yet is empty."""

    id: str
    request: Request
    dialect: Dialect
    began: float
    time: str
    route: Route | None = None
    outline: Outline = field(default_factory=lambda: Outline(said=()))
    features: Features | None = None
    conditions: Conditions | None = None
    query_hash: str = ""
    trace: Trace = field(default_factory=Trace)


class Router:
    """Routes requests: the engine under the service and the library."""

    def __init__(
        self,
        *,
        routes: Routes,
        targets: Mapping[str, Target],
        executor: Executor,
        breakers: BreakerBoard,
        record: Record,
        clock: Clock,
    ) -> None:
        self._routes = routes
        self._targets = targets
        self._executor = executor
        self._breakers = breakers
        self._record = record
        self._clock = clock

    async def handle(self, request: Request) -> Reply:
        """Answer one request, in its own dialect.

        A streamed reply is returned once it is committed; its record is written before its last piece is yielded.

        Raises:
            RequestFailed: there is no answer; the record is written, and the error carries its id.
        """
        admitted = self._begin(request)
        try:
            route = self._admit(admitted)
            plan = route.policy.decide(self._context(admitted))
            delivered = await self._executor.run(plan, self._work(admitted, route))
        except RequestFailed as error:
            error.decision_id = admitted.id
            self._record.outcome(admitted, error)
            raise
        except asyncio.CancelledError:
            self._record.outcome(admitted, Cancelled("the caller left before the answer was complete"))
            raise
        return self._reply(admitted, delivered)

    def explain(self, request: Request) -> Explanation:
        """What `handle` would decide now, without a call and without a record.

        Raises:
            RequestFailed: no route of that name, or not a request.
        """
        admitted = self._begin(request)
        route = self._admit(admitted)
        return explain(route, self._context(admitted))

    def route_names(self) -> list[str]:
        """Every name that a caller can ask for as `model`, sorted."""
        return sorted(self._routes.names())

    def _begin(self, request: Request) -> Admitted:
        now = self._clock.now()
        return Admitted(
            id=new_decision_id(now),
            request=request,
            dialect=dialect_named(request.dialect),
            began=self._clock.monotonic(),
            time=timestamp(now),
        )

    def _admit(self, admitted: Admitted) -> Route:
        """Find the route and read the request. What was found before a failure is in the record."""
        request = admitted.request
        admitted.outline = outline = admitted.dialect.outline(request.body)
        admitted.query_hash = query_hash(outline.said, self._record.hash_key)
        route = self._routes.find(request.route)
        if route is None:
            self._unknown(request.route)
        admitted.route = route
        admitted.features = read_features(outline, lists=route.lists, language=route.reads_language)
        admitted.conditions = Conditions(
            now=self._clock.now(),
            draw=random.random(),  # noqa: S311 - a split of traffic is no secret
            breakers=self._breakers.not_closed(),
        )
        return route

    def _unknown(self, name: str) -> NoReturn:
        near = difflib.get_close_matches(name, self._routes.names(), n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(self.route_names())}."
        raise UnknownRoute(f"There is no route or target '{name}'. {hint}", param="model")

    def _context(self, admitted: Admitted) -> Context:
        assert admitted.features is not None
        assert admitted.conditions is not None
        return Context(
            features=admitted.features,
            caller=admitted.request.caller,
            conditions=admitted.conditions,
            targets=self._targets,
        )

    def _work(self, admitted: Admitted, route: Route) -> Work:
        request = admitted.request
        total = route.timeouts.total
        if not request.stream and request.caller.read_timeout_s is not None:
            total = min(total, request.caller.read_timeout_s)
        return Work(
            request=request,
            dialect=admitted.dialect,
            decision_id=admitted.id,
            input_tokens=admitted.features.context_tokens if admitted.features else 0,
            timeouts=route.timeouts,
            commit=route.commit,
            content_filter_falls_back=route.content_filter_falls_back,
            deadline=Deadline(admitted.began + total, self._clock),
            announce=partial(self._record.intent, admitted),
            trace=admitted.trace,
        )

    def _reply(self, admitted: Admitted, delivered: Delivered) -> Reply:
        headers = [
            ("x-turnout-decision", admitted.id),
            ("x-turnout-route", _ascii(admitted.route.name if admitted.route else "")),
            ("x-turnout-target", _ascii(delivered.attempt.candidate.target)),
            ("x-request-id", admitted.id),
            ("request-id", admitted.id),
        ]
        if delivered.stream is not None:
            headers += [*_SSE, ("x-turnout-attempts", str(len(admitted.trace.attempts) + 1))]
            return Reply(200, headers, stream=self._streamed(admitted, delivered))
        decision = self._record.outcome(admitted, None)
        headers += [_JSON, ("x-turnout-attempts", str(len(decision.attempts)))]
        if decision.cost_usd is not None:
            headers.append(("x-turnout-cost", f"{decision.cost_usd:f}"))
        return Reply(200, headers, body=delivered.body, decision=decision)

    def _streamed(self, admitted: Admitted, delivered: Delivered) -> AsyncGenerator[bytes, None]:
        assert delivered.stream is not None
        return delivered.stream.pieces(partial(self._record.outcome, admitted))


class Record:
    """Writes what happens to each request: an intent before the first call, an outcome before the last byte.

    Args:
        recorder: where to.
        targets: every target, for the baselines' prices.
        clock: for the latency.
        hash_key: the key of the query hash.
        config_version: digest of the configuration.
        required: whether a request is refused when its intent cannot be written; otherwise it is served, and the
            loss logged once.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        targets: Mapping[str, Target],
        clock: Clock,
        hash_key: bytes,
        config_version: str = "",
        required: bool = False,
    ) -> None:
        self.hash_key = hash_key
        self.lost = 0
        self._recorder = recorder
        self._targets = targets
        self._clock = clock
        self._config_version = config_version
        self._required = required

    def intent(self, admitted: Admitted, target: Target) -> None:
        """Something is about to be sent to `target`. Raises `Overloaded` if that must be written and cannot be."""
        tokens = admitted.features.context_tokens if admitted.features else 0
        caller = admitted.request.caller
        try:
            self._recorder.intend(
                Intent(
                    id=admitted.id,
                    time=admitted.time,
                    route=admitted.route.name if admitted.route else "",
                    model=admitted.request.route,
                    tenant=caller.tenant,
                    user=_user(admitted),
                    source=caller.source,
                    dialect=admitted.request.dialect,
                    stream=admitted.request.stream,
                    query_hash=admitted.query_hash,
                    target=target.name,
                    input_tokens=tokens,
                    cost_usd=cost(Usage(input_tokens=tokens, estimated=True), target.price),
                )
            )
        except LedgerError as error:
            self._not_written(error)
            if self._required:
                raise Overloaded("The request cannot be recorded now, so it is not sent.", retry_after_s=5) from error

    def outcome(self, admitted: Admitted, error: RequestFailed | None) -> Decision:
        """The request has ended, with an answer or with `error`. Never raises."""
        decision = self._decision(admitted, error)
        try:
            self._recorder.record(decision)
        except LedgerError as lost:
            self._not_written(lost)
        return decision

    def _not_written(self, error: LedgerError) -> None:
        self.lost += 1
        if self.lost == 1:
            _log.error("decisions are being lost: %s", error)

    def _decision(self, admitted: Admitted, error: RequestFailed | None) -> Decision:
        request, route, trace = admitted.request, admitted.route, admitted.trace
        chosen = trace.chosen
        reason = chosen.reason if chosen else None
        answer = _answer(trace)
        latency = self._clock.monotonic() - admitted.began
        return Decision(
            id=admitted.id,
            time=admitted.time,
            route=route.name if route else request.route,
            model=request.route,
            policy_version=route.policy_version if route else "",
            config_version=self._config_version,
            tenant=request.caller.tenant,
            user=_user(admitted),
            source=request.caller.source,
            tags=request.caller.tags,
            dialect=request.dialect,
            stream=request.stream,
            query_hash=admitted.query_hash,
            features=admitted.features,
            conditions=_conditions(admitted.conditions),
            rule=reason[len(_RULE) :] if reason and reason.startswith(_RULE) else None,
            reason=reason,
            considered=tuple(trace.considered),
            dropped=tuple(trace.dropped),
            attempts=tuple(trace.attempts),
            target=chosen.target if chosen else None,
            outcome=_outcome(error),
            error=error.kind if error else None,
            latency_ms=round(latency * 1000, 3),
            overhead_ms=round(max(0.0, latency - trace.waited_s) * 1000, 3),
            cost_usd=_total(trace.attempts),
            baseline_cost_usd=self._baseline_cost(route, answer),
            router_cost_usd=_total([attempt for attempt in trace.attempts if attempt is not answer]),
            sdk_retry=request.caller.sdk_retry,
        )

    def _baseline_cost(self, route: Route | None, answer: Attempt | None) -> Decimal | None:
        """What the answer's tokens would have cost at the route's baseline."""
        if route is None or route.baseline is None or answer is None:
            return None
        usage = Usage(
            input_tokens=answer.input_tokens,
            cached_tokens=answer.cached_tokens,
            cache_write_tokens=answer.cache_write_tokens,
            output_tokens=answer.output_tokens,
        )
        return cost(usage, self._targets[route.baseline].price)


def _outcome(error: RequestFailed | None) -> DecisionOutcome:
    match error:
        case None:
            return "answered"
        case Interrupted():
            return "partial"
        case Cancelled():
            return "cancelled"
        case CallerError() | UpstreamRejected() | NoCapableTarget():
            return "refused"
        case _:
            return "failed"


def _total(attempts: Iterable[Attempt]) -> Decimal | None:
    """The sum of the costs; None if one of them is unknown."""
    total = _FREE
    for attempt in attempts:
        if attempt.cost_usd is None:
            return None
        total += attempt.cost_usd
    return total


def _answer(trace: Trace) -> Attempt | None:
    """The attempt whose answer, whole or in part, the caller got."""
    if trace.chosen is None:
        return None
    return next((done for done in reversed(trace.attempts) if done.target == trace.chosen.target), None)


def _conditions(conditions: Conditions | None) -> dict[str, object]:
    """What else the decision read, for the record."""
    if conditions is None:
        return {}
    read: dict[str, object] = {"draw": conditions.draw}
    if conditions.breakers:
        read["breakers"] = dict(conditions.breakers)
    return read


def _user(admitted: Admitted) -> str | None:
    return admitted.request.caller.user or admitted.outline.user


def _ascii(text: str) -> str:
    """A header's value may not hold anything else."""
    return text.encode("ascii", "backslashreplace").decode("ascii")
