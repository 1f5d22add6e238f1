"""One TCP connection: requests in, steps out, and the client's leaving noticed whatever is going on."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import httptools

from turnout.testing.fault_provider.ledger import now
from turnout.testing.fault_provider.script import Close, HalfClose, Mark, Pause, Reset, Script, Send, Step

_LINGER_NOT = struct.pack("ii", 1, 0)


class ClientGoneError(ConnectionError):
    """The client has closed the connection, or its half of it."""


@dataclass(slots=True)
class Request:
    """One HTTP request, read in full.

    Attributes:
        method: upper case.
        path: without the query.
        query: what follows the question mark.
        headers: names in lower case; the last of several of one name.
        body: its bytes.
        size: bytes read from the connection for it, head included.
        keep_alive: the client may send another one on this connection.
        chunks: the client understands chunks (HTTP/1.1).
    """

    method: str = ""
    path: str = ""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    size: int = 0
    keep_alive: bool = True
    chunks: bool = True


@dataclass(slots=True)
class Played:
    """What became of a script.

    Attributes:
        tokens: how many were handed to the network.
        finished: the finish signal was.
        aborted: when the client left before the end, or None.
    """

    tokens: int = 0
    finished: bool = False
    aborted: str | None = None


class Connection(asyncio.Protocol):
    """One connection.

    Args:
        number: tells it from others.
        serve: is run for it, as a task, until it returns or the client has left.
        all_open: it is in there for as long as that.

    Attributes:
        number: as above.
        answered: how many responses have ended on it.
        task: what serves it.
    """

    def __init__(self, number: int, serve: Serve, all_open: set[Connection]) -> None:
        self.number = number
        self.answered = 0
        self._serve = serve
        self._all_open = all_open
        self._requests: asyncio.Queue[Request | None] = asyncio.Queue()
        self._reading = Request()
        self._read = 0
        self._parser = httptools.HttpRequestParser(self)
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._broken = False

    # --- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to serve."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._all_open.add(self)
        self.task = asyncio.get_running_loop().create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Read on; what is no HTTP ends the connection."""
        self._read += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._leave()

    def eof_received(self) -> bool:
        """The client says nothing more: it has left."""
        self._leave()
        return True  # the task closes, once it has written down when the client left

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client has left, or we have."""
        self._leave()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable.set()

    # --- what the parser calls

    def on_url(self, url: bytes) -> None:
        """Part of the request's target."""
        self._reading.path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._reading.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The body follows; a client that asks whether to send it is told to."""
        if self._reading.headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Part of the body."""
        self._reading.body += data

    def on_message_complete(self) -> None:
        """A whole request."""
        request, self._reading = self._reading, Request()
        request.method = self._parser.get_method().decode("latin-1")
        request.path, _, request.query = request.path.partition("?")
        request.size, self._read = self._read, 0
        request.keep_alive = self._parser.should_keep_alive()
        request.chunks = self._parser.get_http_version() != "1.0"
        self._requests.put_nowait(request)

    # --- what serving calls

    async def next_request(self) -> Request:
        """The next request of this client.

        Raises:
            ClientGoneError: there will be none.
        """
        request = await self._requests.get()
        if request is None:
            raise ClientGoneError
        return request

    async def play(self, script: Script, request: Request) -> Played:
        """Do what the script says, until its end or until the client leaves."""
        played = Played()
        try:
            for step in script.play(chunks=request.chunks):
                await self._do(step)
                if isinstance(step, Send):
                    played.tokens += step.tokens
                    played.finished |= Mark.FINISH in step.mark
                elif isinstance(step, Reset | Close):
                    break
        except ClientGoneError:
            played.aborted = now()
            self._broken = True
        self.answered += 1
        if not (script.keep_alive and request.keep_alive and request.chunks):
            self.close()
        return played

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self._broken = True
        sock = self._transport.get_extra_info("socket")
        if sock is not None and not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def close(self) -> None:
        """End the connection in order, when what was written has been sent."""
        self._broken = True
        self._transport.close()

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be said on it."""
        return self._broken or self._gone.is_set() or self._transport.is_closing()

    def _leave(self) -> None:
        self._gone.set()
        self._writable.set()
        self._requests.put_nowait(None)

    async def _drain(self) -> None:
        if not self._writable.is_set():
            await self._writable.wait()
            if self._gone.is_set():
                raise ClientGoneError

    async def _pause(self, seconds: float) -> None:
        if seconds == 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(None if seconds == math.inf else seconds):
                await self._gone.wait()
        except TimeoutError:
            return
        raise ClientGoneError

    async def _run(self) -> None:
        try:
            await self._serve(self)
        except ClientGoneError:
            pass
        finally:
            self._transport.close()
            self._all_open.discard(self)

    async def _do(self, step: Step) -> None:
        if self.is_over:
            raise ClientGoneError
        match step:
            case Send(data=data):
                self._transport.write(data)
                await self._drain()
            case Pause(seconds=seconds):
                await self._pause(seconds)
            case Reset():
                self.reset()
            case Close():
                self.close()
            case HalfClose():
                self._transport.write_eof()
                await self._pause(math.inf)


Serve = Callable[[Connection], Coroutine[Any, Any, None]]
"""Answers the requests of a connection, one after another, until it returns."""
