"""The composition root: the one place where a configuration becomes objects."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from turnout.catalog.models import Capabilities, capabilities
from turnout.catalog.prices import price_of
from turnout.config.compile import RouteTable, compile_routes
from turnout.config.load import LoadedConfig, load_config
from turnout.config.providers import ProviderSettings
from turnout.config.schema import PriceConfig, TargetConfig
from turnout.execution.breaker import BreakerBoard, BreakerChanged, BreakerSettings
from turnout.execution.executor import Executor
from turnout.features.query_hash import load_or_create_key
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.recorder import Recorder
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.providers.endpoint import Endpoint, with_model
from turnout.providers.transport import Transport
from turnout.router.record import Record
from turnout.router.router import Router
from turnout.types.clock import Clock, SystemClock
from turnout.types.money import Price
from turnout.types.target import Target
from turnout.wire.registry import provider_dialect

_log = logging.getLogger(__name__)

_KEY_FILE = "query-hash.key"


def _endpoint(
    name: str, config: TargetConfig, provider: ProviderSettings, transport: Transport, clock: Clock
) -> Endpoint:
    """A target, called at its provider."""
    known, spoken = provider.known, provider_dialect(provider.dialect)
    listed = None if config.price else known.price_provider
    model = capabilities(known.price_provider, config.model) if config.model else Capabilities()
    target = Target(
        name=name,
        provider=provider.name,
        dialect=provider.dialect,
        model=config.model,
        price=_price(config.price)
        or (price_of(listed, config.model, clock.now()) if listed and config.model else None),
        lacks=spoken.lacks | known.lacks | frozenset(config.lacks) | model.lacks,
        context_tokens=config.context_tokens or model.context_tokens,
        simulated=config.simulated,
    )
    credentials = known.auth.headers(provider.api_key) if provider.api_key else {}
    return Endpoint(
        target=target,
        dialect=spoken,
        url=_url(provider, spoken.path, config.model),
        stream_url=_url(provider, spoken.stream_path, config.model),
        headers={"content-type": "application/json", **known.headers, **credentials},
        price_provider=listed,
        stream_usage=provider.stream_usage,
        transport=transport,
    )


def _url(provider: ProviderSettings, path: str, model: str | None) -> str:
    """The address of a call; a target that passes on the caller's model fills it in with each call."""
    query = provider.known.deployment_query if "/deployments/" in provider.base_url else {}
    told = path if model is None else with_model(path, model)
    return provider.base_url + told + (f"?{urlencode(query)}" if query else "")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a router is made of."""

    routes: RouteTable
    endpoints: Mapping[str, Endpoint]
    breakers: BreakerBoard
    transports: tuple[Transport, ...]


def build_parts(config: LoadedConfig, clock: Clock) -> Parts:
    """Everything that the configuration describes, before anything is called or written."""
    transports = {name: AiohttpTransport() for name in config.providers}
    endpoints = {
        name: _endpoint(name, target, config.providers[target.provider], transports[target.provider], clock)
        for name, target in config.config.targets.items()
    }
    return Parts(
        routes=compile_routes(config),
        endpoints=endpoints,
        breakers=BreakerBoard(endpoints, BreakerSettings(), clock, _told),
        transports=tuple(transports.values()),
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
        config = load_config(path, os.environ if env is None else env)
        directory = config.data_directory(data)
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


def _price(price: PriceConfig | None) -> Price | None:
    if price is None:
        return None
    return Price(input=price.input, output=price.output, cached_input=price.cached_input, cache_write=price.cache_write)


def _told(change: BreakerChanged) -> None:
    _log.warning("target %s: breaker %s: %s", change.target, change.state, change.reason)
