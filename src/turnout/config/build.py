"""The composition root: the one place where a configuration becomes objects."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlencode

from turnout.catalog.prices import price_of
from turnout.config.beside import caller_beside
from turnout.config.compile import RouteTable, compile_routes
from turnout.config.drifting import Drifting
from turnout.config.flagging import flag_board, following_flags, source_of
from turnout.config.load import LoadedConfig, load_config
from turnout.config.observing import breaker_teller, configured, degraded, exporter_of, gauges, metrics_of
from turnout.config.providers import ProviderSettings
from turnout.config.remembering import answers_of, idempotency_of
from turnout.config.schema import Config, PriceConfig, TargetConfig
from turnout.config.shared_state import breaker_words_of
from turnout.config.spending import budgeted, counters_of
from turnout.config.targets import lacks_of, longest_answer_of, model_of
from turnout.config.tenancy import known_to
from turnout.errors import MissingExtra, Overloaded
from turnout.execution.breaker import BreakerBoard, BreakerSettings
from turnout.execution.executor import Executor
from turnout.execution.health import HealthBoard
from turnout.execution.limiter import Limiter, Limiters
from turnout.features.hash_keys import FixedKey, HashKeys
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.location import database_file
from turnout.ledger.recorder import Recorder
from turnout.ledger.redaction import Mask, load_mask
from turnout.ledger.retention import Retention
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.texts import Texts
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.providers.endpoint import Endpoint, with_model
from turnout.providers.transport import Transport
from turnout.router.breaker_sharing import BreakerSharing
from turnout.router.feedback import FeedbackDesk
from turnout.router.parts import Parts
from turnout.router.probing import Prober
from turnout.router.record import Record
from turnout.router.router import Router
from turnout.router.shadows import Shadows
from turnout.state.breaker_words import BreakerWords
from turnout.state.counters import Counters
from turnout.state.flags import FlagFile
from turnout.state.kept_counters import KeptCounters
from turnout.state.memory_counters import MemoryCounters
from turnout.telemetry.metrics import Metrics
from turnout.telemetry.observers import Observers
from turnout.tenancy.directory import Directory
from turnout.tenancy.rates import Rates
from turnout.tenancy.store import TenancyStore
from turnout.types.clock import Clock, SystemClock
from turnout.types.dialect import EMBEDDING, DialectName
from turnout.types.events import Observer, Unobserved
from turnout.types.feedback import Feedback, Kind
from turnout.types.money import Price
from turnout.types.privacy import Privacy
from turnout.types.request import Caller
from turnout.types.target import Target
from turnout.wire.anthropic_messages.counting import COUNT_PATH
from turnout.wire.registry import EMBEDDINGS, provider_dialect

_KEYS = "query-hash"
_SERVICES = "<services>"
"""Beside the providers' pools, the one for services of the user's that score answers."""


def targets_of(loaded: LoadedConfig, at: datetime) -> dict[str, Target]:
    """Every target by its name, with its price at a moment."""
    return {
        name: _target(name, target, loaded.providers[target.provider], at)
        for name, target in loaded.config.targets.items()
    }


def _target(name: str, config: TargetConfig, provider: ProviderSettings, at: datetime) -> Target:
    listed, model = _listed(config, provider), model_of(config, provider)
    return Target(
        name=name,
        provider=provider.name,
        dialect=provider.dialect,
        model=config.model,
        price=_price(config.price) or (price_of(listed, config.model, at) if listed and config.model else None),
        lacks=lacks_of(config, provider),
        context_tokens=config.context_tokens or model.context_tokens,
        simulated=config.simulated,
        output_tokens=longest_answer_of(config, provider),
        model_family=config.model_family,
    )


def _listed(config: TargetConfig, provider: ProviderSettings) -> str | None:
    """Whose price list its price is on; None where it is given."""
    return None if config.price else provider.known.price_provider


def _endpoint(
    name: str, config: TargetConfig, provider: ProviderSettings, transport: Transport, clock: Clock
) -> Endpoint:
    """A target, called at its provider."""
    known, spoken = provider.known, provider_dialect(provider.dialect)
    credentials = known.auth.headers(provider.api_key) if provider.api_key else {}
    return Endpoint(
        target=_target(name, config, provider, clock.now()),
        dialect=spoken,
        url=_url(provider, spoken.path, config.model),
        stream_url=_url(provider, spoken.stream_path, config.model),
        embeddings_url=_url(provider, EMBEDDINGS.path, config.model) if spoken.name in EMBEDDING else None,
        count_url=_url(provider, COUNT_PATH, config.model) if spoken.name is DialectName.ANTHROPIC_MESSAGES else None,
        headers={"content-type": "application/json", **known.headers, **credentials},
        price_provider=_listed(config, provider),
        stream_usage=provider.stream_usage,
        transport=transport,
    )


def _url(provider: ProviderSettings, path: str, model: str | None) -> str:
    """The address of a call; a target that passes on the caller's model fills it in with each call."""
    query = provider.known.deployment_query if "/deployments/" in provider.base_url else {}
    told = path if model is None else with_model(path, model)
    return provider.base_url + told + (f"?{urlencode(query)}" if query else "")


