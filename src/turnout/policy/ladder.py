"""A ladder: as a budget is used up, requests go down its steps, to cheaper policies and in the end to nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from turnout.policy.base import Context, Policy, union_of_targets
from turnout.types.candidate import Considered, Plan
from turnout.types.spend import BudgetState, Refusal, Refused


@dataclass(frozen=True, slots=True)
class From:
    """From when on a step holds: as soon as one of these is reached.

    Attributes:
        used: the share of a budget that was spent.
        pace: what was spent as a share of what an even pace would have spent by now.
        margin: the share of the revenue to date that is left after the spend of the month.
    """

    used: float | None = None
    pace: float | None = None
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """A step.

    Attributes:
        policy: who decides; None calls nobody.
        since: from when on it holds.
        remembered: where nobody is called, whether an answer that was given before may be given again.
    """

    policy: Policy | None
    since: From = From()
    remembered: bool = False


class _Reached(NamedTuple):
    because: str
    state: BudgetState


@dataclass(frozen=True, slots=True)
class Ladder:
    """Hands over to the last of its steps that is reached; the first is where all is well.

    Attributes:
        rungs: from the best to the cheapest.
        budget: the name of the one budget that counts; None for whichever is reached first.
        at: where it stands in the configuration, dotted.
    """

    rungs: tuple[Rung, ...]
    budget: str | None = None
    at: str = ""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Those of all steps."""
        return tuple(rung.policy for rung in self.rungs if rung.policy is not None)

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of all steps."""
        return union_of_targets(*self.policies)

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        states = [each for each in context.conditions.budgets.values() if self.budget in {None, each.budget}]
        now = context.conditions.now
        reached = [_reached(rung.since, states, now) for rung in self.rungs]
        chosen = max((number for number, why in enumerate(reached) if why is not None), default=0)
        for number, why in enumerate(reached):
            told = why.because if why is not None else _untouched(states) if not number else "not reached"
            yield Considered(f"step {number + 1}", chosen=number == chosen, because=told)
        rung, why = self.rungs[chosen], reached[chosen]
        if rung.policy is not None:
            return (yield from rung.policy.decide(context))
        state = why.state if why is not None else None
        yield Refusal(
            reason=Refused.LADDER,
            budget=state.budget if state is not None else self.budget,
            resets=state.resets if state is not None else None,
            remembered=rung.remembered,
        )
        return None


def _reached(since: From, states: Sequence[BudgetState], now: datetime) -> _Reached | None:
    """What the step is reached by, if it is."""
    timed = since.pace is not None or since.margin is not None
    for state in states:
        pace = state.pace(now) if timed else None
        if state.revenue:
            margin = None if pace is None else 1 - pace
            if margin is not None and since.margin is not None and margin < since.margin:
                return _Reached(f"the margin is {margin:.0%}, below {since.margin:.0%}", state)
        elif since.used is not None and state.used >= since.used:
            return _Reached(f"{state.budget} is {state.used:.0%} used, from {since.used:.0%}", state)
        elif since.pace is not None and pace is not None and pace >= since.pace:
            return _Reached(f"{state.budget} runs at {pace:.0%} of an even pace, from {since.pace:.0%}", state)
    return None


def _untouched(states: Sequence[BudgetState]) -> str:
    told = ", ".join(f"{each.budget} {each.used:.0%} used" for each in states if not each.revenue)
    return told or "no budget applies"
