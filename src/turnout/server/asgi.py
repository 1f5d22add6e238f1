"""The few pieces of ASGI that the hot endpoints use directly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Final, Self

from starlette.types import Receive, Scope, Send

from turnout.errors import InvalidRequest, RequestTooLarge
from turnout.server.heartbeat import Heartbeat
from turnout.types.reply import Reply

_WATCH_AFTER_S: Final = 0.25
"""Most answers are there sooner, and need no task that waits for the caller to leave."""


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers; of several with one name the last one counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(receive: Receive, limit: int) -> bytes:
    """The request's body.

    Raises:
        RequestTooLarge: it is longer than `limit` bytes.
        InvalidRequest: the caller left before its end.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        parts = [body]
        size = len(body)
        while message.get("more_body", False) and size <= limit:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise InvalidRequest("The request ended before its body did.")
    if len(body) > limit:
        raise RequestTooLarge(f"The request's body is over {limit} bytes.")
    return body


class Response:
    """One response on its way out.

    Args:
        send: as ASGI gives it.
        last: it is the last on its connection, and says so.

    Attributes:
        started: its status has been sent, so no other can be.
    """

    def __init__(self, send: Send, *, last: bool = False) -> None:
        self.started = False
        self._send = send
        self._last = last

    async def send(self, reply: Reply, heartbeat_s: float) -> None:
        """Send an answer, whole or piece by piece; a stream that is silent for `heartbeat_s` is kept alive."""
        if reply.stream is None:
            await self.whole(reply.status, reply.headers, reply.body or b"")
            return
        async with aclosing(reply.stream) as pieces:
            await self._start(reply.status, reply.headers)
            with Heartbeat(self._more, heartbeat_s) as heartbeat:
                async for piece in pieces:
                    await heartbeat.send(piece)
        await self.last(b"")

    async def whole(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Send all of a response at once."""
        await self._start(status, [*headers, ("content-length", str(len(body)))])
        await self.last(body)

    async def last(self, body: bytes) -> None:
        """Send the last part of the body."""
        await self._send({"type": "http.response.body", "body": body})

    async def _more(self, piece: bytes) -> None:
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _start(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        if self._last:
            raw.append((b"connection", b"close"))
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": raw})


class CallerWatch:
    """Cancels the task that serves a caller as soon as the caller has left.

    Used as a context manager around the work, after the body has been read.

    Attributes:
        left: the caller has left, so the cancellation is ours.
    """

    def __init__(self, receive: Receive) -> None:
        self.left = False
        self._receive = receive
        self._serving: asyncio.Task[object] | None = None
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._serving = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER_S, self._start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if kind is asyncio.CancelledError and self.left and self._serving is not None:
            self._serving.uncancel()
            return True
        return False

    def _start(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left = True
        if self._serving is not None:
            self._serving.cancel()
