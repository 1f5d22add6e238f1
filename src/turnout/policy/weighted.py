"""A split of the traffic by weights."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate
from typing import Final

from turnout.policy.base import Context, Policy, union_of_targets
from turnout.types.candidate import Considered, Plan

_UNIT: Final = 2.0**-53


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

    Each split makes its own number of the one draw and of where it stands, so that a split within a split, or after
    another in a chain, is independent of it.

    Attributes:
        branches: with weights of 0 or more, not all 0.
        at: where the split stands in the configuration, dotted.
    """

    branches: tuple[Branch, ...]
    at: str = ""
    _bounds: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        total = sum(branch.weight for branch in self.branches)
        if not total > 0 or any(branch.weight < 0 for branch in self.branches):
            raise ValueError("weights are 0 or more, and at least one is above 0")
        bounds = (reached / total for reached in accumulate(branch.weight for branch in self.branches))
        object.__setattr__(self, "_bounds", tuple(bounds))

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of all branches."""
        return union_of_targets(*(branch.policy for branch in self.branches))

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        drawn = own_draw(context.conditions.draw, self.at)
        branch = self._branch_at(drawn)
        yield Considered(branch.name, chosen=True, because=f"drew {drawn:.4f}")
        return (yield from branch.policy.decide(context))

    def _branch_at(self, drawn: float) -> Branch:
        for branch, bound in zip(self.branches, self._bounds, strict=True):
            if drawn < bound:
                return branch
        # The last bound is 1.0 but for rounding, which must not send traffic to a branch of weight 0.
        return max(self.branches, key=lambda branch: branch.weight)


def own_draw(draw: float, at: str) -> float:
    """A number in [0, 1) that is fixed by `draw` and `at`, and uniform and independent between different `at`."""
    digest = blake2b(struct.pack(">d", draw) + at.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) * _UNIT
