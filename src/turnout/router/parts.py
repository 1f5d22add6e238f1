"""What a router is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from turnout.execution.breaker import BreakerBoard
from turnout.execution.executor import Executor
from turnout.policy.route import Route
from turnout.providers.endpoint import Endpoint
from turnout.providers.transport import Transport
from turnout.state.flag_board import FlagBoard
from turnout.types.privacy import Privacy
from turnout.types.target import Target


class Routes(Protocol):
    """Finds the route that a caller's `model` names."""

    def find(self, name: str) -> Route | None:
        """The route of that name, one whose pattern it fits, or a target's own."""
        ...

    def names(self) -> Iterable[str]:
        """Every name that a caller can ask for: routes that are no pattern, and targets."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What calls targets beside the traffic, with a health and breakers that the traffic has no part in."""

    executor: Executor
    breakers: BreakerBoard


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """All that a new configuration changes. A request keeps the parts that it began with to its end.

    Attributes:
        routes: by the name that callers ask for.
        endpoints: every target's, by its name.
        breakers: every target's.
        executor: calls them.
        transports: every provider's, by its name: what has to be closed.
        config_version: digest of the configuration.
        required: whether a request is refused when its intent cannot be written; otherwise it is served, and the
            loss logged.
        privacy: how much of what was said is kept, where the route does not say.
        flags: the feature flags.
        mask: masks what is to be kept redacted; without one nothing is.
        beside: calls what is asked beside the traffic; None where nothing is.
        targets: the endpoints' targets, by name.
    """

    routes: Routes
    endpoints: Mapping[str, Endpoint]
    breakers: BreakerBoard
    executor: Executor
    transports: Mapping[str, Transport] = field(default_factory=dict)
    config_version: str = ""
    required: bool = False
    privacy: Privacy = field(default_factory=Privacy)
    flags: FlagBoard = field(default_factory=lambda: FlagBoard({}))
    mask: Callable[[str], str] | None = None
    beside: Beside | None = None
    targets: Mapping[str, Target] = field(init=False)

    def __post_init__(self) -> None:
        targets = {name: endpoint.target for name, endpoint in self.endpoints.items()}
        object.__setattr__(self, "targets", targets)
