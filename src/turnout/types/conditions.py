"""The state of the world at the moment of a decision: everything a policy may read besides the request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from turnout.types.flag import FlagRead, no_flags
from turnout.types.health import HealthRead, unknown_health
from turnout.types.judging import NOTHING_JUDGED, Standing
from turnout.types.spend import BudgetState


class BreakerState(StrEnum):
    """A circuit breaker's state."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of what changes from moment to moment.

    Attributes:
        now: the wall time, aware, UTC.
        draw: a random number in [0, 1), drawn once per request; every split derives its own from it.
        drawn: what chance chose, by the place in the configuration, where that is laid down: to see what else it might
            have come to. Empty for requests that are answered.
        breakers: the state of each target's breaker that is not closed.
        health: what recent calls say of each target; holds, in the end, what the decision read.
        flags: what each feature flag is for this request; holds, in the end, what the decision read.
        budgets: how the budgets stand that the request falls under, by name, where the route reads them.
        standing: how the judging of the route's answers stands.
    """

    now: datetime
    draw: float = 0.0
    drawn: Mapping[str, int] = msgspec.field(default_factory=dict)
    breakers: Mapping[str, BreakerState] = msgspec.field(default_factory=dict)
    health: HealthRead = msgspec.field(default_factory=unknown_health)
    flags: FlagRead = msgspec.field(default_factory=no_flags)
    budgets: dict[str, BudgetState] = msgspec.field(default_factory=dict)
    standing: Standing = NOTHING_JUDGED
