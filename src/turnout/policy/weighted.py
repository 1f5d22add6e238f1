"""A split of the traffic by weights."""

from __future__ import annotations

from dataclasses import dataclass, field

from turnout.policy.base import Context, Policy, union_of_targets
from turnout.policy.drawing import draw_one
from turnout.types.candidate import Considered, Plan


@dataclass(frozen=True, slots=True)
class Branch:
    """A policy that gets a share of the traffic in proportion to its weight."""

    policy: Policy
    weight: float
    name: str


@dataclass(frozen=True, slots=True)
class Weighted:
    """Sends each request down one branch, chosen by the request's draw.

    The chosen branch alone decides: where it fails, no other branch is asked, so that what is measured of a branch is
    its own. Write a chain around the split, or within a branch, to have a fallback.

    Attributes:
        branches: with weights of 0 or more, not all 0.
        at: where the split stands in the configuration, dotted.
    """

    branches: tuple[Branch, ...]
    at: str = ""
    _shares: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        total = sum(branch.weight for branch in self.branches)
        if not total > 0 or any(branch.weight < 0 for branch in self.branches):
            raise ValueError("weights are 0 or more, and at least one is above 0")
        object.__setattr__(self, "_shares", tuple(branch.weight / total for branch in self.branches))

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of all branches."""
        return union_of_targets(*(branch.policy for branch in self.branches))

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        drew = draw_one(context.conditions, self.at, self._shares)
        branch = self.branches[drew.chosen]
        yield drew
        yield Considered(branch.name, chosen=True, because=f"drew {drew.number:.4f}")
        return (yield from branch.policy.decide(context))
