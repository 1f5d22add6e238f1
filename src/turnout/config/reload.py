"""The configuration changed under way: whole or not at all, and without a request that notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from turnout.config.build import ConfiguredRouter, Running, assemble, draft_parts
from turnout.config.load import LoadedConfig, load_config
from turnout.config.observing import configured
from turnout.config.spending import budgeted
from turnout.config.tenancy import known_to
from turnout.errors import TurnoutError
from turnout.providers.transport import Transport
from turnout.types.clock import Clock, timestamp
from turnout.types.events import ConfigurationRefused

_log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class InEffect:
    """Which configuration is in effect.

    Attributes:
        version: its digest.
        loaded_at: since when, in UTC.
        error: why the file as it is now could not take its place; None if it did.
    """

    version: str
    loaded_at: str
    error: str | None = None


class Reloader:
    """Keeps a router's configuration up to date with its file.

    A new configuration is read and built beside the old one, and takes its place by one assignment; one that cannot
    be used is refused whole. Requests under way keep the parts that they began with. Connections and breakers of
    what has not changed are carried over; connections that nobody uses any more are closed.

    Args:
        router: whose.
        clock: for `in_effect`.
        accept: told of a configuration as it takes effect; raises `ConfigError` to refuse it.

    Attributes:
        in_effect: which configuration is.
    """

    def __init__(
        self,
        router: ConfiguredRouter,
        clock: Clock,
        accept: Callable[[LoadedConfig], None],
    ) -> None:
        self.in_effect = InEffect(router.loaded.version, timestamp(clock.now()))
        self._router = router
        self._clock = clock
        self._accept = accept
        self._seen = _stamps(router.loaded.files)
        self._retired: set[Transport] = set()
        self._turn = asyncio.Lock()

    async def reload(self) -> bool:
        """Read the configuration again. Whether it has taken effect; if not, `in_effect` tells why."""
        async with self._turn:
            seen = _stamps(self._router.loaded.files)  # before reading: what is written meanwhile is read next time
            try:
                loaded = await asyncio.to_thread(load_config, self._router.loaded.file)
                await self._take(loaded)
            except TurnoutError as error:
                self._refuse(str(error))
                return False
            self._seen = {file: seen[file] if file in seen else _stamp(file) for file in loaded.files}
        return True

    async def follow(self) -> None:
        """Look once a second whether a file has changed, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            await self._close_unused()
            if self._router.loaded.config.server.reload and self._changed():
                await self.reload()

    async def close(self) -> None:
        """Close the connections that were given up, whoever uses them."""
        for transport in self._retired:
            await transport.close()
        self._retired.clear()

    async def _take(self, loaded: LoadedConfig) -> None:
        router, clock = self._router, self._clock
        before = router.loaded
        if (loaded.config, loaded.providers, loaded.learnt) == (before.config, before.providers, before.learnt):
            self.in_effect = InEffect(self.in_effect.version, self.in_effect.loaded_at)
            return
        running = Running(router.loaded, router.parts)
        draft = await asyncio.to_thread(draft_parts, loaded, clock, running)
        known = await asyncio.to_thread(known_to, router.directory, loaded)
        self._accept(loaded)
        router.parts = assemble(draft, loaded, clock, running)
        router.loaded = loaded
        router.budgets = budgeted(loaded, router.counters, clock, router.directory.tenant, router.budgets)
        router.directory.known = known
        router.observer.observe(configured(loaded, known.tenants))
        self._retired |= {*running.parts.transports.values()} - {*draft.transports.values()}
        self.in_effect = InEffect(loaded.version, timestamp(clock.now()))
        _log.warning("the configuration has changed: version %s is in effect", loaded.version)
        for name in _waiting_for_a_restart(running.loaded, loaded):
            _log.warning("%s has changed, which takes a restart", name)

    def _refuse(self, reason: str) -> None:
        if reason != self.in_effect.error:
            _log.error("the configuration has changed and cannot be used; the one before stays:\n%s", reason)
            self._router.observer.observe(ConfigurationRefused(reason))
        self.in_effect = InEffect(self.in_effect.version, self.in_effect.loaded_at, reason)

    def _changed(self) -> bool:
        """Whether to read it again. What was refused is: it may have been for a file that is not among ours yet."""
        return self.in_effect.error is not None or _stamps(self._router.loaded.files) != self._seen

    async def _close_unused(self) -> None:
        if not self._retired:
            return
        used = {transport for parts in self._router.parts_in_use() for transport in parts.transports.values()}
        for transport in self._retired - used:
            self._retired.discard(transport)
            await transport.close()


@asynccontextmanager
async def reloading(
    router: ConfiguredRouter, clock: Clock, accept: Callable[[LoadedConfig], None]
) -> AsyncIterator[Reloader]:
    """Keep a router's configuration up to date for as long as the block lasts."""
    reloader = Reloader(router, clock, accept)
    following = asyncio.create_task(reloader.follow())
    following.add_done_callback(_tell_defect)
    try:
        yield reloader
    finally:
        following.cancel()
        await asyncio.wait([following])
        await reloader.close()


def _tell_defect(following: asyncio.Task[None]) -> None:
    if not following.cancelled() and (defect := following.exception()) is not None:
        _log.error("changes of the configuration are not followed any more; SIGHUP still reads it", exc_info=defect)


def _stamps(files: list[Path]) -> dict[Path, _Stamp]:
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> _Stamp:
    """Something that differs once the file has been written or replaced."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _waiting_for_a_restart(before: LoadedConfig, after: LoadedConfig) -> list[str]:
    """What of the configuration is read only when a process starts, and differs."""
    was, now = before.config, after.config
    fixed = {
        "server.host": (was.server.host, now.server.host),
        "server.port": (was.server.port, now.server.port),
        "ledger.directory": (was.ledger.directory, now.ledger.directory),
        "state": (was.state, now.state),
        "telemetry": (was.telemetry, now.telemetry),
        "ledger.retention": (was.ledger.retention, now.ledger.retention),
        "ledger.postgres": (was.ledger.postgres, now.ledger.postgres),
        "openfeature": (was.openfeature, now.openfeature),
        "privacy.rotate": (was.privacy.rotate, now.privacy.rotate),
    }
    return [name for name, (one, other) in fixed.items() if one != other]
