"""Many at once, each holding on to something: slow senders, silent streams, more requests than there is room for.

The short forms run with every other test; the long ones, at the size of the promise, print their figures.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.processes import GatewayProcess, gateway_process
from tests.waiting import until
from turnout.testing import HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  model:  {{provider: chat, model: the-model, price: {{input: 1, output: 2}}}}
routes:
  assistant: {{policy: model, timeouts: {{first_token: 300s, idle: 300s, answer: 300s, total: 300s}}}}
server:
  drain: 1s
  notice: 1ms
  limits: {{max_in_flight: {room}, max_waiting: {line}, max_wait: {wait}, head_timeout: {head}, body_timeout: {head}}}
"""


def request(*, stream: bool = False, close: bool = False) -> bytes:
    body = {"model": "assistant", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    raw = json.dumps(body).encode()
    ending = "connection: close\r\n" if close else ""
    return f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{ending}content-length: {len(raw)}\r\n\r\n".encode() + raw


Member = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Told:
    """What callers were told.

    Attributes:
        served_ms, refused_ms: how long each answer took, by whether it was 200.
        hints: how many refusals said when to come again.
        broken: how many got neither an answer nor a refusal.
    """

    served_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)
    hints: int = 0
    broken: int = 0

    def p99_ms(self) -> float:
        return _p99(self.served_ms)


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1] if len(values) > 1 else 0.0


async def ask(port: int, told: Told) -> None:
    """One request on a connection of its own."""
    began = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request(close=True))
            async with asyncio.timeout(60):
                answer = await reader.read()
        finally:
            writer.close()
    except OSError:
        told.broken += 1
        return
    took_ms = (time.perf_counter() - began) * 1_000
    status = answer[9:12]
    if status == b"200":
        told.served_ms.append(took_ms)
    elif status == b"503":
        told.refused_ms.append(took_ms)
        told.hints += b"retry-after: " in answer and b"x-should-retry: true" in answer
    else:
        told.broken += 1


async def traffic(port: int, rate: float, seconds: float) -> Told:
    """Requests at a rate, whether or not the earlier ones have been answered."""
    told, due = Told(), time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(int(rate * seconds)):
            tasks.create_task(ask(port, told))
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return told


@asynccontextmanager
async def crowd(port: int, size: int, first: bytes) -> AsyncIterator[list[Member]]:
    """Connections that have each sent something, and wait."""
    members: list[Member] = []
    try:
        while len(members) < size:
            more = range(min(50, size - len(members)))
            opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port, limit=4_096) for _ in more))
            for _, writer in opened:
                writer.write(first)
            members += opened
        yield members
    finally:
        for _, writer in members:
            with suppress(OSError):
                writer.transport.abort()


def resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def configured(
    provider: HostedFaultProvider, *, room: int = 20_000, line: int = 200, wait: str = "1s", head: str = "2s"
) -> str:
    return CONFIG.format(provider=provider, room=room, line=line, wait=wait, head=head)


