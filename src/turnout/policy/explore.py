"""A small share of the traffic is sent where chance says, so that it can be known what else would have come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from turnout.policy.base import Context, Policy, satisfied, union_of_targets
from turnout.policy.drawing import draw_one
from turnout.policy.filters import unfit_because
from turnout.types.candidate import Considered, Plan


@dataclass(frozen=True, slots=True)
class Explore:
    """Asks one of several targets instead of the policy, each as often as the others; if it fails, the policy decides.

    Only targets that can serve the request are drawn from, so that the probabilities in the record are those of the
    calls that were made.

    Attributes:
        share: of the requests, above 0 and at most 1.
        among: a policy of a single target for each that may be asked.
        policy: what decides otherwise.
        at: where it stands in the configuration, dotted.
    """

    share: float
    among: Sequence[Policy]
    policy: Policy
    at: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of the policy, then those that are explored."""
        return union_of_targets(self.policy, *self.among)

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        fit = [each for each in self.among if unfit_because(context.targets[each.targets[0]], context) is None]
        if fit:
            shares = (*(self.share / len(fit) for _ in fit), 1 - self.share)
            drew = draw_one(context.conditions, self.at, shares)
            yield drew
            explored = drew.chosen < len(fit)
            yield Considered("explore", explored, f"drew {drew.number:.4f}")
            if explored:
                outcome = yield from fit[drew.chosen].decide(context)
                if satisfied(outcome):
                    return outcome
        return (yield from self.policy.decide(context))
