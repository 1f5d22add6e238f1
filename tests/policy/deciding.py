"""What deciding needs, made small, and a driver that plays the executor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from turnout.policy.base import Context, Policy
from turnout.policy.fallback import Fallback
from turnout.policy.single import Single
from turnout.types.candidate import Candidate, Outcome, Step
from turnout.types.conditions import BreakerState, Conditions
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure, FailureKind
from turnout.types.features import Features
from turnout.types.request import Caller
from turnout.types.target import Target

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_target(name: str, **fields: Any) -> Target:
    return Target(**{"name": name, "provider": "p", "dialect": DialectName.OPENAI_CHAT, **fields})


def a_context(
    *,
    targets: Iterable[Target | str] = ("a", "b", "c"),
    caller: Caller | None = None,
    breakers: dict[str, BreakerState] | None = None,
    draw: float = 0.0,
    now: datetime = NOON,
    **features: Any,
) -> Context:
    made = [target if isinstance(target, Target) else a_target(target) for target in targets]
    return Context(
        features=Features(**{"chars": 10, "tokens": 3, "context_tokens": 10, **features}),
        dialect=DialectName.OPENAI_CHAT,
        caller=caller or Caller(),
        conditions=Conditions(now=now, draw=draw, breakers=breakers or {}),
        targets={target.name: target for target in made},
    )


def single(target: str, *, more: bool = False, reason: str = "single") -> Single:
    return Single(Candidate(target=target, reason=reason, more=more))


def chain(*targets: str) -> Fallback:
    return Fallback(
        tuple(single(target, more=index + 1 < len(targets)) for index, target in enumerate(targets)), "chain"
    )


def fails(candidate: Candidate) -> Outcome:
    return Outcome(target=candidate.target, failure=Failure(kind=FailureKind.SERVER_ERROR, message="500"))


def answers(candidate: Candidate) -> Outcome:
    return Outcome(target=candidate.target, answered=True)


def drive(
    policy: Policy, context: Context, outcome: Callable[[Candidate], Outcome] = fails
) -> tuple[list[Step], Outcome | None]:
    """Every step, and what the policy accepted in the end."""
    steps: list[Step] = []
    plan = policy.decide(context)
    reply: Outcome | None = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration as stop:
            return steps, stop.value
        steps.append(step)
        reply = outcome(step) if isinstance(step, Candidate) else None


def proposed(steps: Iterable[Step]) -> list[str]:
    return [step.target for step in steps if isinstance(step, Candidate)]