async def slow_senders(gateway: GatewayProcess, size: int, rate: float, seconds: float) -> tuple[Told, Told, int]:
    """Good traffic alone, and beside `size` connections that never come to the end of their request."""
    alone = await traffic(gateway.port, rate, seconds)
    before = descriptors(gateway.child.pid)
    half = request()[:-20]
    async with (
        crowd(gateway.port, size // 2, b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"),
        crowd(gateway.port, size - size // 2, half),
    ):
        await until(lambda: descriptors(gateway.child.pid) - before > size // 2, 30)
        held = descriptors(gateway.child.pid) - before
        beside = await traffic(gateway.port, rate, seconds)
        await until(lambda: descriptors(gateway.child.pid) <= before + 5, 60)
    return alone, beside, held


def test_slow_senders_are_closed_in_time_and_cost_others_little(tmp_path: Path) -> None:
    with running_fault_provider(seed=1) as provider, gateway_process(configured(provider), tmp_path / "g") as gateway:
        alone, beside, held = asyncio.run(slow_senders(gateway, 100, 20, 1.5))
    assert held > 50
    assert len(beside.served_ms) == len(alone.served_ms) == 30
    assert beside.p99_ms() < max(10 * alone.p99_ms(), 2_000)


@pytest.mark.slow
def test_two_thousand_slow_senders(tmp_path: Path) -> None:
    with running_fault_provider(seed=1) as provider:
        config = configured(provider, head="30s")
        with gateway_process(config, tmp_path / "g") as gateway:
            alone, beside, held = asyncio.run(slow_senders(gateway, 2_000, 50, 20))
    print(f"slow senders: {held} held, p99 {alone.p99_ms():.1f} ms alone, {beside.p99_ms():.1f} ms beside")  # noqa: T201
    assert held >= 1_950
    assert len(beside.served_ms) == 1_000
    assert beside.p99_ms() < max(2 * alone.p99_ms(), 30)


@dataclass
class Idle:
    """What silent streams cost.

    Attributes:
        kb: memory of the gateway for each, both sides of it.
        left: descriptors that are left when they have gone.
    """

    kb: float
    alone: Told
    beside: Told
    share: float
    left: int


async def idle_streams(
    gateway: GatewayProcess, provider: HostedFaultProvider, size: int, rate: float, s: float
) -> Idle:
    pid = gateway.child.pid
    await traffic(gateway.port, rate, 1)
    alone = await traffic(gateway.port, rate, s)
    before, fds = resident_kb(pid), descriptors(pid)
    provider.use("stall_after(1,600)")
    async with crowd(gateway.port, size, request(stream=True)) as members:
        async with asyncio.timeout(240):
            await asyncio.gather(*(reader.readuntil(b"data: ") for reader, _ in members))
        provider.reset()
        kb = (resident_kb(pid) - before) / size
        began, used = time.monotonic(), processor_s(pid)
        beside = await traffic(gateway.port, rate, s)
        share = (processor_s(pid) - used) / (time.monotonic() - began)
    await until(lambda: descriptors(pid) <= fds + 10, 240)
    return Idle(kb, alone, beside, share, descriptors(pid) - fds)


def test_silent_streams_take_little_memory_and_leave_nothing_behind(tmp_path: Path) -> None:
    with running_fault_provider(seed=1) as provider, gateway_process(configured(provider), tmp_path / "g") as gateway:
        idle = asyncio.run(idle_streams(gateway, provider, 150, 20, 1))
    assert idle.kb < 200
    assert len(idle.beside.served_ms) == 20


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_eight_thousand_silent_streams(tmp_path: Path) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with running_fault_provider(seed=1) as provider, gateway_process(configured(provider), tmp_path / "g") as gateway:
        idle = asyncio.run(idle_streams(gateway, provider, 8_000, 50, 20))
    print(  # noqa: T201 - the figures of docs/reliability.md
        f"8,000 silent streams: {idle.kb:.1f} KB each, p99 {idle.alone.p99_ms():.1f} ms alone, "
        f"{idle.beside.p99_ms():.1f} ms beside them, {idle.share:.0%} of a core"
    )
    assert idle.kb < 60
    assert len(idle.beside.served_ms) == 1_000


async def overload(gateway: GatewayProcess, capacity: float, seconds: float) -> tuple[Told, Told, Told]:
    """Traffic at capacity, at ten times of it, and at half of it as soon as that has ended."""
    fitting = await traffic(gateway.port, capacity * 0.9, seconds)
    beyond = await traffic(gateway.port, capacity * 10, seconds)
    after = await traffic(gateway.port, capacity * 0.5, seconds)
    return fitting, beyond, after


def test_beyond_its_room_a_gateway_serves_as_many_as_ever_and_says_no_to_the_rest(tmp_path: Path) -> None:
    with running_fault_provider(seed=1) as provider:
        provider.use("delay_headers(0.2)")
        config = configured(provider, room=4, line=4, wait="200ms")
        with gateway_process(config, tmp_path / "g") as gateway:
            fitting, beyond, after = asyncio.run(overload(gateway, 20, 1.5))
    assert not fitting.broken + beyond.broken + after.broken
    assert len(beyond.served_ms) >= 0.5 * len(fitting.served_ms)
    assert beyond.hints == len(beyond.refused_ms) > 0
    assert len(after.served_ms) > 0.8 * 15


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_ten_times_the_traffic_that_there_is_room_for(tmp_path: Path) -> None:
    with running_fault_provider(seed=1) as provider:
        provider.use("delay_headers(0.5)")
        config = configured(provider, room=20, line=20, wait="500ms")
        with gateway_process(config, tmp_path / "g") as gateway:
            fitting, beyond, after = asyncio.run(overload(gateway, 40, 60))
    goodput = len(beyond.served_ms) / len(fitting.served_ms)
    print(  # noqa: T201 - the figures of docs/reliability.md
        f"10x: goodput {goodput:.0%} of that at capacity, {len(beyond.refused_ms)} refused, "
        f"p50 {statistics.median(beyond.refused_ms):.1f} ms, p99 {_p99(beyond.refused_ms):.1f} ms"
    )
    assert not fitting.broken + beyond.broken + after.broken
    assert goodput >= 0.8
    assert _p99(beyond.refused_ms) < 100
    assert beyond.hints == len(beyond.refused_ms)
    assert len(after.served_ms) >= 0.99 * 40 * 0.5 * 60
