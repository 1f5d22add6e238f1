"""What no policy has to think of: whether a target can be called at all, and can do what the request needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from turnout.policy.base import Context, Policy, satisfied
from turnout.policy.drawing import chances, way
from turnout.policy.same_model import of_other_models
from turnout.policy.walk import walk
from turnout.types.candidate import Candidate, Drew, Dropped, Outcome, Plan, Stop
from turnout.types.conditions import BreakerState
from turnout.types.dialect import BOUND, EMBEDDING, DialectName
from turnout.types.health import TOO_SLOW, too_slow
from turnout.types.target import Target

BREAKER_OPEN: Final = "breaker_open"
LACKS_EMBEDDINGS: Final = "lacks_embeddings"
CERTAINLY: Final = 0.5
"""The share of an estimated length that is there for certain: estimates are within a factor of two of what providers
count (`turnout.features.tokens`)."""


class Filters:
    """Wraps a policy, once, at the top of a route: drops what cannot serve, and lets nothing be tried twice.

    A target with an open breaker, without something that the request needs, with a context window that is certainly
    too small, or too slow for the request's latency budget is a `Dropped`, and the policy is told so. Where there is no
    answer in the end, the fastest of those that were too slow is proposed after all, with the reason `last_resort`;
    else, where no candidate was called, the first that was dropped for nothing but an open breaker: a late answer is
    better than none, and a probable failure better than a certain one.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.targets = policy.targets

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        unfit = self._unfit(context)
        left = _callable(self.policy, context, unfit) if unfit else None
        tried: set[str] = set()
        slow: list[Candidate] = []
        resort: Candidate | None = None
        called = False
        drew: list[Drew] = []
        plan = self.policy.decide(context)
        reply: Outcome | None = None
        while True:
            try:
                step = plan.send(reply)
            except StopIteration as stop:
                accepted: Outcome | None = stop.value
                resort = _fastest(slow, context) or (None if called else resort)
                if resort is None or satisfied(accepted):
                    return accepted
                break
            if not isinstance(step, Candidate) or step.purpose == "judge":
                if isinstance(step, Drew):
                    drew.append(step)
                elif isinstance(step, Stop):
                    tried.discard(step.begun.target)  # it was not heard out
                reply = yield step
                continue
            why = unfit.get(step.target) or _repeats(step, tried)
            if why is not None:
                yield Dropped(step.target, why)
                reply = Outcome(target=step.target, dropped=why)
            else:
                if drew and not tried:
                    yield chances(self.policy, context, drew, way(step), unfit)
                tried.add(step.target)
                reply = yield (step if left is None else _last_if_alone(step, left - tried, resort=bool(slow)))
                why = reply.dropped if reply is not None else None
                called = called or why is None
            if why == BREAKER_OPEN and resort is None:
                resort = step
            if why is not None and why.startswith(TOO_SLOW):
                slow.append(step)
        return (yield msgspec.structs.replace(resort, reason="last_resort", more=False))

    def _unfit(self, context: Context) -> dict[str, str]:
        unfit = {}
        for name in self.targets:
            why = unfit_because(context.targets[name], context)
            if why is not None:
                unfit[name] = why
        if context.dialect is DialectName.OPENAI_EMBEDDINGS:
            unfit |= of_other_models(self.policy, context)
        return unfit


def unfit_because(target: Target, context: Context) -> str | None:
    """Why `target` cannot serve the request, in machine-readable words, or None if it can.

    What the request needs comes before the state of the breaker and the latency, which may be overruled.
    """
    features = context.features
    if context.dialect is DialectName.OPENAI_EMBEDDINGS:
        return _cannot_embed(target, context)
    for need in features.needs:
        if (need in BOUND or need.startswith("field:")) and target.dialect != context.dialect:
            return f"lacks_{need}"
        if need in target.lacks:
            return f"lacks_{need}"
    if target.context_tokens is not None and features.context_tokens * CERTAINLY > target.context_tokens:
        return "context_too_small"
    return _at_the_moment(target, context)


def _cannot_embed(target: Target, context: Context) -> str | None:
    """The window is that of each input and not of them all, so the provider judges that."""
    return _at_the_moment(target, context) if target.dialect in EMBEDDING else LACKS_EMBEDDINGS


def _at_the_moment(target: Target, context: Context) -> str | None:
    """What may be overruled: the state of the breaker, and the latency."""
    if context.conditions.breakers.get(target.name) is BreakerState.OPEN:
        return BREAKER_OPEN
    budget_s = context.latency_budget_s
    return None if budget_s is None else too_slow(context.predicted_ms(target.name), budget_s)


def _callable(policy: Policy, context: Context, unfit: Mapping[str, str]) -> frozenset[str]:
    """The targets that would be called, one after another, if each failed; the slow ones, as a last resort."""
    never = {name for name, why in unfit.items() if not why.startswith(TOO_SLOW)}
    steps = walk(policy, context)
    return frozenset(step.target for step in steps if isinstance(step, Candidate) and step.target not in never)


def _fastest(slow: list[Candidate], context: Context) -> Candidate | None:
    return min(slow, key=lambda candidate: context.predicted_ms(candidate.target) or 0.0, default=None)


def _repeats(candidate: Candidate, tried: set[str]) -> str | None:
    """The caller's question is put to a target once."""
    return "already_tried" if candidate.target in tried else None


def _last_if_alone(candidate: Candidate, others: frozenset[str], *, resort: bool) -> Candidate:
    """`candidate`, told whether any may follow where some were dropped; a slow one does, as a last resort."""
    more = resort or (candidate.more and bool(others))
    return candidate if candidate.more is more else msgspec.structs.replace(candidate, more=more)
