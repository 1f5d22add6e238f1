"""The whole product, as one class.

handle   admit   → what is asked, by whom, under which route; what the request looks like
decide  → the route's policy makes a plan
call    → the executor drives the plan through real calls
record  → what happened, before the caller has the last byte
"""

from __future__ import annotations

import asyncio
import difflib
import random
from functools import partial
from typing import Any, Final, NoReturn

import msgspec

from turnout.cache.answers import Answers, Stored
from turnout.cache.idempotency import Idempotency
from turnout.errors import Cancelled, InternalError, RequestFailed, UnknownRoute
from turnout.execution.deadline import Deadline
from turnout.execution.delivery import Delivered
from turnout.execution.work import Work
from turnout.features.query_hash import query_hash
from turnout.features.shape import read_features
from turnout.features.tokens import TokenEstimator
from turnout.ledger.ids import new_decision_id
from turnout.policy.base import Context
from turnout.policy.explain import Explanation, explain
from turnout.policy.route import Route
from turnout.router import counting, once, pacing
from turnout.router.admitted import Admitted
from turnout.router.early import begun_early
from turnout.router.flagged import ask_ahead, ask_ahead_now
from turnout.router.library import Answer, AnswerStream, Embeddings, Inputs, chat_request, embeddings_request
from turnout.router.parts import Parts
from turnout.router.record import Record
from turnout.router.remembering import keep, look_up, overheard, recalled
from turnout.router.shadows import Shadows
from turnout.router.spending import glance_at_budgets, read_budgets
from turnout.tenancy.budgets import Budgets
from turnout.tenancy.rates import Rates, Tokens
from turnout.types.clock import Clock, Timeline, timestamp
from turnout.types.conditions import Conditions
from turnout.types.decision import Decision
from turnout.types.dialect import REFERENCES
from turnout.types.events import Observer
from turnout.types.failure import Failure, FailureKind
from turnout.types.judging import NOTHING_JUDGED
from turnout.types.reply import Reply, header_value
from turnout.types.request import Caller, Request
from turnout.wire.registry import caller_dialect

_JSON: Final = ("content-type", "application/json")
_SSE: Final = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))


