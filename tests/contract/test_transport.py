"""The contract of `turnout.providers.transport`, over real sockets: cancelling, breaking, and what is not done."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from tests.contract.calling import (
    SOON_S,
    body_of,
    call_to,
    failure_of,
    full_backlog,
    hang_between_chunks,
    open_at,
    read_all,
    still_open,
    until_cut,
)
from tests.contract.raw_server import CHUNKED, LAST, Line, RawServer, chunk, head, whole
from turnout.providers.transport import Transport, TransportFailed
from turnout.types.failure import FailureKind

# --- cancelling -------------------------------------------------------------------------------------------------


async def hang_before_the_headers(line: Line) -> None:
    await line.request()
    await line.until_gone()


async def hang_in_the_headers(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 200 OK\r\ncontent-ty")
    await line.until_gone()


async def hang_after_the_last_chunk(line: Line) -> None:
    await line.request()
    await line.say(CHUNKED, chunk(b"one"), chunk(b"two"))
    await line.until_gone()


@pytest.mark.parametrize(
    "say", [hang_before_the_headers, hang_in_the_headers, hang_between_chunks, hang_after_the_last_chunk]
)
async def test_cancelling_in_any_phase_closes_the_connection(
    transport: Transport, say: Callable[[Line], Awaitable[None]]
) -> None:
    async with RawServer(say) as server:
        task = asyncio.create_task(read_all(transport, server.url))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(SOON_S):
            await server.lines[0].gone.wait()


async def test_cancelling_while_it_connects_leaves_no_connection(transport: Transport) -> None:
    async with full_backlog() as (url, listener, parked):
        task = asyncio.create_task(open_at(transport, url, connect_timeout=30))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for each in parked:
            each.close()
        assert await still_open(listener) == 0


async def test_a_timeout_around_a_read_closes_the_connection(transport: Transport) -> None:
    async with RawServer(hang_between_chunks) as server:
        exchange = await open_at(transport, server.url)
        chunks = exchange.chunks()
        assert await anext(chunks) == b"one"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(chunks)
        exchange.abort()
        async with asyncio.timeout(SOON_S):
            await server.lines[0].gone.wait()


async def test_aborting_before_the_body_is_read_closes_the_connection(transport: Transport) -> None:
    async with RawServer(hang_between_chunks) as server:
        exchange = await open_at(transport, server.url)
        exchange.abort()
        exchange.abort()
        async with asyncio.timeout(SOON_S):
            await server.lines[0].gone.wait()


# --- what broke ---------------------------------------------------------------------------------------------------


async def test_a_refused_connection_is_told(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert await failure_of(open_at(transport, f"http://127.0.0.1:{port}/")) is FailureKind.CONNECT_FAILED


async def test_a_name_that_does_not_resolve_is_told(transport: Transport) -> None:
    assert await failure_of(open_at(transport, "http://nowhere.invalid/")) is FailureKind.CONNECT_FAILED


async def test_a_failed_tls_handshake_is_told(transport: Transport) -> None:
    async def no_tls(line: Line) -> None:
        await line.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        line.close()

    async with RawServer(no_tls) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert await failure_of(open_at(transport, url)) is FailureKind.CONNECT_FAILED


async def test_a_connection_that_does_not_stand_in_time_is_told(transport: Transport) -> None:
    async with full_backlog() as (url, _, _):
        began = asyncio.get_running_loop().time()
        assert await failure_of(open_at(transport, url, connect_timeout=0.2)) is FailureKind.CONNECT_TIMEOUT
        assert asyncio.get_running_loop().time() - began < 0.2 + SOON_S


async def test_a_slow_tls_handshake_counts_as_connecting(transport: Transport) -> None:
    async def silent(line: Line) -> None:
        await line.until_gone()
        line.close()

    async with RawServer(silent) as server:
        url = f"https://127.0.0.1:{server.port}/"
        assert await failure_of(open_at(transport, url, connect_timeout=0.2)) is FailureKind.CONNECT_TIMEOUT


async def test_the_connect_timeout_says_nothing_about_the_answer(transport: Transport) -> None:
    async def slowly(line: Line) -> None:
        await line.request()
        await asyncio.sleep(0.4)
        await line.say(whole(b"late"))

    async with RawServer(slowly) as server:
        exchange = await open_at(transport, server.url, connect_timeout=0.1)
        assert await body_of(exchange) == b"late"


@pytest.mark.parametrize("ending", ["reset", "close"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-ty"])
async def test_a_connection_lost_before_the_answer_is_told(transport: Transport, ending: str, said: bytes) -> None:
    async def break_off(line: Line) -> None:
        await line.request()
        await line.say(said)
        getattr(line, ending)()

    async with RawServer(break_off) as server:
        assert await failure_of(open_at(transport, server.url)) is FailureKind.CONNECTION_LOST


@pytest.mark.parametrize("ending", ["reset", "close"])
@pytest.mark.parametrize("framing", ["chunked", "length"])
@pytest.mark.parametrize("reader_is_late", [False, True])
async def test_a_body_that_is_cut_is_told_and_what_came_before_is_kept(
    transport: Transport, ending: str, framing: str, *, reader_is_late: bool
) -> None:
    async def cut(line: Line) -> None:
        await line.request()
        if framing == "chunked":
            await line.say(CHUNKED, chunk(b"one "), chunk(b"two "), chunk(b"three"))
        else:
            await line.say(head("content-length: 1000"), b"one ", b"two ", b"three")
        await asyncio.sleep(0.05)
        getattr(line, ending)()

    async with RawServer(cut) as server:
        exchange = await open_at(transport, server.url)
        if reader_is_late:
            await asyncio.sleep(0.2)
        assert await until_cut(exchange) == (b"one two three", FailureKind.CONNECTION_LOST)


async def test_a_whole_answer_that_is_cut_is_no_answer(transport: Transport) -> None:
    async def cut(line: Line) -> None:
        await line.request()
        await line.say(head("content-length: 1000"), b"some")
        line.close()

    async with RawServer(cut) as server:
        exchange = await open_at(transport, server.url)
        assert await failure_of(body_of(exchange)) is FailureKind.CONNECTION_LOST


@pytest.mark.parametrize("said", [CHUNKED + chunk(b"all") + LAST, whole(b"all"), head("connection: close") + b"all"])
async def test_a_clean_end_is_no_failure(transport: Transport, said: bytes) -> None:
    async def end(line: Line) -> None:
        await line.request()
        await line.say(said)
        line.close()

    async with RawServer(end) as server:
        assert await until_cut(await open_at(transport, server.url)) == (b"all", None)


@pytest.mark.parametrize("stray", [b" and more", whole(b"of somebody else")], ids=["bytes", "an answer"])
@pytest.mark.parametrize("later", [False, True])
async def test_what_follows_an_answer_is_never_taken_for_the_next_one(
    transport: Transport, stray: bytes, *, later: bool
) -> None:
    async def too_much(line: Line) -> None:
        asked = await line.request()
        number = asked.partition("x-number: ")[2][:1]
        if number == "1":
            await line.say(*([whole(b"1"), stray] if later else [whole(b"1") + stray]))
        else:
            await line.say(whole(number.encode()))

    async with RawServer(too_much) as server:
        for number in "123":
            call = call_to(server.url, **{"x-number": number})
            try:
                answer = await body_of(await transport.open(call, connect_timeout=1))
            except TransportFailed:
                assert number == "1"
            else:
                assert answer == number.encode()
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "said",
    [
        b"220 smtp.example ready\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        CHUNKED + b"zz\r\nnot a chunk",
        head("content-length: many") + b"x",
    ],
)
async def test_what_is_not_http_is_a_failure(transport: Transport, said: bytes) -> None:
    async def babble(line: Line) -> None:
        await line.request()
        await line.say(said)
        await line.until_gone()

    async with RawServer(babble) as server:
        kind = await failure_of(read_all(transport, server.url))
        assert kind in {FailureKind.NOT_AN_ANSWER, FailureKind.CONNECTION_LOST}


async def test_many_headers_are_taken_and_endless_ones_refused(transport: Transport) -> None:
    async def with_headers(line: Line) -> None:
        asked = await line.request()
        lines = [f"x-filler-{i}: {'x' * 1000}" for i in range(10_000 if "x-endless" in asked.lower() else 20)]
        try:
            await line.say(whole(b"all", *lines))
        finally:
            line.close()

    async with RawServer(with_headers) as server:
        exchange = await open_at(transport, server.url)
        assert await body_of(exchange) == b"all"
        assert exchange.headers["X-Filler-19"] == "x" * 1000
        endless = transport.open(call_to(server.url, **{"x-endless": "1"}), connect_timeout=1)
        assert await failure_of(endless) in {FailureKind.NOT_AN_ANSWER, FailureKind.CONNECTION_LOST}


async def test_no_message_of_a_failure_names_the_key_or_the_url(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    call = call_to(f"http://127.0.0.1:{port}/secret-path?key=secret", authorization="Bearer secret")
    with pytest.raises(TransportFailed) as caught:
        await transport.open(call, connect_timeout=1)
    assert "secret" not in caught.value.failure.message
    assert str(port) not in caught.value.failure.message


# --- what is not done ---------------------------------------------------------------------------------------------


async def test_a_redirect_is_not_followed_and_no_other_host_sees_the_key(transport: Transport) -> None:
    async def answer(line: Line) -> None:
        await line.request()
        await line.say(whole(b"elsewhere"))

    async with RawServer(answer) as other:

        async def redirect(line: Line) -> None:
            await line.request()
            await line.say(head(f"location: {other.url}", "content-length: 0", status="307 Temporary Redirect"))

        async with RawServer(redirect) as server:
            call = call_to(server.url, authorization="Bearer the-key")
            exchange = await transport.open(call, connect_timeout=1)
            assert exchange.status == 307
            assert await body_of(exchange) == b""
            assert not other.lines


async def test_cookies_are_not_kept(transport: Transport) -> None:
    async def with_cookie(line: Line) -> None:
        await line.request()
        await line.say(whole(b"all", "set-cookie: session=1; Path=/"))

    async with RawServer(with_cookie) as server:
        for _ in range(2):
            await body_of(await open_at(transport, server.url))
        assert len(server.requests) == 2
        assert not any("cookie" in request.lower() for request in server.requests)


async def test_a_proxy_of_the_environment_is_not_taken(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(line: Line) -> None:
        await line.request()
        await line.say(whole(b"direct"))

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with RawServer(answer) as server:
        assert await body_of(await open_at(transport, server.url)) == b"direct"


async def test_only_our_own_headers_are_sent(transport: Transport) -> None:
    async def answer(line: Line) -> None:
        await line.request()
        await line.say(whole(b""))

    async with RawServer(answer) as server:
        await body_of(await open_at(transport, server.url))
        names = {line.partition(":")[0].lower() for line in server.requests[0].split("\r\n")[1:] if line}
        assert names == {"host", "content-type", "content-length", "accept-encoding"}
