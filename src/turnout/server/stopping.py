"""How a server ends: no new requests, time for those under way, an error for what is left."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

import uvicorn

from turnout.server.app import Gateway

_log = logging.getLogger(__name__)

_LOOK_S: Final = 0.05
_LAST_WORDS_S: Final = 2.0
"""How long callers may take to read the error that ended their request; then their connections are cut."""


class Stopping:
    """Ends a server in good order.

    1. `/health/ready` is 503 at once. For `server.notice` everything is served as before, each answer being the last
       on its connection, so that callers and load balancers go elsewhere.
    2. The listener and idle connections are closed. Requests under way have until `server.drain` to end.
    3. What is left ends by an error in the caller's dialect, and is recorded.
    """

    def __init__(self, gateway: Gateway, server: uvicorn.Server) -> None:
        self._gateway = gateway
        self._server = server
        self._at_once = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, *, notice: bool = True) -> bool:
        """Begin to stop; without notice, close the listener at once. False if it was under way already."""
        if self._task is not None:
            return False
        admission = self._gateway.admission
        admission.draining = True
        notice_s = min(admission.notice_s, admission.drain_s) if notice else 0.0
        self._task = asyncio.create_task(self._stop(notice_s, admission.drain_s))
        return True

    def at_once(self) -> None:
        """Wait for nothing any more."""
        self.begin(notice=False)
        self._at_once.set()

    async def _stop(self, notice_s: float, drain_s: float) -> None:
        now = asyncio.get_running_loop().time
        limit = now() + drain_s
        await self._pause(notice_s)
        self._server.should_exit = True
        await self._emptied(limit)
        if left := self._gateway.under_way():
            _log.warning("%d requests have not ended in time and are broken off", left)
            self._gateway.interrupt()
        self._at_once.clear()
        await self._emptied(now() + _LAST_WORDS_S)
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    async def _emptied(self, limit: float) -> None:
        """Wait until every connection has ended, or it is time."""
        now = asyncio.get_running_loop().time
        while self._server.server_state.connections and now() < limit and not self._at_once.is_set():
            await self._pause(_LOOK_S)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._at_once.wait()
