"""How the contract's tests call, and what they stand on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.raw_server import CHUNKED, Line, chunk
from turnout.providers.transport import Exchange, HttpCall, Transport, TransportFailed
from turnout.types.failure import FailureKind

SOON_S = 1.0
LIMIT = 1_000_000
HELD = (128 + 256) * 1024
"""What a stalled stream may hold: the transport's own buffer, and one read of the event loop on top of it."""


def call_to(url: str, **headers: str) -> HttpCall:
    return HttpCall(url, {"content-type": "application/json", **headers}, b'{"model":"m"}')


async def open_at(transport: Transport, url: str, connect_timeout: float = 1.0) -> Exchange:
    return await transport.open(call_to(url), connect_timeout=connect_timeout)


async def failure_of(awaitable: Awaitable[object]) -> FailureKind:
    with pytest.raises(TransportFailed) as caught:
        await awaitable
    return caught.value.failure.kind


async def until_cut(exchange: Exchange) -> tuple[bytes, FailureKind | None]:
    """Everything that came, and how it ended."""
    came = b""
    try:
        async for piece in exchange.chunks():
            came += piece
    except TransportFailed as error:
        return came, error.failure.kind
    finally:
        exchange.abort()
    return came, None


async def body_of(exchange: Exchange) -> bytes:
    """The whole body, as execution reads it."""
    try:
        return await exchange.read(LIMIT)
    finally:
        exchange.abort()


@asynccontextmanager
async def full_backlog() -> AsyncIterator[tuple[str, socket.socket, list[socket.socket]]]:
    """A port that listens and takes no further connection: the kernel drops every SYN."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    parked = []
    try:
        address = listener.getsockname()
        for _ in range(3):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            parked.append(sock)
        await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{address[1]}/", listener, parked
    finally:
        for sock in (listener, *parked):
            sock.close()


async def still_open(listener: socket.socket) -> int:
    """How many of the connections that reach `listener` are not closed by the other side."""
    listener.setblocking(False)
    await asyncio.sleep(SOON_S / 2)
    count = 0
    while True:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return count
        sock.settimeout(SOON_S)
        with sock:
            try:
                count += sock.recv(1) != b""
            except TimeoutError:
                count += 1
            except ConnectionError:
                pass


def queued_in_the_kernel(port: int) -> int:
    """Bytes sent from `port` that no program has read yet: both ends' queues of every connection, from /proc."""
    local, waiting = f":{port:04X}", 0
    for connection in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = connection.split()
        sending, _, receiving = fields[4].partition(":")
        if fields[1].endswith(local):
            waiting += int(sending, 16)
        elif fields[2].endswith(local):
            waiting += int(receiving, 16)
    return waiting


async def hang_between_chunks(line: Line) -> None:
    await line.request()
    await line.say(CHUNKED + chunk(b"one"))
    await line.until_gone()


async def read_all(transport: Transport, url: str) -> None:
    exchange = await open_at(transport, url)
    try:
        async for _ in exchange.chunks():
            pass
    finally:
        exchange.abort()
