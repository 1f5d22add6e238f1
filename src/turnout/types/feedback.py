"""How good an answer was found."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

Kind = Literal["feedback", "outcome", "judge", "agreement", "check"]
"""What evidence is: what people said; what came of it in the business; a judging model's grade; whether it says what a
strong target says; whether it has the form that was asked for."""

THUMBS: Final[Mapping[str, float]] = MappingProxyType({"up": 1.0, "down": 0.0})
"""Labels that are scores."""


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said of an answer. All of it is kept; of one user's scores the latest counts.

    Attributes:
        id: UUIDv7: sorts by time.
        decision: the decision's id.
        time: when it was said: UTC, ISO 8601 with milliseconds.
        tenant: whose decision it is.
        user: who said it; None where nobody said.
        score: how good the answer was found, 0 to 1; None where only a label was given.
        label: `up`, `down`, or a category of the caller's own.
        comment: in words.
        kind: what kind of evidence it is. Only `feedback` makes the decision's own score.
        judge: the target, or the check, that says so; None for people.
    """

    id: str
    decision: str
    time: str
    tenant: str = "default"
    user: str | None = None
    score: float | None = None
    label: str | None = None
    comment: str | None = None
    kind: Kind = "feedback"
    judge: str | None = None
