"""The fastest of several targets that answer alike, by what recent calls say.

The load of a target is its peak-EWMA latency times the calls under way and this one (Finagle's `PeakEwma` balancer).
Of two that the request's draw picks, the less loaded is asked: the power of two choices (M. Mitzenmacher, "The Power of
Two Choices in Randomized Load Balancing", 2001). Always asking the very fastest would send everybody there at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from turnout.policy.base import Context
from turnout.policy.drawing import own_draw
from turnout.policy.in_order import Where, in_order
from turnout.types.candidate import Considered, Plan
from turnout.types.conditions import BreakerState
from turnout.types.health import TargetHealth


@dataclass(frozen=True, slots=True)
class Fastest:
    """Asks the less loaded of two targets first, and after it the others, the least loaded first.

    A target of which nothing is known is asked before the others, by one request at a time.

    Attributes:
        targets: two or more.
        where: where it stands.
    """

    targets: tuple[str, ...]
    where: Where

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        health, breakers = context.conditions.health, context.conditions.breakers
        loads = {target: load(health[target]) for target in self.targets}
        rests = {target for target in self.targets if breakers.get(target) is BreakerState.OPEN}
        chosen = self._choice([target for target in self.targets if target not in rests], loads, context)
        others = [target for target in self.targets if target != chosen]
        others.sort(key=lambda target: (target in rests, loads[target]))
        for target in self.targets:
            yield Considered(target, chosen=target == chosen, because=_told(health[target], resting=target in rests))
        return (yield from in_order([chosen, *others], "fastest", self.where))

    def _choice(self, awake: list[str], loads: dict[str, float], context: Context) -> str:
        if not awake:
            return min(self.targets, key=loads.__getitem__)
        drawn = own_draw(context.conditions.draw, self.where.at) * len(awake)
        one = awake.pop(int(drawn))
        if not awake:
            return one
        other = awake[int((drawn % 1) * len(awake))]
        return other if loads[other] < loads[one] else one


def load(health: TargetHealth) -> float:
    """The latency in ms to reckon with, for each call under way and one more; 0 where one call would find it out."""
    if health.peak_ms is None:
        return math.inf if health.in_flight else 0.0
    return health.peak_ms * (health.in_flight + 1)


def _told(health: TargetHealth, *, resting: bool) -> str:
    if resting:
        return "its breaker is open"
    under_way = f"{health.in_flight} under way"
    if health.peak_ms is None:
        return f"no recent call to go by, {under_way}"
    return f"{health.peak_ms:.0f} ms × ({under_way} + 1) = {load(health):.0f}"
