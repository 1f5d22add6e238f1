"""The contract of `turnout.providers.transport`, over real sockets: connections are used again, safely."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.calling import (
    SOON_S,
    body_of,
    failure_of,
    hang_between_chunks,
    open_at,
    read_all,
    until_cut,
)
from tests.contract.raw_server import CHUNKED, LAST, Line, RawServer, chunk, whole
from turnout.providers.transport import Transport
from turnout.types.failure import FailureKind


@pytest.mark.parametrize("said", [whole(b"all"), CHUNKED + chunk(b"all") + LAST], ids=["whole", "chunked"])
@pytest.mark.parametrize("how", ["read", "chunks"])
async def test_a_hundred_calls_one_after_another_use_one_connection(
    transport: Transport, said: bytes, how: str
) -> None:
    async def answer(line: Line) -> None:
        await line.request()
        await line.say(said)

    async with RawServer(answer) as server:
        for _ in range(100):
            exchange = await open_at(transport, server.url)
            assert (await body_of(exchange) if how == "read" else (await until_cut(exchange))[0]) == b"all"
            exchange.abort()
        assert len(server.lines) == 1
        assert len(server.requests) == 100


@pytest.mark.parametrize("ending", ["reset", "close"])
async def test_a_pooled_connection_that_the_provider_has_left_costs_no_call(transport: Transport, ending: str) -> None:
    async def leave_on_the_second_request(line: Line) -> None:
        await line.request()
        if len(line.requests) == 2:
            getattr(line, ending)()
        else:
            await line.say(whole(b"all"))

    async with RawServer(leave_on_the_second_request) as server:
        for _ in range(3):
            assert await body_of(await open_at(transport, server.url)) == b"all"
        assert len(server.requests) == 4


async def test_every_stale_connection_of_a_pool_is_survived(transport: Transport) -> None:
    restarted = False

    async def leave_after_a_restart(line: Line) -> None:
        await line.request()
        await asyncio.sleep(0.05)
        if restarted and len(line.requests) > 1:
            line.reset()
        else:
            await line.say(whole(b"all"))

    async def one(server: RawServer) -> bytes:
        return await body_of(await open_at(transport, server.url))

    async with RawServer(leave_after_a_restart) as server:
        await asyncio.gather(*(one(server) for _ in range(8)))
        restarted = True
        assert await asyncio.gather(*(one(server) for _ in range(8))) == [b"all"] * 8


async def test_a_call_is_sent_once_more_only_and_only_if_the_connection_was_old(transport: Transport) -> None:
    async def never(line: Line) -> None:
        await line.request()
        line.reset()

    async with RawServer(never) as server:
        assert await failure_of(open_at(transport, server.url)) is FailureKind.CONNECTION_LOST
        assert len(server.requests) == 1


async def test_a_call_is_not_sent_again_once_the_answer_has_begun(transport: Transport) -> None:
    async def begin_and_break(line: Line) -> None:
        await line.request()
        if len(line.requests) == 1:
            await line.say(whole(b"all"))
        else:
            await line.say(CHUNKED, chunk(b"one"))
            line.reset()

    async with RawServer(begin_and_break) as server:
        await body_of(await open_at(transport, server.url))
        assert await failure_of(read_all(transport, server.url)) is FailureKind.CONNECTION_LOST
        assert len(server.requests) == 2


async def test_a_call_is_not_sent_again_when_the_provider_thought_about_it_first(transport: Transport) -> None:
    async def think_and_break(line: Line) -> None:
        await line.request()
        if len(line.requests) == 1:
            await line.say(whole(b"all"))
        else:
            await asyncio.sleep(1.2)
            line.reset()

    async with RawServer(think_and_break) as server:
        await body_of(await open_at(transport, server.url))
        assert await failure_of(open_at(transport, server.url)) is FailureKind.CONNECTION_LOST
        assert len(server.requests) == 2


async def test_closing_the_transport_closes_every_connection(transport: Transport) -> None:
    async def answer(line: Line) -> None:
        await line.request()
        await line.say(whole(b"all"))

    async with RawServer(answer) as server:
        await body_of(await open_at(transport, server.url))
        await transport.close()
        async with asyncio.timeout(SOON_S):
            await server.lines[0].gone.wait()


async def test_what_is_under_way_when_the_transport_closes_fails_and_so_does_what_comes_after(
    transport: Transport,
) -> None:
    async with RawServer(hang_between_chunks) as server:
        exchange = await open_at(transport, server.url)
        await transport.close()
        assert await until_cut(exchange) == (b"one", FailureKind.CONNECTION_LOST)
        assert await failure_of(open_at(transport, server.url)) is FailureKind.CONNECTION_LOST
