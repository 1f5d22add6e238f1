"""What is told of what happens, and to whom."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from turnout.config.drifting import Drifting
from turnout.config.load import LoadedConfig
from turnout.errors import MissingExtra
from turnout.ledger.embedded import EmbeddedLedger
from turnout.router.parts import Parts
from turnout.router.router import Router
from turnout.state.counters import Counters
from turnout.state.shared_counters import SharedCounters
from turnout.telemetry import table
from turnout.telemetry.metrics import Measured, Metrics
from turnout.telemetry.otlp import OpenTelemetry, Otlp, asked_for_by
from turnout.types.events import BreakerChanged, Configured, Observer
from turnout.types.tenant import DEFAULT_TENANT

_log = logging.getLogger(__name__)


def metrics_of(directory: Path) -> Metrics:
    """The metrics that the processes of a data directory share."""
    return Metrics(directory / "metrics", version=metadata.version("turnout"))


def exporter_of(loaded: LoadedConfig, env: Mapping[str, str]) -> OpenTelemetry | None:
    """What exports to the collector that the configuration names, or the environment; None where neither does.

    Raises:
        MissingExtra: the configuration asks for it, and the extra `telemetry` is not installed.
    """
    asked = loaded.config.telemetry.otlp
    version = metadata.version("turnout")
    if asked is not None:
        headers = {name: value.get_secret_value() for name, value in asked.headers.items()}
        endpoint, traces, metrics = asked.endpoint, asked.traces, asked.metrics
        return OpenTelemetry(Otlp(endpoint=endpoint, headers=headers, traces=traces, metrics=metrics, version=version))
    if not asked_for_by(env):
        return None
    try:
        return OpenTelemetry(Otlp(version=version))
    except MissingExtra as error:
        _log.warning("the environment names an OpenTelemetry collector. %s", error)
        return None


def configured(loaded: LoadedConfig, tenants: Iterable[str] = (), *, first: bool = False) -> Configured:
    """The names that a configuration brings, and those of `tenants`."""
    config = loaded.config
    return Configured(
        version=loaded.version,
        routes=frozenset(config.routes) | frozenset(config.targets),
        providers={name: target.provider for name, target in config.targets.items()},
        tenants=frozenset({DEFAULT_TENANT, *tenants}),
        models={name: target.model for name, target in config.targets.items() if target.model},
        first=first,
    )


def breaker_teller(observer: Observer) -> Callable[[BreakerChanged], None]:
    """Tells of breakers, in the log as well."""

    def tell(change: BreakerChanged) -> None:
        _log.warning("target %s: breaker %s: %s", change.target, change.state, change.reason)
        observer.observe(change)

    return tell


def degraded(counters: Counters, ledger: EmbeddedLedger) -> list[str]:
    """What is done without at this moment, while requests are served: `state`, `ledger`, `postgres`."""
    troubles = {
        "state": isinstance(counters, SharedCounters) and counters.away,
        "ledger": bool(ledger.drain.trouble),
        "postgres": ledger.mirror is not None and bool(ledger.mirror.trouble),
    }
    return [part for part, troubled in troubles.items() if troubled]


def gauges(
    router: Router, ledger: EmbeddedLedger, degraded: Callable[[], Collection[str]], drifting: Drifting
) -> Measured:
    """What is so at this moment."""
    parts, drain, mirror, lacking = router.parts, ledger.drain, ledger.mirror, degraded()
    troubled = parts.breakers.not_closed()
    return [
        (table.IN_FLIGHT, (), router.under_way()),
        (table.BEHIND, (), drain.behind),
        (table.TROUBLE, (), "ledger" in lacking),
        (table.STATE_TROUBLE, (), "state" in lacking),
        *([(table.COPY_BEHIND, (), mirror.behind), (table.COPY_TROUBLE, (), "postgres" in lacking)] if mirror else []),
        *((table.SHIFTED, (name,), shifted) for name, shifted in _shifted(parts)),
        *((table.RETRAIN_DUE, learnt, due) for learnt, due in drifting.due.items()),
        *((table.BREAKER_OPEN, (target,), target in troubled) for target in parts.targets),
    ]


def _shifted(parts: Parts) -> Iterator[tuple[str, bool]]:
    """Whether the traffic of each route that judges has moved away from its calibrations."""
    for name in parts.routes.names():
        route = parts.routes.find(name)
        if route is not None and route.judgements is not None:
            yield name, bool(route.judgements.read().shifted)
