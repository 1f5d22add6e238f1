"""A canary: a flag's variant that takes a growing share of a route, and what has become of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from turnout.types.feedback import Kind


class CanaryStatus(StrEnum):
    """How a canary stands."""

    RUNNING = "running"
    PROMOTED = "promoted"
    HELD = "held"
    ROLLED_BACK = "rolled_back"
    STOPPED = "stopped"


class Walked(msgspec.Struct, frozen=True):
    """A change of the share.

    Attributes:
        time: when: UTC, ISO 8601.
        share: what the variant got from then on, 0 to 1.
        because: why.
    """

    time: str
    share: float
    because: str


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """A canary.

    Attributes:
        flag: the feature flag that divides the traffic.
        variant: the new side; the flag's default is the old one.
        route: whose requests are compared.
        by: who stays on one side: `user`, `tenant`, `request`.
        steps: the shares that it takes, one after another, 0 to 1; after the last it is promoted to everybody.
        tolerances: how much worse is tolerated, by measure.
        alpha: how often a canary that is no worse is rolled back, or one that is no better promoted.
        quality: the kind of evidence that quality is measured by: `feedback`, `outcome`, `judge`, `agreement`, `check`.
        enough: requests of the variant within a step before the next.
        most: requests of the variant after which it is held, where nothing could be told.
        status: how it stands.
        walked: every change of the share, oldest first.
    """

    flag: str
    variant: str
    route: str
    by: str = "user"
    steps: tuple[float, ...]
    tolerances: Mapping[str, float] = msgspec.field(default_factory=dict)
    alpha: float = 0.05
    quality: Kind = "feedback"
    enough: int = 200
    most: int = 50_000
    status: CanaryStatus = CanaryStatus.RUNNING
    walked: tuple[Walked, ...]

    @property
    def share(self) -> float:
        """What the variant gets now."""
        return self.walked[-1].share

    @property
    def because(self) -> str:
        """Why it stands as it does."""
        return self.walked[-1].because
