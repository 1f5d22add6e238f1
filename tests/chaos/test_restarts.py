"""Gateways that are restarted, and reconfigured, under load: nobody notices."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.processes import GatewayProcess, gateway_process
from tests.waiting import until
from turnout.testing import HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  chat:  {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  model: {{provider: chat, price: {{input: 1, output: 2}}}}
  spare: {{provider: chat, model: "fault:tokens(6)", price: {{input: 1, output: 2}}}}
routes:
  "fault:*": {{policy: model}}
  ask: {{policy: {ask}}}
server: {{notice: 1s, drain: 6s}}
"""
WITHOUT_MODEL = """
providers:
  chat:  {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  spare: {{provider: chat, model: "fault:tokens(6)", price: {{input: 1, output: 2}}}}
routes:
  "fault:*": {{policy: spare}}
  ask: {{policy: spare}}
server: {{notice: 1s, drain: 6s}}
"""
QUICK, LONG, ENDLESS = "fault:tokens(6)", "fault:tokens(30)+drip(100)", "fault:tokens(3000)+drip(100)"
DONE = b"data: [DONE]\n\n"
FULL_RATE = 100
RATE = 20
"""Requests a second; the short versions leave the machine to the tests beside them."""


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@dataclass
class Callers:
    """Callers, each request on a connection of its own, and how their requests ended."""

    url: str
    session: aiohttp.ClientSession
    seen: Counter[str] = field(default_factory=Counter)
    over: bool = False
    rate: int = RATE

    async def ask(self, model: str, *, stream: bool = False) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
        kind = f"{'stream' if stream else 'whole'} of {model}"
        try:
            async with self.session.post(f"{self.url}/v1/chat/completions", data=json.dumps(body)) as response:
                answer = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            self.seen[f"{kind}: dropped: {error!r}"] += 1
            return
        if response.status != 200:
            self.seen[f"{kind}: {response.status} {answer[:200]!r}"] += 1
        elif not stream or answer.endswith(DONE):
            self.seen[f"{kind}: answered"] += 1
        else:
            told = json.loads(answer.rpartition(b"data: ")[2])["error"]["message"]
            self.seen[f"{kind}: error: {told}"] += 1

    async def at_a_rate(self, model: str) -> None:
        """`rate` requests a second, whether or not the ones before have been answered."""
        asked: set[asyncio.Task[None]] = set()
        began, count = time.monotonic(), 0
        while not self.over:
            while count < (time.monotonic() - began) * self.rate:
                count += 1
                asked.add(asyncio.create_task(self.ask(model)))
            await asyncio.sleep(0.01)
        await asyncio.gather(*asked)

    async def again_and_again(self, model: str) -> None:
        while not self.over:
            await self.ask(model, stream=True)


@asynccontextmanager
async def callers(url: str) -> AsyncIterator[Callers]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Callers(url, session)


