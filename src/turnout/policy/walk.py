"""What a policy would propose if nothing it proposed were to answer: the decision without the calls."""

from __future__ import annotations

from turnout.policy.base import Context, Policy
from turnout.types.candidate import Candidate, Outcome, Step


def walk(policy: Policy, context: Context) -> tuple[Step, ...]:
    """Every step of `policy` for `context`, each candidate being told that it was not called (`not_called`).

    Policies are pure, so the first candidate is the one that a live request would have tried first.
    """
    steps: list[Step] = []
    plan = policy.decide(context)
    reply: Outcome | None = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration:
            return tuple(steps)
        steps.append(step)
        reply = Outcome(target=step.target, dropped="not_called") if isinstance(step, Candidate) else None