class Router:
    """Routes requests: the engine under the service and the library.

    Attributes:
        parts: what new requests begin with. Assign others to change the configuration under way.
        answers: what has been answered before; None remembers nothing, whatever routes say.
        idempotency: what was asked under which key; None takes no heed of keys.
        budgets: what may be spent; None where nobody has a budget.
        shadows: asks others for a share of the requests as well; None asks nobody.
        rates: how fast callers may ask; None limits nobody.
    """

    answers: Answers | None = None
    idempotency: Idempotency | None = None
    budgets: Budgets | None = None
    shadows: Shadows | None = None
    rates: Rates | None = None

    def __init__(self, parts: Parts, *, record: Record, clock: Clock) -> None:
        self.parts = parts
        self._under_way: dict[str, Admitted] = {}
        self._record = record
        self._clock = clock
        self._estimator = TokenEstimator()

    @property
    def observer(self) -> Observer:
        """Whoever is told what happens."""
        return self._record.observer

    async def handle(self, request: Request) -> Reply:
        """Answer one request, in its own dialect.

        A streamed reply is returned once it is committed, or at its first heartbeat where the route wants that early;
        its record is written before its last piece is yielded.

        Raises:
            RequestFailed: there is no answer; the record is written, and the error carries its id.
        """
        admitted = self._begin(request)
        answering = self._answer(admitted)
        route = admitted.parts.routes.find(request.route) if request.stream else None
        if route is None or route.heartbeat_s is None:
            return await answering
        heartbeat_s, dialect = route.heartbeat_s, admitted.dialect
        return await begun_early(
            answering, heartbeat_s, lambda: Reply(200, [*_headers(admitted, route), *_SSE]), dialect
        )

    async def _answer(self, admitted: Admitted) -> Reply:
        """The journey itself. Raises `RequestFailed`."""
        self._under_way[admitted.id] = admitted
        try:
            route, context = await self._ready(admitted)
            known = await self._known(admitted, route, context)
            if known is None:
                plan = route.policy.decide(context)
                delivered = await admitted.parts.executor.run(plan, self._work(admitted, route, context))
                reply = self._reply(admitted, route, delivered)
            else:
                reply = recalled(known, self._said(admitted, route, known.answer.target))
                reply.decision = self._end(admitted, None)
                reply = self._heard(admitted, reply)
        except RequestFailed as error:
            error.decision_id, error.headers = admitted.id, admitted.standing
            self._end(admitted, error)
            raise
        except asyncio.CancelledError:
            self._end(admitted, Cancelled("the caller left before the answer was complete"))
            raise
        except BaseException as defect:
            defect.add_note(f"decision {admitted.id}")
            self._end(admitted, InternalError("turnout failed; its log tells why."))
            raise
        return reply

    async def count_tokens(self, request: Request) -> Reply:
        """How many tokens the request has, by `turnout.router.counting`; no model is asked, and nothing recorded.

        Raises:
            RequestFailed: it would not be answered either.
        """
        admitted = self._begin(request)
        self._under_way[admitted.id] = admitted
        try:
            route, context = await self._ready(admitted, pacing.NO_TOKENS)
            return await counting.count(admitted, route, context, self._work(admitted, route, context))
        except RequestFailed as error:
            error.headers = admitted.standing
            raise
        finally:
            self._under_way.pop(admitted.id)
            if admitted.pace is not None:
                admitted.pace.settle(0)

    async def chat(
        self, *, route: str, messages: list[dict[str, Any]], caller: Caller | None = None, **fields: Any
    ) -> Answer:
        """Answer a conversation.

        Args:
            route: a route's name, or a target's.
            messages: as OpenAI's Chat Completions takes them.
            caller: who asks; recorded, and read by rules.
            **fields: any other field of a Chat Completions request (`tools`, `temperature`, ...).

        Raises:
            RequestFailed: there is no answer; `decision_id` names the record.
        """
        reply = await self.handle(chat_request(route, messages, caller, fields, stream=False))
        return Answer.read(reply)

    async def stream(
        self, *, route: str, messages: list[dict[str, Any]], caller: Caller | None = None, **fields: Any
    ) -> AnswerStream:
        """Answer a conversation as it is written: `async for text in (await router.stream(...)).text()`.

        Takes what `chat` takes. Close the stream, or read it to its end: leaving it early cancels the call.

        Raises:
            RequestFailed: there is no answer. After the first piece, what goes wrong is raised from the iteration.
        """
        return AnswerStream(await self.handle(chat_request(route, messages, caller, fields, stream=True)))

    async def embed(
        self,
        *,
        route: str,
        input: Inputs,  # noqa: A002 - OpenAI's name of it
        caller: Caller | None = None,
        **fields: Any,
    ) -> Embeddings:
        """Turn texts into vectors. Only targets of one model take over from each other: other vectors do not compare.

        Args:
            route: a route's name, or a target's.
            input: a text, a list of texts, or of tokens.
            caller: who asks; recorded, and read by rules.
            **fields: any other field of a request for embeddings (`dimensions`, `encoding_format`, ...).

        Raises:
            RequestFailed: there is no answer; `decision_id` names the record.
        """
        return Embeddings.read(await self.handle(embeddings_request(route, input, caller, fields)))

    def explain(
        self, *, route: str, messages: list[dict[str, Any]], caller: Caller | None = None, **fields: Any
    ) -> Explanation:
        """What would be decided for a conversation now, without a call and without a record.

        Takes what `chat` takes.

        Raises:
            RequestFailed: no route of that name, or not a request.
        """
        admitted = self._begin(chat_request(route, messages, caller, fields, stream=False))
        found, context = self._admit(admitted)
        ask_ahead_now(admitted.parts.flags, found, context)
        glance_at_budgets(self.budgets, found, context)
        return explain(found, admitted.outline, context)

    def route_names(self) -> list[str]:
        """Every name that a caller can ask for as `model`, sorted."""
        return sorted(self.parts.routes.names())

    def under_way(self) -> int:
        """How many requests have begun and have no record yet."""
        return len(self._under_way)

    def parts_in_use(self) -> list[Parts]:
        """The parts that new requests begin with, and those that requests under way began with."""
        asked = self.shadows.under_way() if self.shadows is not None else ()
        used = {
            id(parts): parts for parts in (self.parts, *(each.parts for each in (*self._under_way.values(), *asked)))
        }
        return list(used.values())

    def interrupt(self) -> None:
        """End every request that is under way: streams by an error event, the others by an error to try again."""
        stopping = Failure(kind=FailureKind.STOPPING, message="the gateway is being restarted")
        for admitted in list(self._under_way.values()):
            if admitted.deadline is not None:
                admitted.deadline.cut(stopping)

    async def refused(self, caller: Caller) -> None:
        """Count a request that was refused before any rate limit was asked: it uses them up as others do."""
        if self.rates is not None:
            await pacing.count(self.rates, caller)

    def _begin(self, request: Request) -> Admitted:
        now = self._clock.now()
        return Admitted(
            id=new_decision_id(now),
            request=request,
            dialect=caller_dialect(request.dialect),
            timeline=Timeline(now, self._clock.monotonic()),
            time=timestamp(now),
            parts=self.parts,
        )

    def _end(self, admitted: Admitted, error: RequestFailed | None) -> Decision:
        """Write the record. Once for each request that has begun."""
        self._under_way.pop(admitted.id, None)
        _note_judgements(admitted)
        admitted.decision = decision = self._record.outcome(admitted, error)
        pacing.end(admitted, decision)
        if self.idempotency is not None:
            once.end(self.idempotency, admitted)
        return decision

    async def _ready(self, admitted: Admitted, tokens: Tokens | None = None) -> tuple[Route, Context]:
        """Admit the request under its rate limits, and read what its policy, which never waits, looks at."""
        try:
            route, context = self._admit(admitted)
        except RequestFailed:
            await self.refused(admitted.request.caller)
            raise
        if self.rates is not None:
            await pacing.begin(self.rates, admitted, context, tokens)
        if route.flags:
            await ask_ahead(admitted.parts.flags, route, context)
        if route.reads_budgets:
            await read_budgets(self.budgets, route, context)
        return route, context

    def _admit(self, admitted: Admitted) -> tuple[Route, Context]:
        """Find the route and read the request. What was found before a failure is in the record."""
        request, parts = admitted.request, admitted.parts
        admitted.outline = outline = admitted.dialect.outline(request.body)
        key = self._record.hash_keys.current()
        admitted.query_key, admitted.query_hash = key.id, query_hash(outline.said, key.key)
        route = parts.routes.find(request.route)
        if route is None:
            _unknown(request.route, sorted(parts.routes.names()))
        admitted.route = route
        admitted.context = context = _context(admitted, route)
        return route, context

    def _work(self, admitted: Admitted, route: Route, context: Context) -> Work:
        request, budgets = admitted.request, self.budgets
        admitted.deadline = deadline = Deadline(admitted.timeline.began + _total_s(request, route), self._clock)
        return Work(
            request=request,
            dialect=admitted.dialect,
            decision_id=admitted.id,
            input_tokens=context.features.context_tokens,
            estimator=self._estimator,
            timeouts=route.timeouts,
            commit=route.commit,
            content_filter_falls_back=route.content_filter_falls_back,
            timeline=admitted.timeline,
            deadline=deadline,
            announce=partial(self._record.intent, admitted),
            latency_budget_s=context.latency_budget_s,
            predicted_ms=context.predicted_ms,
            hedge=route.hedge,
            spend=budgets.spend(context.caller, route.name) if budgets is not None else None,
            max_tokens=context.features.max_tokens,
            body_bytes=0 if context.features.images else len(request.raw),
            refers=not REFERENCES.isdisjoint(context.features.needs),
            trace=admitted.trace,
        )

    def _reply(self, admitted: Admitted, route: Route, delivered: Delivered) -> Reply:
        headers = self._said(admitted, route, delivered.attempt.candidate.target)
        if delivered.stream is not None:
            headers += [*_SSE, ("x-turnout-attempts", str(len(admitted.trace.attempts) + 1))]
            pieces = delivered.stream.pieces(partial(self._end, admitted))
            return self._heard(admitted, Reply(200, headers, stream=pieces))
        decision = self._end(admitted, None)
        headers += [_JSON, ("x-turnout-attempts", str(len(decision.attempts)))]
        if decision.cost_usd is not None:
            headers.append(("x-turnout-cost", f"{decision.cost_usd:f}"))
        return self._heard(admitted, Reply(200, headers, body=delivered.body, decision=decision))

    async def _known(self, admitted: Admitted, route: Route, context: Context) -> Stored | None:
        """The answer, where it was given before."""
        if self.idempotency is not None and admitted.request.caller.idempotency is not None:
            recorded = await once.begin(self.idempotency, admitted)
            if recorded is not None:
                return recorded
        if self.answers is not None and route.caching is not None:
            return await look_up(self.answers, admitted, route, context)
        return None

    def _heard(self, admitted: Admitted, reply: Reply) -> Reply:
        """The reply, which is remembered as it goes out, where it may be given again."""
        if self.answers is not None and admitted.sought is not None and admitted.recalled is None:
            reply = overheard(reply, partial(keep, self.answers, admitted, _content_type(reply)))
        if self.idempotency is not None and admitted.claim is not None:
            reply = overheard(reply, partial(once.record, self.idempotency, admitted, _content_type(reply)))
        if self.shadows is not None and (sampled := self.shadows.sampled(admitted)) is not None:
            reply = overheard(reply, partial(self.shadows.ask, admitted, sampled))
        return reply

    def _said(self, admitted: Admitted, route: Route, target: str) -> list[tuple[str, str]]:
        """The headers of an answer, whoever made it."""
        cached = [("x-turnout-cache", admitted.cache)] if admitted.cache else []
        return [*_headers(admitted, route), ("x-turnout-target", header_value(target)), *cached]


