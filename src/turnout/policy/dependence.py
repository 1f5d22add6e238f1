"""Whether a policy has anybody to turn to once some targets are gone."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from turnout.policy.base import Policy
from turnout.policy.cascade import Cascade
from turnout.policy.classifier.policy import Classify
from turnout.policy.explore import Explore
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.flag import ByFlag
from turnout.policy.ladder import Ladder
from turnout.policy.rules import Rules
from turnout.policy.weighted import Weighted


def depends_on(policy: Policy, targets: AbstractSet[str]) -> bool:
    """Whether some request would have no candidate left without `targets`."""
    match policy:
        case Filters() | Explore():  # it follows what was explored
            return depends_on(policy.policy, targets)
        case Rules():
            return any(depends_on(rule.policy, targets) for rule in policy.rules)
        case Weighted():
            return any(depends_on(branch.policy, targets) for branch in policy.branches if branch.weight)
        case Classify():
            return any(depends_on(each, targets) for each in policy.among.values())
        case ByFlag() | Ladder():
            return any(depends_on(each, targets) for each in policy.policies)
        case Fallback():
            return all(depends_on(element, targets) for element in policy.elements)
        case Cascade():
            return all(depends_on(stage.policy, targets) for stage in policy.stages)
        case _:
            return targets >= {*policy.targets}
