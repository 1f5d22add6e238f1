"""A server that says exactly the bytes it is told, so that every way to break HTTP can be written down."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Say = Callable[["Line"], Awaitable[None]]

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Line:
    """One connection, seen from the server.

    Attributes:
        requests: heads of the requests read, as text.
        gone: set when the client has closed the connection.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests: list[str] = []
        self.gone = asyncio.Event()
        self._reader = reader
        self._writer = writer

    async def request(self) -> str:
        """Read the next request; raises `ConnectionError` if the client has left."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            length = next((line for line in head.lower().split("\r\n") if line.startswith("content-length")), "0:0")
            await self._reader.readexactly(int(length.partition(":")[2]))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.gone.set()
            raise ConnectionAbortedError from error
        self.requests.append(head)
        return head

    async def say(self, *pieces: bytes) -> None:
        """Write, each piece by itself."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0.005)

    async def until_gone(self) -> None:
        """Wait for the client to leave."""
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.gone.set()

    def socket(self) -> socket.socket:
        """The connection's socket once more, under a descriptor of its own that the caller closes."""
        return socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno()))

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        with self.socket() as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._writer.transport.abort()

    def close(self) -> None:
        """End the connection in order."""
        self._writer.close()


class RawServer:
    """Serves every connection by `say`, again and again until the connection is over.

    Attributes:
        lines: every connection so far, oldest first.
    """

    def __init__(self, say: Say) -> None:
        self.lines: list[Line] = []
        self._say = say

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for line in self.lines:
            line.close()

    @property
    def url(self) -> str:
        """Where a call goes."""
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    @property
    def requests(self) -> list[str]:
        """Heads of all requests, connection by connection."""
        return [head for line in self.lines for head in line.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        self.lines.append(line)
        try:
            while not writer.is_closing():
                await self._say(line)
        except ConnectionError:
            line.gone.set()
        finally:
            writer.close()


def head(*headers: str, status: str = "200 OK") -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKED = head("transfer-encoding: chunked")
LAST = chunk(b"")


def whole(body: bytes, *headers: str) -> bytes:
    """A complete answer."""
    return head(f"content-length: {len(body)}", *headers) + body
