"""What is told of what happens, and to whom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Final

from turnout.config.load import LoadedConfig
from turnout.ledger.drain import Drain
from turnout.router.router import Router
from turnout.telemetry import table
from turnout.telemetry.metrics import Measured, Metrics
from turnout.types.events import BreakerChanged, Configured, Observer

_log = logging.getLogger(__name__)

_TENANTS: Final = frozenset({"default"})


def metrics_of(directory: Path) -> Metrics:
    """The metrics that the processes of a data directory share."""
    return Metrics(directory / "metrics", version=metadata.version("turnout"))


def configured(loaded: LoadedConfig, *, first: bool = False) -> Configured:
    """The names that a configuration brings."""
    config = loaded.config
    return Configured(
        version=loaded.version,
        routes=frozenset(config.routes) | frozenset(config.targets),
        providers={name: target.provider for name, target in config.targets.items()},
        tenants=_TENANTS,
        first=first,
    )


def breaker_teller(observer: Observer) -> Callable[[BreakerChanged], None]:
    """Tells of breakers, in the log as well."""

    def tell(change: BreakerChanged) -> None:
        _log.warning("target %s: breaker %s: %s", change.target, change.state, change.reason)
        observer.observe(change)

    return tell


def gauges(router: Router, drain: Drain) -> Measured:
    """What is so at this moment."""
    parts = router.parts
    troubled = parts.breakers.not_closed()
    return [
        (table.IN_FLIGHT, (), router.under_way()),
        (table.BEHIND, (), drain.behind),
        (table.TROUBLE, (), bool(drain.trouble)),
        *((table.BREAKER_OPEN, (target,), target in troubled) for target in parts.targets),
    ]