class Running(NamedTuple):
    """What is in use, of which another configuration takes over all that it leaves as it is."""

    loaded: LoadedConfig
    parts: Parts


class Draft(NamedTuple):
    """What a configuration describes, but for the state that it shares with the one before."""

    routes: RouteTable
    endpoints: Mapping[str, Endpoint]
    transports: Mapping[str, Transport]
    mask: Mask | None


def draft_parts(loaded: LoadedConfig, clock: Clock, running: Running | None = None) -> Draft:
    """Everything that takes long, or can fail. Nothing is called, written or taken from `running`.

    Raises:
        ConfigError: a policy cannot run.
        MissingExtra: it needs an optional dependency that is not installed.
    """
    before = running.loaded.providers if running else {}
    pools = running.parts.transports if running else {}
    transports = {
        name: pools[name] if before.get(name) == provider else AiohttpTransport()
        for name, provider in loaded.providers.items()
    }
    services = transports[_SERVICES] = pools.get(_SERVICES) or AiohttpTransport()
    endpoints = {
        name: _endpoint(name, target, loaded.providers[target.provider], transports[target.provider], clock)
        for name, target in loaded.config.targets.items()
    }
    return Draft(compile_routes(loaded, services), endpoints, transports, _mask(loaded.config))


def retention_of(config: Config) -> Retention:
    """How long what is recorded is kept."""
    given = config.ledger.retention
    return Retention(given.decisions, given.texts, given.rollups)


def _ledger(loaded: LoadedConfig, directory: Path, worker: str) -> EmbeddedLedger:
    """The ledger, which has begun to drain."""
    copied = loaded.config.ledger.postgres
    if copied is not None and importlib.util.find_spec("asyncpg") is None:
        raise MissingExtra("a ledger in Postgres", "postgres")
    copy = copied.copy_of() if copied is not None else None
    ledger = EmbeddedLedger(directory, worker=worker, retention=retention_of(loaded.config), copy=copy)
    ledger.start()
    return ledger


def _mask(config: Config) -> Mask | None:
    """What masks the texts that are to be redacted; None where none are."""
    privacy = config.privacy
    modes = {privacy.mode, *privacy.tenants.values(), *(route.privacy for route in config.routes.values())}
    return load_mask(tuple(privacy.phone_regions)) if "redacted" in modes else None


def assemble(
    draft: Draft,
    loaded: LoadedConfig,
    clock: Clock,
    running: Running | None = None,
    *,
    observer: Observer | None = None,
) -> Parts:
    """The parts, ready to take the place of those that are running, whose observer stays. Cannot fail."""
    if running is None:
        told = breaker_teller(observer or Unobserved())
        breakers = BreakerBoard(draft.endpoints, BreakerSettings(), clock, told)
        health = HealthBoard(draft.endpoints, clock)
        executor = Executor(draft.endpoints, breakers, health, limiters=_limiters(loaded, clock))
        beside = partial(caller_beside, draft.endpoints, clock)
    else:
        before, kept = running.parts, _unchanged(loaded, running.loaded)
        breakers = before.breakers.renewed(draft.endpoints, kept)
        executor = before.executor.renewed(draft.endpoints, breakers, kept, _limiters(loaded, clock, running))
        beside = partial(caller_beside, draft.endpoints, clock, before.beside, kept)
    return Parts(
        routes=draft.routes,
        flags=flag_board(loaded.config, running.parts.flags if running else None),
        endpoints=draft.endpoints,
        breakers=breakers,
        executor=executor,
        transports=draft.transports,
        config_version=loaded.version,
        required=loaded.config.ledger.required,
        privacy=Privacy(loaded.config.privacy.mode, loaded.config.privacy.tenants),
        mask=draft.mask,
        beside=beside() if _shadowed(loaded.config) else None,
    )


