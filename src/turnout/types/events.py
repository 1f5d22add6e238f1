"""What happens in the layer, as values; and whoever wants to know of it.

A record is an event itself: a `Decision` when a request has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from turnout.types.conditions import BreakerState
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback


class BreakerChanged(msgspec.Struct, frozen=True):
    """A breaker went from one state to another, and why."""

    target: str
    state: BreakerState
    reason: str


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration has taken effect; the first one included.

    Attributes:
        version: its digest.
        routes: the names that its decisions may have as their route.
        providers: each target's provider.
        models: each target's model, where it has one of its own.
        tenants: the tenants that it names.
        first: it is the one that the process began with.
    """

    version: str
    routes: frozenset[str]
    providers: Mapping[str, str]
    tenants: frozenset[str]
    models: Mapping[str, str] = msgspec.field(default_factory=dict)
    first: bool = False


class ConfigurationRefused(msgspec.Struct, frozen=True):
    """A changed configuration could not take effect; the one before stays."""

    reason: str


class RecordLost(msgspec.Struct, frozen=True):
    """Something could not be written into the journal."""

    reason: str


class TurnedAway(msgspec.Struct, frozen=True):
    """A request was refused before it became a decision: by the error's kind (`overloaded`, `unauthenticated`, ...)."""

    error: str


class FeedbackGiven(msgspec.Struct, frozen=True):
    """Somebody said how good the answer of a decision of `route` was."""

    feedback: Feedback
    route: str


class Shadowed(msgspec.Struct, frozen=True):
    """A request was asked again beside its answer, to compare: the record of that."""

    shadow: Decision


class ShadowDropped(msgspec.Struct, frozen=True):
    """A request of `route` was to be asked again beside its answer and was not, for a `reason` in machine words."""

    route: str
    reason: str


Event = (
    Decision
    | FeedbackGiven
    | Shadowed
    | ShadowDropped
    | BreakerChanged
    | Configured
    | ConfigurationRefused
    | RecordLost
    | TurnedAway
)


class Observer(Protocol):
    """Is told what happens, at once and on the path of the request: it must neither wait nor raise."""

    def observe(self, event: Event) -> None:
        """Something has happened."""
        ...


class Unobserved:
    """Nobody wants to know."""

    def observe(self, event: Event) -> None:
        """Do nothing."""
