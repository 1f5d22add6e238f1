"""One target, whatever the request."""

from __future__ import annotations

from dataclasses import dataclass

from turnout.policy.base import Context, satisfied
from turnout.types.candidate import Candidate, Plan


@dataclass(frozen=True, slots=True)
class Single:
    """Proposes its candidate, which is made once with the configuration: its target, reason and `more` never change."""

    candidate: Candidate

    @property
    def targets(self) -> tuple[str, ...]:
        """The candidate's target."""
        return (self.candidate.target,)

    def decide(self, context: Context) -> Plan:  # noqa: ARG002 - every policy is asked the same way
        """See `Policy`."""
        outcome = yield self.candidate
        return outcome if satisfied(outcome) else None
