"""The composition root: the one place where a configuration becomes objects."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from turnout.catalog.models import capabilities
from turnout.catalog.prices import price_of
from turnout.config.compile import RouteTable, compile_routes
from turnout.config.load import LoadedConfig, load_config
from turnout.config.schema import DIALECTS, PriceConfig, ProviderConfig, TargetConfig
from turnout.execution.breaker import BreakerBoard, BreakerChanged, BreakerSettings
from turnout.execution.executor import Executor
from turnout.features.query_hash import load_or_create_key
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.location import data_directory
from turnout.ledger.recorder import Recorder
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.providers.endpoint import Endpoint
from turnout.providers.known import KNOWN_PROVIDERS, KnownProvider
from turnout.providers.transport import Transport
from turnout.router.record import Record
from turnout.router.router import Router
from turnout.types.clock import Clock, SystemClock
from turnout.types.conditions import BreakerState
from turnout.types.money import Price
from turnout.types.target import Target
from turnout.wire.registry import dialect

_log = logging.getLogger(__name__)

_KEY_FILE = "query-hash.key"


@dataclass(frozen=True, slots=True)
class _Account:
    """One provider of the configuration: its row of the table with what the configuration says on top."""

    row: KnownProvider
    config: ProviderConfig
    transport: Transport

    def endpoint(self, name: str, config: TargetConfig, clock: Clock) -> Endpoint:
        """A target at this provider."""
        row, given = self.row, self.config
        named = DIALECTS[given.dialect] if given.dialect else row.dialect
        spoken = dialect(named)
        price = _price(config.price) or self._listed(config.model, clock)
        model = capabilities(row.price_provider, config.model) if config.model else None
        target = Target(
            name=name,
            provider=row.name,
            dialect=named,
            model=config.model,
            price=price,
            lacks=spoken.lacks | row.lacks | frozenset(config.lacks) | (model.lacks if model else frozenset()),
            context_tokens=config.context_tokens or (model.context_tokens if model else None),
            simulated=config.simulated,
        )
        return Endpoint(
            target=target,
            dialect=spoken,
            url=self._url(spoken.path),
            headers={"content-type": "application/json", **row.headers, **self._credentials()},
            stream_usage=row.stream_usage if given.stream_usage is None else given.stream_usage,
            price_provider=None if config.price else row.price_provider,
            transport=self.transport,
        )

    def _listed(self, model: str | None, clock: Clock) -> Price | None:
        if model is None or self.row.price_provider is None:
            return None
        return price_of(self.row.price_provider, model, clock.now())

    def _url(self, path: str) -> str:
        base = (self.config.base_url or self.row.base_url or "").rstrip("/")
        query = self.row.deployment_query if "/deployments/" in base else {}
        return base + path + (f"?{urlencode(query)}" if query else "")

    def _credentials(self) -> Mapping[str, str]:
        key = self.config.api_key
        return self.row.auth.headers(key.get_secret_value()) if key else {}


@dataclass(frozen=True, slots=True)
class Parts:
    """What a router is made of."""

    routes: RouteTable
    endpoints: Mapping[str, Endpoint]
    breakers: BreakerBoard
    transports: tuple[Transport, ...]


def build_parts(config: LoadedConfig, clock: Clock) -> Parts:
    """Everything that the configuration describes, before anything is called or written."""
    accounts = {
        name: _Account(_row(name, provider), provider, AiohttpTransport())
        for name, provider in config.config.providers.items()
    }
    endpoints = {
        name: accounts[target.provider].endpoint(name, target, clock) for name, target in config.config.targets.items()
    }
    return Parts(
        routes=compile_routes(config),
        endpoints=endpoints,
        breakers=BreakerBoard(endpoints, BreakerSettings(), clock, _told),
        transports=tuple(account.transport for account in accounts.values()),
    )


class ConfiguredRouter(Router):
    """A router made from a configuration."""

    @classmethod
    @asynccontextmanager
    async def from_config(
        cls,
        path: str | Path | None = None,
        *,
        data: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        worker: str = "library",
    ) -> AsyncIterator[Self]:
        """Open a router: `async with Router.from_config("turnout.yaml") as router: await router.chat(...)`.

        At the end every connection is closed, and the ledger takes in what is left.

        Args:
            path: the configuration file; None takes `turnout.yaml` in the working directory, else the provider keys
                found in the environment.
            data: the data directory; None takes the configuration's, else `$TURNOUT_DATA_DIR`, else `./.turnout`.
            env: the environment; None takes the process's own.
            worker: this process's name in the journal.

        Raises:
            ConfigError: the configuration cannot be used; every fault with its line and fix.
            LedgerError: the data directory cannot be written.
        """
        config = load_config(path, env)
        directory = data_directory(data or config.config.ledger.directory)
        key = load_or_create_key(directory / _KEY_FILE)
        clock = SystemClock()
        parts = build_parts(config, clock)
        ledger = EmbeddedLedger(directory, worker=worker)
        ledger.start()
        try:
            yield cls.of_parts(config, parts, ledger.journal, key, clock)
        finally:
            for transport in parts.transports:
                await transport.close()
            ledger.close()

    @classmethod
    def of_parts(cls, config: LoadedConfig, parts: Parts, recorder: Recorder, key: bytes, clock: Clock) -> Self:
        """A router over parts that somebody else opens and closes."""
        record = Record(
            recorder,
            endpoints=parts.endpoints,
            clock=clock,
            hash_key=key,
            config_version=config.version,
            required=config.config.ledger.required,
        )
        return cls(
            routes=parts.routes,
            targets={name: endpoint.target for name, endpoint in parts.endpoints.items()},
            executor=Executor(parts.endpoints, parts.breakers),
            breakers=parts.breakers,
            record=record,
            clock=clock,
        )


def _row(name: str, provider: ProviderConfig) -> KnownProvider:
    """What the table knows of a provider; for one it does not, what every server of its dialect has."""
    known = KNOWN_PROVIDERS.get(name)
    if known is not None:
        return known
    anthropic = provider.dialect == "anthropic"
    alike = KNOWN_PROVIDERS["anthropic" if anthropic else "openai"]
    return KnownProvider(
        name=name, dialect=alike.dialect, auth=alike.auth, headers=alike.headers, needs_key=False
    )


def _price(price: PriceConfig | None) -> Price | None:
    if price is None:
        return None
    return Price(
        input=price.input, output=price.output, cached_input=price.cached_input, cache_write=price.cache_write
    )


def _told(change: BreakerChanged) -> None:
    level = logging.WARNING if change.state is BreakerState.OPEN else logging.INFO
    _log.log(level, "target %s: breaker %s: %s", change.target, change.state, change.reason)
