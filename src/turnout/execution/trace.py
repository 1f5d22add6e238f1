"""What happens to one request, written down as it happens: the record in the making."""

from __future__ import annotations

from dataclasses import dataclass, field

from turnout.types.candidate import Candidate, Considered, Declined, Dropped, Step
from turnout.types.decision import Attempt
from turnout.types.failure import Failure


@dataclass(slots=True)
class Trace:
    """Everything on the way, in order.

    Attributes:
        considered, dropped, attempts: see `Decision`.
        failures: what each failed attempt ran into.
        first: the first candidate that the policy proposed.
        chosen: the candidate whose answer the caller gets.
        waited_s: seconds spent waiting for a provider, or for the caller to take what was sent.
    """

    considered: list[Considered] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    first: Candidate | None = None
    chosen: Candidate | None = None
    waited_s: float = 0.0

    def note(self, step: Step) -> None:
        """Write down a step that is not a candidate."""
        match step:
            case Considered():
                self.considered.append(step)
            case Dropped():
                self.dropped.append(step)
            case Declined():
                self.considered.append(Considered(step.policy, chosen=False, because=f"declined: {step.reason}"))
            case Candidate():
                pass
