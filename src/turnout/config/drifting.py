"""Now and then, beside serving: whether what the configuration's routes have learnt still fits their traffic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from turnout.config.load import LoadedConfig, load_config
from turnout.config.policies import artefacts
from turnout.errors import ArtefactError, ConfigError, TurnoutError
from turnout.insight.drift import Watch, load_learnt, survey
from turnout.insight.query import Filter
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Store

FIRST_S: Final = 60.0
"""After the start, in seconds: a process that has just begun has better things to do."""
EVERY_S: Final = 900.0
"""Between two looks, in seconds: what is due is due for days."""
PERIOD: Final = timedelta(days=30)
_log = logging.getLogger(__name__)


def watched(loaded: LoadedConfig, store: Store, wanted: Filter, file: str) -> Watch:
    """How a file that a route has learnt fits the latest of its traffic.

    Args:
        loaded: the configuration that names the file.
        store: where decisions are.
        wanted: the route, and the period.
        file: as the configuration names it.

    Raises:
        ArtefactError: the file is none that this turnout can use.
        LedgerError: the ledger cannot be read.
    """
    return survey(store, load_learnt(loaded.directory / Path(file).expanduser()), wanted)


def learnt_by(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    """Each route with each file that it has learnt."""
    for route, config in loaded.config.routes.items():
        for file in dict.fromkeys(artefacts(config.policy)):
            yield route, str(file)


def _lately(route: str) -> Filter:
    return Filter(since=datetime.now(UTC) - PERIOD, route=route)


def due_now(store: Store) -> list[str]:
    """What of the configuration found here is to be calibrated or trained anew, in words; nothing where none is sound.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    try:
        loaded = load_config(keyless=True)
    except ConfigError:
        return []
    told = []
    for route, file in learnt_by(loaded):
        with suppress(ArtefactError):
            watch = watched(loaded, store, _lately(route), file)
            told += [f"route {route}: {file}: {watch.verdict}"] if watch.due else []
    return told


class Drifting:
    """Looks at the latest decisions of each route that has learnt something. Without one it reads nothing.

    Args:
        loaded: the configuration in effect.
        data: the data directory.

    Attributes:
        due: of each route and file that was looked at, whether it is to be calibrated or trained anew; what is no
            longer used is not due.
    """

    def __init__(self, loaded: Callable[[], LoadedConfig], data: Path) -> None:
        self._loaded = loaded
        self._data = data
        self.due: Mapping[tuple[str, str], bool] = {}

    async def follow(self) -> None:
        """Look again and again, in a thread, until it is cancelled."""
        await asyncio.sleep(FIRST_S)
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """Look once. What cannot be looked at stays as it was, and is told in the log."""
        loaded, before = self._loaded(), self.due
        now = dict.fromkeys(before, False)
        for route, file in learnt_by(loaded):
            try:
                with closing(SqliteStore(database_file(self._data))) as store:
                    watch = watched(loaded, store, _lately(route), file)
            except TurnoutError as error:
                _log.warning("route %s: %s cannot be watched for drift: %s", route, file, error)
                now[route, file] = before.get((route, file), False)
                continue
            now[route, file] = bool(watch.due)
            if watch.due and not before.get((route, file)):
                _log.warning("route %s: %s: %s", route, file, watch.verdict)
        self.due = now
