"""The contract of `turnout.providers.transport`, over real sockets: how bodies are read."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib

import pytest

from tests.contract.calling import (
    HELD,
    LIMIT,
    SOON_S,
    body_of,
    failure_of,
    open_at,
    queued_in_the_kernel,
    read_all,
    until_cut,
)
from tests.contract.raw_server import CHUNKED, LAST, Line, RawServer, chunk, head, whole
from turnout.providers.transport import Transport
from turnout.types.failure import FailureKind


async def test_a_slow_reader_stalls_a_fast_provider(transport: Transport) -> None:
    """What the transport itself holds: bytes sent, less those in both kernels' queues and those read."""
    sent = 0
    piece = chunk(b"x" * 8000)

    async def flood(line: Line) -> None:
        nonlocal sent
        await line.request()
        await line.say(CHUNKED)
        with line.socket() as own:
            while not line.gone.is_set():
                try:
                    sent += own.send(piece[sent % len(piece) :])
                except BlockingIOError:
                    await asyncio.sleep(0.01)

    async with RawServer(flood) as server:
        exchange = await open_at(transport, server.url)
        chunks = exchange.chunks()
        read = len(await anext(chunks))
        before = -1
        async with asyncio.timeout(20):
            while before != sent:
                before = sent
                await asyncio.sleep(0.2)
        assert sent - read - queued_in_the_kernel(server.port) <= HELD
        server.lines[0].gone.set()
        exchange.abort()


TEXT = "The café keeps its lights on. ".encode() * 500


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("framing", ["whole", "chunked"])
async def test_a_compressed_body_is_unpacked(transport: Transport, encoding: str, framing: str) -> None:
    packed = gzip.compress(TEXT) if encoding == "gzip" else zlib.compress(TEXT)

    async def compressed(line: Line) -> None:
        assert encoding in (await line.request()).lower()
        if framing == "whole":
            await line.say(whole(packed, f"content-encoding: {encoding}"))
            return
        await line.say(head("transfer-encoding: chunked", f"content-encoding: {encoding}"))
        await line.say(*(chunk(packed[i : i + 7]) for i in range(0, 70, 7)), chunk(packed[70:]), LAST)

    async with RawServer(compressed) as server:
        assert await body_of(await open_at(transport, server.url)) == TEXT


@pytest.mark.parametrize("framing", ["whole", "chunked"])
async def test_a_body_that_is_not_what_it_says_is_a_failure(transport: Transport, framing: str) -> None:
    async def liar(line: Line) -> None:
        await line.request()
        if framing == "whole":
            await line.say(whole(TEXT, "content-encoding: gzip"))
        else:
            await line.say(head("transfer-encoding: chunked", "content-encoding: gzip"), chunk(TEXT), LAST)
        await line.until_gone()

    async with RawServer(liar) as server:
        kind = await failure_of(read_all(transport, server.url))
        assert kind in {FailureKind.NOT_AN_ANSWER, FailureKind.CONNECTION_LOST}


async def test_a_truncated_gzip_body_is_not_passed_off_as_whole(transport: Transport) -> None:
    packed = gzip.compress(TEXT)[:-20]

    async def truncated(line: Line) -> None:
        await line.request()
        await line.say(whole(packed, "content-encoding: gzip"))

    async with RawServer(truncated) as server:
        exchange = await open_at(transport, server.url)
        came, failed = await until_cut(exchange)
        assert failed is not None or came != TEXT


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_bomb_is_unpacked_only_as_far_as_it_is_read(transport: Transport, *, streamed: bool) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(100)) + packer.flush()

    async def explode(line: Line) -> None:
        await line.request()
        await line.say(whole(bomb, "content-encoding: gzip"))
        await line.until_gone()

    async with RawServer(explode) as server:
        exchange = await open_at(transport, server.url)
        if streamed:
            largest = read = 0
            async for piece in exchange.chunks():
                largest, read = max(largest, len(piece)), read + len(piece)
                if read > LIMIT:
                    break
            assert largest <= 2 * LIMIT
        else:
            assert await failure_of(body_of(exchange)) is FailureKind.NOT_AN_ANSWER
        exchange.abort()
        async with asyncio.timeout(SOON_S):
            await server.lines[0].gone.wait()


async def test_a_body_longer_than_the_limit_is_refused(transport: Transport) -> None:
    async def long(line: Line) -> None:
        await line.request()
        await line.say(whole(bytes(5 * LIMIT)))
        await line.until_gone()

    async with RawServer(long) as server:
        exchange = await open_at(transport, server.url)
        assert await failure_of(body_of(exchange)) is FailureKind.NOT_AN_ANSWER
        exchange.abort()
        async with asyncio.timeout(SOON_S):
            await server.lines[0].gone.wait()


def test_the_queues_of_the_kernel_can_be_read() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as near,
        listener.accept()[0] as far,
    ):
        far.sendall(b"x" * 1000)
        assert queued_in_the_kernel(listener.getsockname()[1]) == 1000
        near.recv(400)
        assert queued_in_the_kernel(listener.getsockname()[1]) == 600
