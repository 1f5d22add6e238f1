"""What happens to one request, written down as it happens: the record in the making."""

from __future__ import annotations

from bisect import bisect

import msgspec

from turnout.types.candidate import (
    Candidate,
    Chances,
    Considered,
    Declined,
    Drew,
    Dropped,
    Judged,
    Predicted,
    ReadOn,
    Scoring,
    Step,
    Stop,
    Unread,
)
from turnout.types.decision import Attempt
from turnout.types.failure import Failure
from turnout.types.spend import Refusal


class Trace(msgspec.Struct):
    """Everything on the way, in order.

    Attributes:
        considered, dropped: see `Decision`.
        attempts: those that have ended, in the order in which they began.
        chances: what else chance might have called first; None where it had no part.
        predicted: what a classifier expected.
        judged: the held answers that were judged.
        refusals: what could not be paid.
        failures: what each failed attempt ran into.
        first: the first candidate that the policy proposed.
        chosen: the candidate whose answer the caller gets.
        waited_s: seconds spent waiting for a provider, or for the caller to take what was sent.
    """

    considered: list[Considered] = []
    dropped: list[Dropped] = []
    attempts: list[Attempt] = []
    chances: Chances | None = None
    predicted: Predicted | None = None
    judged: list[Judged] = []
    failures: list[Failure] = []
    refusals: list[Refusal] = []
    first: Candidate | None = None
    chosen: Candidate | None = None
    waited_s: float = 0.0
    _begun: int = 0
    _places: list[int] = []

    def begin(self) -> int:
        """An attempt begins; its place among them."""
        self._begun += 1
        return self._begun

    def book(self, place: int, attempt: Attempt) -> None:
        """The attempt that began at `place` has ended."""
        at = bisect(self._places, place)
        self._places.insert(at, place)
        self.attempts.insert(at, attempt)

    def note(self, step: Step) -> None:
        """Write down a step that is not a candidate."""
        match step:
            case Considered():
                self.considered.append(step)
            case Dropped():
                self.dropped.append(step)
            case Declined():
                self.considered.append(Considered(step.policy, chosen=False, because=f"declined: {step.reason}"))
            case Chances():
                self.chances = step
            case Refusal():
                self.refusals.append(step)
            case Predicted():
                self.predicted = step
            case Judged():
                self.judged.append(step)
                self.considered.append(Considered(f"answer of {step.target}", step.accepted, step.because))
            case Candidate() | Scoring() | Drew() | ReadOn() | Stop() | Unread():
                pass
