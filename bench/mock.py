"""The project's own mock provider: raw asyncio, fixed bytes, workloads told apart by the first path segment.

`/unary` sends one answer. `/stream` sends the whole stream at once, every event an HTTP chunk of its own, as
providers do. `/paced` sends one event every 10 ms, so that a relay must read and write each of them singly.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sys
from typing import cast

from typing_extensions import override

from bench.payloads import chat_answer, chat_events

PACE_SECONDS = 0.010

_GOLDEN = 0.618034  # steps by this fraction spread the streams' phases evenly, however many there are


def http_chunk(data: bytes) -> bytes:
    """One chunk of a chunked HTTP/1.1 body; an empty one ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


_ANSWER = chat_answer()
_UNARY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_ANSWER),
    _ANSWER,
)
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)
_CHUNKS = [*(http_chunk(event) for event in chat_events()), http_chunk(b"")]
_STREAM = _STREAM_HEAD + b"".join(_CHUNKS)


class Conversation(asyncio.Protocol):
    """One keep-alive connection: a request is read whole, then answered by its path."""

    _phases = itertools.count()

    def __init__(self) -> None:
        self._buffer = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Answer every complete request in what has arrived."""
        self._buffer += data
        while (end := _request_end(self._buffer)) is not None:
            path = self._buffer.split(b" ", 2)[1]
            self._buffer = self._buffer[end:]
            self._answer(path)

    def _answer(self, path: bytes) -> None:
        if path.startswith(b"/paced/"):
            self._transport.write(_STREAM_HEAD)
            phase = next(self._phases) * _GOLDEN % 1 * PACE_SECONDS
            self._pace(asyncio.get_running_loop().time() + phase, 0)
        else:
            self._transport.write(_STREAM if path.startswith(b"/stream/") else _UNARY)

    def _pace(self, due: float, index: int) -> None:
        if index == len(_CHUNKS) or self._transport.is_closing():
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= due:
            self._transport.write(_CHUNKS[index])
            due, index = due + PACE_SECONDS, index + 1
        loop.call_at(due, self._pace, due, index)


def _request_end(buffer: bytes) -> int | None:
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return None
    _, found, rest = buffer[:head].lower().partition(b"content-length:")
    end = head + 4 + (int(rest.split(b"\r\n", 1)[0]) if found else 0)
    return end if len(buffer) >= end else None


async def serve(port: int) -> None:
    """Answer on the loopback until told to end."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, done.set)
    server = await loop.create_server(Conversation, "127.0.0.1", port, backlog=1024)
    async with server:
        await done.wait()


def main() -> None:
    """`python -m bench.mock PORT`."""
    runner = asyncio.run
    with contextlib.suppress(ImportError):
        import uvloop

        runner = uvloop.run
    runner(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