@dataclass
class Balancer:
    """Sends each connection to a gateway that says it is ready, in turns."""

    gateways: dict[int, GatewayProcess] = field(default_factory=dict)
    ready: list[int] = field(default_factory=list)
    turn: int = 0
    open: set[asyncio.Task[None]] = field(default_factory=set)

    async def watch(self) -> None:
        """As a load balancer does: ask every gateway a few times a second."""
        async with aiohttp.ClientSession() as session:
            while True:
                self.ready = [each.port for each in list(self.gateways.values()) if await self._well(session, each)]
                await asyncio.sleep(0.2)

    async def _well(self, session: aiohttp.ClientSession, gateway: GatewayProcess) -> bool:
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with asyncio.timeout(2), session.get(f"{gateway.url}/health/ready") as answer:
                return answer.status == 200
        return False

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, in a task that is held: asyncio alone would let it be collected under way."""
        task = asyncio.create_task(self._connect(reader, writer))
        self.open.add(task)
        task.add_done_callback(self.open.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.turn += 1
        port = self.ready[self.turn % len(self.ready)]
        with closing(writer):
            theirs, ours = await asyncio.open_connection("127.0.0.1", port)
            with closing(ours):
                asking = asyncio.create_task(_copy(reader, ours))
                await _copy(theirs, writer)
                asking.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()  # one side was reset: so must the other be


def restart(gateways: dict[int, GatewayProcess], start: Callable[[int], GatewayProcess], slot: int) -> None:
    """End a gateway as an orchestrator does, and start its successor."""
    gateways[slot].send(signal.SIGTERM)
    assert gateways[slot].ended() == 0
    gateways[slot] = start(slot)


async def under_load(at: Callers, disturb: Awaitable[None]) -> None:
    endless = asyncio.create_task(at.again_and_again(ENDLESS))
    load = [asyncio.create_task(at.at_a_rate(QUICK))]
    load += [asyncio.create_task(at.again_and_again(LONG)) for _ in range(at.rate // 2)]
    try:
        await disturb
    finally:
        at.over = True
    await asyncio.gather(*load)
    endless.cancel()
    await asyncio.wait({endless})


@pytest.mark.parametrize(
    ("seconds", "every_s", "rate"),
    [
        pytest.param(12, 4, RATE, marks=pytest.mark.timeout(120)),
        pytest.param(180, 10, FULL_RATE, marks=[pytest.mark.slow, pytest.mark.timeout(400)]),
    ],
)
async def test_a_rolling_restart_under_load_drops_nothing(
    provider: HostedFaultProvider, tmp_path: Path, seconds: int, every_s: int, rate: int
) -> None:
    config = CONFIG.format(provider=provider, ask="model")
    broken_off = f"stream of {ENDLESS}: error: The answer broke off: the gateway is being restarted."
    balancer = Balancer()
    with ExitStack() as running:

        def start(slot: int) -> GatewayProcess:
            directory = tmp_path / f"gateway-{slot}"
            return running.enter_context(gateway_process(config, directory))

        for slot in range(2):
            balancer.gateways[slot] = await asyncio.to_thread(start, slot)
        watching = asyncio.create_task(balancer.watch())
        while len(balancer.ready) < 2:
            await asyncio.sleep(0.05)
        server = await asyncio.start_server(balancer.accept, "127.0.0.1", 0, backlog=1024)

        async def roll() -> None:
            end, slot = time.monotonic() + seconds, 0
            while time.monotonic() < end or broken_off not in at.seen:
                began = time.monotonic()
                await asyncio.to_thread(restart, balancer.gateways, start, slot)
                slot = 1 - slot
                await asyncio.sleep(max(0.5, every_s - (time.monotonic() - began)))

        async with server, callers(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as at:
            at.rate = rate
            await under_load(at, roll())
            await until(lambda: not balancer.open)
        watching.cancel()
    print(dict(at.seen))  # noqa: T201 - the figures of the report
    assert at.seen.keys() == {f"whole of {QUICK}: answered", f"stream of {LONG}: answered", broken_off}, at.seen
    assert at.seen[f"whole of {QUICK}: answered"] > seconds * rate * 0.9


@pytest.mark.parametrize(
    ("seconds", "rate"),
    [(5, RATE), pytest.param(60, FULL_RATE, marks=[pytest.mark.slow, pytest.mark.timeout(200)])],
)
async def test_reloading_ten_times_a_second_under_load_fails_no_request(
    provider: HostedFaultProvider, tmp_path: Path, seconds: int, rate: int
) -> None:
    valid = [CONFIG.format(provider=provider, ask=ask) for ask in ("model", "[spare, model]")]
    versions = [
        valid[0],
        "routes: {ask: {policy: nobody}}",
        valid[1],
        valid[0][:200],
        WITHOUT_MODEL.format(provider=provider),
    ]
    with gateway_process(valid[0], tmp_path) as gateway:

        def write(text: str) -> None:
            new = tmp_path / "new.yaml"
            new.write_text(text, encoding="utf-8")
            new.replace(gateway.file)
            gateway.send(signal.SIGHUP)

        async def reload() -> None:
            end, count = time.monotonic() + seconds, 0
            while time.monotonic() < end:
                write(versions[count % len(versions)])
                count += 1
                await asyncio.sleep(0.1)
            at.over = True

        async with callers(gateway.url) as at:
            at.rate = rate
            streams = [asyncio.create_task(at.again_and_again(LONG)) for _ in range(10)]
            await asyncio.gather(at.at_a_rate("ask"), reload(), *streams)
        print(dict(at.seen))  # noqa: T201 - the figures of the report
        assert at.seen.keys() == {"whole of ask: answered", f"stream of {LONG}: answered"}, at.seen
        assert at.seen["whole of ask: answered"] > seconds * rate * 0.9
        write("targets: {}")
        status, body = gateway.ready()
        end = time.monotonic() + 5
        while time.monotonic() < end and "targets" not in str(body):
            status, body = gateway.ready()
            await asyncio.sleep(0.05)
        assert (status, body["status"]) == (200, "ok"), "what cannot be used is no reason to take it out of service"
        assert "targets" in body["config"]["error"]
        sockets = _sockets(gateway.child.pid)
        assert sockets < 60, "connections of configurations that are gone are left open"


def _sockets(process: int) -> int:
    """How many sockets it has open."""
    links = (str(each.readlink()) for each in Path(f"/proc/{process}/fd").iterdir())
    return sum(link.startswith("socket:") for link in links)
