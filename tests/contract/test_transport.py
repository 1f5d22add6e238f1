"""The contract of `turnout.providers.transport`, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.raw_server import CHUNKED, LAST, Line, RawServer, chunk, head, whole
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


# --- cancelling -------------------------------------------------------------------------------------------------


async def hang_before_the_headers(line: Line) -> None:
    await line.request()
    await line.until_gone()


async def hang_in_the_headers(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 200 OK\r\ncontent-ty")
    await line.until_gone()


async def hang_between_chunks(line: Line) -> None:
    await line.request()
    await line.say(CHUNKED + chunk(b"one"))
    await line.until_gone()


async def hang_after_the_last_chunk(line: Line) -> None:
    await line.request()
    await line.say(CHUNKED, chunk(b"one"), chunk(b"two"))
    await line.until_gone()


async def read_all(transport: Transport, url: str) -> None:
    exchange = await open_at(transport, url)
    try:
        async for _ in exchange.chunks():
            pass
    finally:
        exchange.abort()


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


# --- back-pressure ------------------------------------------------------------------------------------------------


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


# --- content-encoding ---------------------------------------------------------------------------------------------

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


# --- connections are used again -----------------------------------------------------------------------------------


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


# --- what the tests above stand on --------------------------------------------------------------------------------


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
