"""How good an answer was found."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

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
    """

    id: str
    decision: str
    time: str
    tenant: str = "default"
    user: str | None = None
    score: float | None = None
    label: str | None = None
    comment: str | None = None
