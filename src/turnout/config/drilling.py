"""Outage drills in a running gateway: begun by one process, followed by every worker, over by themselves."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from turnout.errors import LedgerError
from turnout.providers.drilled import DrillInForce
from turnout.router.parts import Parts
from turnout.router.router import Router
from turnout.types.clock import Clock
from turnout.types.drill import Drill

_log = logging.getLogger(__name__)

FILE: Final = "drill.json"
_LOOK_S: Final = 0.2


class DrillSwitch:
    """The one drill of an installation, in a file of its data directory that all workers look at.

    The file says until when: a drill ends even if everybody who knew of it has died.

    Args:
        data: the data directory.
        clock: tells whether it is over.
    """

    def __init__(self, data: Path, clock: Clock) -> None:
        self.file = data / FILE
        self._clock = clock

    def begin(self, drill: Drill) -> Drill | None:
        """Begin a drill, unless another one has not ended: that one is returned.

        Raises:
            LedgerError: the data directory cannot be written.
        """
        with self._alone():
            running = self.read()
            if running is None:
                draft = self.file.with_suffix(".new")
                draft.write_bytes(msgspec.json.encode(drill))
                draft.replace(self.file)
        return running

    def end(self) -> Drill | None:
        """End the drill, if there is one. Raises `LedgerError` where the data directory cannot be written."""
        with self._alone():
            running = self.read()
            self.file.unlink(missing_ok=True)
        return running

    def read(self) -> Drill | None:
        """The drill that is under way."""
        try:
            drill = msgspec.json.decode(self.file.read_bytes(), type=Drill)
        except (OSError, msgspec.DecodeError):
            return None
        return drill if self.remaining_s(drill) > 0 else None

    def remaining_s(self, drill: Drill) -> float:
        """How long it still lasts; never longer than it was to last, whatever has become of the wall clock."""
        left = datetime.fromisoformat(drill.until) - self._clock.now()
        return min(left / timedelta(seconds=1), drill.seconds)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time."""
        try:
            held = os.open(self.file.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(held, fcntl.LOCK_EX)
                yield
            finally:
                os.close(held)
        except OSError as error:
            raise LedgerError(f"the drill cannot be kept in {self.file}: {error.strerror}") from error


class Drilling:
    """Keeps a router's endpoints under the drill that the switch shows, or under none.

    A drill is other parts, as another configuration is: without one nothing is in the way of a request.
    """

    def __init__(self, router: Router, switch: DrillSwitch, clock: Clock) -> None:
        self._router = router
        self._switch = switch
        self._clock = clock
        self._in_force: DrillInForce | None = None
        self._last = ""  # it does not begin again because the wall clock was set back

    async def follow(self) -> None:
        """Look several times a second, for ever."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_S)

    def look(self) -> None:
        """Do what the switch says."""
        drill, running = self._switch.read(), self._in_force
        if running is not None and (running.over or drill is None or drill.id != running.drill.id):
            self._last = running.drill.id
            _log.warning("the drill of %s has ended", ", ".join(running.drill.targets))
            self._put(None)
        if drill is None or drill.id == self._last:
            return
        if self._in_force is None:
            told = (", ".join(drill.targets), drill.mode, drill.share * 100, drill.until)
            _log.warning("a drill takes away %s (%s, %.0f%% of calls) until %s", *told)
            self._put(DrillInForce(drill, self._clock, self._switch.remaining_s(drill)))
        elif not _is_under(self._router.parts, self._in_force):
            self._put(self._in_force)  # the configuration has changed meanwhile

    def _put(self, drill: DrillInForce | None) -> None:
        self._in_force = drill
        self._router.parts = under_drill(self._router.parts, drill)


def under_drill(parts: Parts, drill: DrillInForce | None) -> Parts:
    """The same parts with the targets of a drill under it, and all others under none."""
    endpoints = {
        name: endpoint.under(drill if drill and name in drill.drill.targets else None)
        for name, endpoint in parts.endpoints.items()
    }
    return replace(parts, endpoints=endpoints, executor=parts.executor.renewed(endpoints, parts.breakers, endpoints))


@asynccontextmanager
async def drilling(router: Router, switch: DrillSwitch, clock: Clock) -> AsyncIterator[None]:
    """Follow the switch for as long as the block lasts."""
    following = asyncio.create_task(Drilling(router, switch, clock).follow())
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


def _is_under(parts: Parts, drill: DrillInForce) -> bool:
    return all(endpoint.drill is drill for name, endpoint in parts.endpoints.items() if name in drill.drill.targets)