def _context(admitted: Admitted, route: Route) -> Context:
    """What the route's policy decides by."""
    request, outline, parts = admitted.request, admitted.outline, admitted.parts
    now, draw = admitted.timeline.at, random.random()  # noqa: S311 - a split of traffic is no secret
    caller = _with_user(request.caller, outline.user)
    return Context(
        features=read_features(outline, lists=route.lists, language=route.reads_language),
        dialect=request.dialect,
        caller=caller,
        conditions=Conditions(
            now=now,
            draw=draw,
            breakers=parts.breakers.not_closed(),
            health=parts.executor.health.read(),
            flags=parts.flags.read(caller, now, draw),
            standing=route.judgements.read() if route.judgements is not None else NOTHING_JUDGED,
        ),
        targets=parts.targets,
        query=outline.query,
        stream=request.stream,
        latency_budget_s=request.caller.latency_budget_s or route.latency_budget_s,
    )


def _total_s(request: Request, route: Route) -> float:
    """How long the request may take; whoever waits for a whole answer may say how long it will."""
    total, patience = route.timeouts.total, request.caller.read_timeout_s
    return total if request.stream or patience is None else min(total, patience)


def _note_judgements(admitted: Admitted) -> None:
    """What was judged counts for the requests to come."""
    route, context = admitted.route, admitted.context
    if route is not None and route.judgements is not None and context is not None:
        route.judgements.note(admitted.trace.judged, context.features)


def _with_user(caller: Caller, user: str | None) -> Caller:
    """`caller` with the user that the dialect's own field names, unless a header named one."""
    return caller if caller.user or not user else msgspec.structs.replace(caller, user=user)


def _headers(admitted: Admitted, route: Route) -> list[tuple[str, str]]:
    """What is known before anybody has answered."""
    return [
        ("x-turnout-decision", admitted.id),
        ("x-turnout-route", header_value(route.name)),
        ("x-request-id", admitted.id),
        ("request-id", admitted.id),
        *admitted.standing,
    ]


def _unknown(name: str, known: list[str]) -> NoReturn:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known)}."
    raise UnknownRoute(f"There is no route or target '{name}'. {hint}", param="model")


def _content_type(reply: Reply) -> str:
    return dict(reply.headers)["content-type"]
