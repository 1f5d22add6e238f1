"""One HTTP/1.1 exchange at a time over a kept-alive connection: the least that a client must know."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from typing import cast

from typing_extensions import override

from bench.machine import HOST
from bench.payloads import KEY

_LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """A complete answer: its status, and its body as it came, chunk framing included."""

    status: int
    body: bytes

    @property
    def size(self) -> int:
        """Bytes of the body as it came."""
        return len(self.body)


def http_request(url: str, body: bytes) -> bytes:
    """The bytes of a POST of `body` to `url`, with the gateway's key."""
    address, _, path = url.removeprefix("http://").partition("/")
    head = (
        f"POST /{path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def complete(received: bytes) -> Answer | None:
    """The answer in `received`, or None while some of it is still to come.

    A chunked body ends at its last chunk; our payloads hold no such bytes themselves.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, body = received[:end].lower(), received[end + 4 :]
    _, sized, rest = head.partition(b"content-length:")
    whole = len(body) >= int(rest.split(b"\r\n", 1)[0]) if sized else body.endswith(_LAST_CHUNK)
    return Answer(int(head[9:12]), body) if whole else None


class Exchange(asyncio.Protocol):
    """Asks on one connection and waits for the whole answer."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._pieces = bytearray()
        self._waiter: asyncio.Future[Answer] | None = None

    @override
    def data_received(self, data: bytes) -> None:
        """Look for the end only where it can be: every unary piece, and a piece that ends a chunked body."""
        self._pieces += data
        if self._pieces.endswith(_LAST_CHUNK) or b"content-length" in self._pieces[:512].lower():
            answer = complete(bytes(self._pieces))
            if answer is not None and self._waiter is not None:
                self._waiter.set_result(answer)

    @override
    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits that no answer will come."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error or ConnectionResetError("closed before the answer was complete"))

    async def ask(self, request: bytes) -> Answer:
        """Send `request`, return its answer."""
        self._pieces.clear()
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


class Stopwatch:
    """One blocking connection that times each answer, from the first byte sent to the last one read."""

    def __init__(self, url: str, body: bytes) -> None:
        port = int(url.removeprefix("http://").split("/")[0].rpartition(":")[2])
        self._request = http_request(url, body)
        self._socket = socket.create_connection((HOST, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> Answer:
        """Ask once.

        Raises:
            ConnectionResetError: the other side closed before the answer was complete.
        """
        self._socket.sendall(self._request)
        received = b""
        while (answer := complete(received)) is None:
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionResetError("closed before the answer was complete")
            received += piece
        return answer

    def milliseconds(self) -> float:
        """Ask once and return how long it took."""
        started = time.perf_counter_ns()
        self.ask()
        return (time.perf_counter_ns() - started) / 1e6

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
