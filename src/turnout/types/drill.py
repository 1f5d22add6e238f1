"""An outage drill: a target taken away on purpose, for a while."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import Annotated

import msgspec

from turnout.types.money import Price

MAX_SECONDS = 3600
"""The longest drill."""


class DrillMode(StrEnum):
    """What a target seems to suffer from. What the caller notices is the rest of the route's business."""

    REFUSE = "refuse"
    BROWN_OUT = "brown-out"
    SLOW_FIRST_TOKEN = "slow-first-token"
    STALL = "stall"
    RATE_LIMIT = "rate-limit"


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """A drill that has begun.

    Attributes:
        id: sorts by time.
        targets: who is taken away; no other target is touched.
        mode: how.
        share: of the calls to them, which part is: above 0, up to 1.
        began, until: wall time in UTC, ISO 8601 with milliseconds. It is over by then, whoever is still there.
        seconds: how long it lasts.
    """

    id: str
    targets: tuple[str, ...]
    mode: DrillMode
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    began: str
    until: str
    seconds: float

    def takes(self, decision_id: str) -> bool:
        """Whether the calls for a decision are among the share."""
        return self.draw(decision_id) < self.share

    def draw(self, decision_id: str, purpose: str = "share") -> float:
        """A number from 0 to 1 that is the same whoever asks, in whichever process."""
        drawn = sha256(f"{self.id} {decision_id} {purpose}".encode()).digest()
        return int.from_bytes(drawn[:6], "big") / 2**48


class Drillable(msgspec.Struct, frozen=True, kw_only=True):
    """A target, as whoever plans a drill sees it.

    Attributes:
        name, provider, model: as configured.
        price: what it charges at the moment; None if unknown.
        alone: the routes of which some request would have nobody left to answer it.
    """

    name: str
    provider: str
    model: str | None
    price: Price | None
    alone: tuple[str, ...] = ()
