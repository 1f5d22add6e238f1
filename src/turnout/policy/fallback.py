"""A chain: the next policy after the failure of one."""

from __future__ import annotations

from dataclasses import dataclass

from turnout.policy.base import Context, Policy, satisfied, union_of_targets
from turnout.types.candidate import Plan


@dataclass(frozen=True, slots=True)
class Fallback:
    """Asks each element in order until one has an answer; an element that declines is passed over like a failed one.

    Attributes:
        elements: the chain.
        at: where it stands in the configuration, dotted.
    """

    elements: tuple[Policy, ...]
    at: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of all elements."""
        return union_of_targets(*self.elements)

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        for element in self.elements:
            outcome = yield from element.decide(context)
            if satisfied(outcome):
                return outcome
        return None
