"""Every policy that a policy is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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


def within(policy: Policy) -> Iterator[Policy]:
    """The policy itself, and those within it at any depth, in the order of the configuration."""
    yield policy
    for inner in _parts(policy):
        yield from within(inner)


def _parts(policy: Policy) -> Iterable[Policy]:
    match policy:
        case Filters():
            return (policy.policy,)
        case Explore():
            return (policy.policy, *policy.among)
        case Rules():
            return (rule.policy for rule in policy.rules)
        case Weighted():
            return (branch.policy for branch in policy.branches)
        case ByFlag() | Ladder():
            return policy.policies
        case Fallback():
            return policy.elements
        case Cascade():
            return (stage.policy for stage in policy.stages)
        case Classify():
            return policy.among.values()
        case _:
            return ()
