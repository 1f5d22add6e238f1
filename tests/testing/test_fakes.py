from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from turnout.providers.transport import HttpCall, TransportFailed
from turnout.testing import FrozenClock, NetworkReachedError, Said, ScriptedProvider, no_network
from turnout.types.clock import Clock
from turnout.types.dialect import DialectName
from turnout.types.failure import FailureKind
from turnout.wire.registry import dialect

SPOKEN = [DialectName.OPENAI_CHAT, DialectName.ANTHROPIC_MESSAGES]


def call(*, stream: bool = False) -> HttpCall:
    return HttpCall("http://scripted/", {}, msgspec.json.encode({"model": "m", "stream": stream, "messages": []}))


# --- FrozenClock


def test_a_frozen_clock_stands_until_it_is_told_to_go_on() -> None:
    begin = datetime(2026, 3, 1, 12, tzinfo=UTC)
    clock: Clock = FrozenClock(begin, monotonic=5.0)
    assert (clock.now(), clock.monotonic()) == (begin, 5.0)
    assert isinstance(clock, FrozenClock)
    clock.advance(90)
    assert (clock.now(), clock.monotonic()) == (begin + timedelta(seconds=90), 95.0)


def test_a_frozen_clock_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="back"):
        FrozenClock().advance(-1)


# --- no_network


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"])
def test_no_socket_leaves_this_machine(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with no_network(), socket.socket(family) as sock:
        with pytest.raises(NetworkReachedError, match=host):
            sock.connect((host, 80))
        with pytest.raises(NetworkReachedError, match=host):
            sock.connect_ex((host, 80))


def test_no_name_is_looked_up() -> None:
    with no_network():
        with pytest.raises(NetworkReachedError, match=r"api\.example\.com"):
            socket.getaddrinfo("api.example.com", 443)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("nowhere.invalid", 443)
        assert socket.getaddrinfo("localhost", 80)


async def test_no_asyncio_connection_leaves_this_machine() -> None:
    with no_network(), pytest.raises(NetworkReachedError):
        await asyncio.open_connection("192.0.2.1", 80)


def test_this_machine_is_reached_as_ever(tmp_path: Path) -> None:
    with no_network(), socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()):
            pass
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as sock:
            listener.bind(str(tmp_path / "socket"))
            listener.listen()
            sock.connect(str(tmp_path / "socket"))


def test_the_guard_is_gone_afterwards() -> None:
    before = socket.getaddrinfo
    with no_network():
        assert socket.getaddrinfo is not before
    assert socket.getaddrinfo is before


# --- ScriptedProvider


@pytest.mark.parametrize("speaks", SPOKEN)
async def test_a_text_is_a_complete_answer_of_the_dialect(speaks: DialectName) -> None:
    provider = ScriptedProvider(speaks, "one two three")
    body = await (await provider.open(call(), connect_timeout=1)).read(10_000)
    answer = dialect(speaks).decode_answer(msgspec.json.decode(body))
    assert answer.text == "one two three"
    assert answer.usage is not None
    assert answer.usage.output_tokens == 3
    assert provider.under_way == 0


@pytest.mark.parametrize("speaks", SPOKEN)
async def test_a_text_is_streamed_when_the_call_asks_for_it(speaks: DialectName) -> None:
    provider = ScriptedProvider(speaks, "one two three")
    exchange = await provider.open(call(stream=True), connect_timeout=1)
    chunks = [chunk async for chunk in exchange.chunks()]
    assert len(chunks) > 4
    assert sum(b" two" in chunk for chunk in chunks) == 1
    assert provider.under_way == 0


async def test_each_call_gets_its_line_of_the_script() -> None:
    provider = ScriptedProvider(SPOKEN[0], FailureKind.CONNECTION_LOST, Said(status=503, chunks=[b"busy"]), "fine")
    with pytest.raises(TransportFailed) as caught:
        await provider.open(call(), connect_timeout=1)
    assert caught.value.failure.kind is FailureKind.CONNECTION_LOST
    exchange = await provider.open(call(), connect_timeout=1)
    assert (exchange.status, await exchange.read(10)) == (503, b"busy")
    assert b"fine" in await (await provider.open(call(), connect_timeout=1)).read(10_000)
    assert len(provider.calls) == 3
    with pytest.raises(AssertionError, match="one call more"):
        await provider.open(call(), connect_timeout=1)


async def test_a_call_can_break_or_hang_in_the_middle() -> None:
    provider = ScriptedProvider(
        SPOKEN[0], Said(chunks=[b"a"], breaks=FailureKind.CONNECTION_LOST), Said(chunks=[b"a"], hangs=True)
    )
    for failure in (TransportFailed, TimeoutError):
        exchange = await provider.open(call(), connect_timeout=1)
        chunks = exchange.chunks()
        assert await anext(chunks) == b"a"
        with pytest.raises(failure):
            async with asyncio.timeout(0.05):
                await anext(chunks)
        exchange.abort()
        assert provider.under_way == 0


async def test_an_answer_longer_than_the_limit_is_refused() -> None:
    provider = ScriptedProvider(SPOKEN[0], Said(chunks=[b"12345"]))
    with pytest.raises(TransportFailed):
        await (await provider.open(call(), connect_timeout=1)).read(4)
