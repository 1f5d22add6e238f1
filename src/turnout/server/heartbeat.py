"""Comments in a stream that is silent, so that no hop on the way takes it for dead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from turnout.wire.sse import WAITING


class Heartbeat:
    """Sends a stream's pieces, and a comment whenever nothing was sent for a while.

    Pieces are whole events, so a comment never falls into one. Used as a context manager around the stream.

    Args:
        send: sends one piece; waits while the caller takes no more.
        every_s: the longest silence, in seconds.
    """

    __slots__ = ("_beating", "_every_s", "_loop", "_send", "_sending", "_sent", "_timer")

    def __init__(self, send: Callable[[bytes], Awaitable[None]], every_s: float) -> None:
        self._send = send
        self._every_s = every_s
        self._sending = False
        self._beating: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._sent = self._loop.time()
        self._timer = self._loop.call_at(self._sent + self._every_s, self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._beating is not None:
            self._beating.cancel()

    async def send(self, piece: bytes) -> None:
        """Send a piece of the stream."""
        if self._beating is not None and not self._beating.done():
            await self._beating
        self._sending = True
        await self._send(piece)
        self._sending = False
        self._sent = self._loop.time()

    def _look(self) -> None:
        """One timer for the whole stream: it is set again for the rest of the silence, not for each piece."""
        now = self._loop.time()
        due = self._sent + self._every_s
        if now >= due and not self._sending:
            self._beating = self._loop.create_task(self._beat())
            due = now + self._every_s
        self._timer = self._loop.call_at(max(due, now + self._every_s / 4), self._look)

    async def _beat(self) -> None:
        await self._send(WAITING)
        self._sent = self._loop.time()
