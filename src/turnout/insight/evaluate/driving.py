"""What a policy would have come to for a recorded request: its own generator, driven by recorded outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan
from typing import Final, NamedTuple

import msgspec

from turnout.features.language import detect_language
from turnout.insight.evaluate.traffic import Answer, Asked
from turnout.policy.base import Context, Policy
from turnout.policy.drawing import own_draw, way
from turnout.policy.filters import Filters
from turnout.policy.route import Route
from turnout.policy.single import Single
from turnout.types.candidate import Candidate, Chances, Outcome, Scoring, Step, Unread
from turnout.types.conditions import Conditions
from turnout.types.failure import Failure, FailureKind
from turnout.types.features import Features
from turnout.types.flag import FlagRead, no_flags
from turnout.types.target import Target

_FAILED: Final = Failure(kind=FailureKind.SERVER_ERROR, message="it failed when it was recorded")


class NotRecorded(LookupError):
    """What the policy asks for next was never recorded: nobody knows what it would have come to."""


class Contender(NamedTuple):
    """A policy that is to be scored.

    Attributes:
        name: what it is called in the results.
        policy: decides; wrapped by the filters.
        targets: every target by its name, as its configuration has it.
        route: the route that it is of; None for a single target.
        flags: evaluates its feature flags; None without any.
        reads_text: whether it decides by what was said.
        learns: whether it was trained.
    """

    name: str
    policy: Policy
    targets: Mapping[str, Target]
    route: Route | None = None
    flags: Callable[[Asked, float], FlagRead] | None = None
    reads_text: bool = False
    learns: bool = False


class Came(NamedTuple):
    """What a policy would have come to for one request.

    Attributes:
        ways: with which probability each target would have been called first; empty where not even that is known.
        target: whose answer would have been given; None where that is not known, or nobody's.
        answer: what that would have been like, with the cost and the time of all calls; None where not known.
        calls: how many.
    """

    ways: Mapping[str, float]
    target: str | None = None
    answer: Answer | None = None
    calls: int = 0


def single(target: Target) -> Contender:
    """Always the same target."""
    policy = Filters(Single(Candidate(target=target.name, reason="single")))
    return Contender(target.name, policy, {target.name: target})


def drive(contender: Contender, asked: Asked) -> Came:
    """Drive a policy through a request. What was never recorded is never made up: it then is not known."""
    if not _readable(contender, asked):
        return Came({})
    plan = contender.policy.decide(_context(contender, asked))
    chances: Mapping[str, float] = {}
    first, reply = "", None
    called: list[Answer] = []
    while True:
        try:
            step = plan.send(reply)
        except StopIteration as stop:
            accepted: Outcome | None = stop.value
            return _came(chances or {first: 1.0}, accepted, asked, called)
        if isinstance(step, Chances):
            chances = step.of
        elif isinstance(step, Candidate) and step.purpose == "answer":
            first = first or way(step)
        try:
            reply = _reply(step, asked, called)
        except NotRecorded:
            plan.close()
            return Came(chances or {first: 1.0})


def _reply(step: Step, asked: Asked, called: list[Answer]) -> Outcome | None:
    """What came of a step. Raises `NotRecorded`."""
    if isinstance(step, Scoring | Unread):
        raise NotRecorded(step.target)
    if not isinstance(step, Candidate):
        return None
    answer = asked.answers.get(step.target) if step.purpose == "answer" else None
    if answer is None:
        raise NotRecorded(step.target)
    called.append(answer)
    if answer.failed:
        return Outcome(target=step.target, failure=_FAILED)
    return Outcome(target=step.target, answered=True, signals=answer.signals)


def _came(ways: Mapping[str, float], accepted: Outcome | None, asked: Asked, called: list[Answer]) -> Came:
    target = accepted.target if accepted is not None else None
    given = asked.answers[target] if target is not None else Answer(quality=0.0, failed=True)
    cost, latency = sum(each.cost_usd for each in called), sum(each.latency_ms for each in called)
    if not called:
        cost = latency = nan
    return Came(ways, target, given._replace(cost_usd=cost, latency_ms=latency), len(called))


def _readable(contender: Contender, asked: Asked) -> bool:
    """Whether the policy can be shown all that it reads."""
    same = contender.route is not None and contender.route.policy_version == asked.policy_version
    return asked.query is not None or same or not contender.reads_text


def _context(contender: Contender, asked: Asked) -> Context:
    """What the policy reads. Its chance is not that of the recorded decision, on which what was recorded depends."""
    draw = own_draw(0.0, f"{asked.id}/{contender.name}")
    return Context(
        features=_features(contender, asked),
        dialect=asked.dialect,
        caller=asked.caller,
        conditions=Conditions(
            now=asked.moment, draw=draw, flags=contender.flags(asked, draw) if contender.flags else no_flags()
        ),
        targets=contender.targets,
        query=asked.query or "",
        stream=asked.stream,
    )


def _features(contender: Contender, asked: Asked) -> Features:
    route, query = contender.route, asked.query
    if route is None or query is None:
        return asked.features
    language = detect_language(query) if route.reads_language else asked.features.language
    return msgspec.structs.replace(asked.features, matches=route.lists.matches(query), language=language)