def _shadowed(config: Config) -> bool:
    return any(route.shadow is not None or route.evidence is not None for route in config.routes.values())


def _limiters(loaded: LoadedConfig, clock: Clock, running: Running | None = None) -> Limiters:
    """The limit of each provider that has one; what was learnt of a provider that is called as before still holds."""
    before = running.loaded.providers if running else {}
    known = running.parts.executor.limiters if running else {}
    return {
        name: known[name] if before.get(name) == provider else Limiter(provider.limiter, clock)
        for name, provider in loaded.providers.items()
        if provider.limiter is not None
    }


def build_parts(loaded: LoadedConfig, clock: Clock, observer: Observer | None = None) -> Parts:
    """Everything that the configuration describes, before anything is called or written. Raises as `draft_parts`."""
    return assemble(draft_parts(loaded, clock), loaded, clock, observer=observer)


def _unchanged(loaded: LoadedConfig, before: LoadedConfig) -> set[str]:
    """The targets that are called as they were before: what was learnt of their health still holds."""
    was = before.config.targets
    return {
        name
        for name, target in loaded.config.targets.items()
        if was.get(name) == target and before.providers[target.provider] == loaded.providers[target.provider]
    }


def _beside(
    router: ConfiguredRouter, clock: Clock, words: BreakerWords | None, worker: str
) -> list[asyncio.Task[None]]:
    """What is done beside serving, until it is cancelled."""
    beside = [
        asyncio.create_task(Prober(router, router.probe_intervals, clock).run(), name="turnout-probes"),
        asyncio.create_task(router.directory.follow(), name="turnout-tenants"),
        following_flags(router, FlagFile(router.data)),
        asyncio.create_task(router.drifting.follow(), name="turnout-drift"),
    ]
    if isinstance(router.counters, KeptCounters):
        beside.append(asyncio.create_task(router.counters.keep(), name="turnout-counters"))
    if words is not None:
        sharing = BreakerSharing(words, lambda: router.parts.breakers, clock, f"{worker} of {socket.gethostname()}")
        beside.append(asyncio.create_task(sharing.run(), name="turnout-breakers"))
    return beside


class ConfiguredRouter(Router):
    """A router made from a configuration.

    Attributes:
        loaded: the configuration in effect.
        data: the data directory.
        counters: where budgets and limits are counted.
        directory: who is known: tenants and their keys.
        drifting: what was learnt and no longer fits.
        metrics: what is counted; None for a router over parts that somebody else opens.
        desk: takes feedback; None as above.
    """

    metrics: Metrics | None = None
    desk: FeedbackDesk | None = None

    def __init__(
        self, loaded: LoadedConfig, parts: Parts, record: Record, clock: Clock, data: Path | None = None
    ) -> None:
        super().__init__(parts, record=record, clock=clock)
        self.loaded = loaded
        self.counters: Counters = MemoryCounters(clock)
        self.degraded: Callable[[], Collection[str]] = tuple
        self.data = data or loaded.data_directory()
        self.directory = Directory(TenancyStore(self.data), clock)
        self.drifting = Drifting(lambda: self.loaded, self.data)

    @classmethod
    @asynccontextmanager
    async def from_config(
        cls,
        path: str | Path | None = None,
        *,
        data: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        worker: str = "library",
        workers: int = 1,
        observers: Collection[Observer] = (),
    ) -> AsyncIterator[Self]:
        """Open a router: `async with Router.from_config("turnout.yaml") as router: await router.chat(...)`.

        At the end every connection is closed, and the ledger takes in what is left.

        Args:
            path: the configuration file; None takes `turnout.yaml` in the working directory, else the provider keys
                found in the environment.
            data: the data directory; None takes the configuration's, else `$TURNOUT_DATA_DIR`, else `./.turnout`.
            env: the environment; None takes the process's own.
            worker: this process's name in the journal.
            workers: how many processes of this machine share the data directory.
            observers: whoever else is to be told what happens.

        Raises:
            ConfigError: the configuration cannot be used; every fault with its line and fix.
            LedgerError: the data directory cannot be written.
            MissingExtra: the configuration asks for what is not installed.
            TenancyError: the store of tenants and keys cannot be read.
        """
        env = os.environ if env is None else env
        loaded = load_config(path, env)
        directory = loaded.data_directory(data)
        clock = SystemClock()
        keys = HashKeys(directory / _KEYS, loaded.config.privacy.rotate, clock)
        metrics = metrics_of(directory)
        exporter = exporter_of(loaded, env)
        observer = Observers(metrics, *filter(None, [exporter]), *observers)
        parts = build_parts(loaded, clock, observer)
        tenancy = Directory(TenancyStore(directory), clock)
        tenancy.known = known_to(tenancy, loaded)
        ledger = _ledger(loaded, directory, worker)
        texts = Texts(SqliteStore(database_file(directory)))
        record = Record(ledger.journal, clock=clock, hash_keys=keys, keep=texts.keep, observer=observer)
        router = cls(loaded, parts, record, clock, directory)
        router.directory = tenancy
        router.counters = counters_of(loaded, directory, clock, workers=workers)
        router.budgets = budgeted(loaded, router.counters, clock, tenancy.tenant)
        router.rates = Rates(router.counters, clock, tenancy.tenant)
        router.answers = answers_of(loaded, directory, clock)
        router.idempotency = idempotency_of(loaded, directory, clock)
        router.shadows = Shadows(record, router.counters, clock)
        router.metrics = metrics
        router.desk = FeedbackDesk(ledger.journal, ledger.store, clock, observer)
        observer.observe(configured(loaded, tenancy.known.tenants, first=True))
        router.degraded = partial(degraded, router.counters, ledger)
        metrics.start(partial(gauges, router, ledger, router.degraded, router.drifting))
        source = parts.flags.source = source_of(loaded, clock)
        beside = _beside(router, clock, breaker_words_of(loaded, directory, clock, workers=workers), worker)
        try:
            yield router
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
            await router.shadows.close()
            for used in router.parts_in_use():
                for transport in used.transports.values():
                    await transport.close()
            ledger.close()
            texts.stop()
            await router.counters.close()
            router.answers.close()
            router.idempotency.close()
            metrics.close()
            if source is not None:
                source.close()
            if exporter is not None:
                await asyncio.to_thread(exporter.close)

    async def feedback(
        self,
        decision_id: str,
        *,
        score: float | None = None,
        label: str | None = None,
        comment: str | None = None,
        kind: Kind = "feedback",
        caller: Caller | None = None,
    ) -> Feedback:
        """Say how good an answer was, as often as you like; of each user's scores the latest counts.

        Args:
            decision_id: the decision's id, as `x-turnout-decision` or `Answer.decision.id` tells it.
            score: how good, 0 to 1.
            label: `up` (a score of 1), `down` (0), or a category of your own.
            comment: in words; kept as they are.
            kind: `feedback`, what people say, which makes the decision's score; `outcome`, what came of it (a sale, a
                ticket opened again); `judge`, `agreement`, `check`, of your own.
            caller: who says so; the decision must be of the same tenant.

        Raises:
            InvalidRequest: neither a score nor a label, or one that is none.
            UnknownDecision: there is no such decision.
            Overloaded: the ledger cannot be read or written now.
        """
        if self.desk is None:
            raise Overloaded("This router has no ledger.")
        who = caller or Caller()
        return await self.desk.take(decision_id, score=score, label=label, comment=comment, kind=kind, caller=who)

    def probe_intervals(self) -> dict[str, float]:
        """How often each target is to be probed, in seconds; those that are."""
        targets = self.loaded.config.targets.items()
        return {name: target.probe.every for name, target in targets if target.probe is not None}

    @classmethod
    def of_parts(cls, loaded: LoadedConfig, parts: Parts, recorder: Recorder, clock: Clock) -> Self:
        """A router over parts that somebody else opens and closes; its query hashes have no key."""
        return cls(loaded, parts, Record(recorder, clock=clock, hash_keys=FixedKey(b"")), clock)


def _price(price: PriceConfig | None) -> Price | None:
    if price is None:
        return None
    return Price(input=price.input, output=price.output, cached_input=price.cached_input, cache_write=price.cache_write)
