"""The race for a budget among real gateways: workers of one machine, and gateways that share a Valkey, over HTTP.

Every answer costs what is reserved for it, so the law is exact: as many are answered as the budget has room for, the
rest is refused, and nothing stays reserved. `pytest -m slow -s` runs two hundred callers and prints a table.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.processes import GatewayProcess, gateway_process
from tests.valkeys import valkey_server
from turnout.config.spending import counters_file
from turnout.state.shared_counters import SharedCounters
from turnout.state.sqlite_counters import SqliteBackend
from turnout.state.valkey_counters import ValkeyBackend
from turnout.tenancy.budgets import Budgets
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.clock import SystemClock
from turnout.types.request import Caller
from turnout.types.spend import BudgetState
from turnout.types.tenant import Budget, Period

WORDS: Final = 20
ANSWER_USD: Final = Decimal("0.0002")
CLOCK: Final = SystemClock()
ROUTES: Final = {"answered": "fixed", "dearer": "upward", "left": "slow"}
CONFIG: Final = """
providers:
  one: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: k}}
  two: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: k}}
targets:
  plain:  {{provider: one, model: "fault:tokens(20)", price: {{input: 0, output: 10}}}}
  broken: {{provider: two, model: "fault:status(500)", price: {{input: 0, output: 1}}}}
  slow:   {{provider: one, model: "fault:tokens(20)+drip(20)", price: {{input: 0, output: 10}}}}
routes:
  fixed:  {{policy: plain}}
  upward: {{policy: [broken, plain]}}
  slow:   {{policy: slow}}
tenants: {tenants}
server: {{keys: {keys}}}
state: {state}
"""


def named(kind: str, room: int) -> str:
    return f"{kind}-{room}"


def configured(provider: HostedFaultProvider, rooms: Sequence[int], state: str) -> str:
    tenants = {
        named(kind, room): {"budgets": [{"usd": float(ANSWER_USD * room), "per": "total"}]}
        for kind in ROUTES
        for room in rooms
    }
    keys = [{"key": f"the-key-of-{tenant}", "tenant": tenant} for tenant in tenants]
    return CONFIG.format(provider=provider, tenants=json.dumps(tenants), keys=json.dumps(keys), state=state)


async def ask(session: aiohttp.ClientSession, url: str, kind: str, room: int) -> str:
    """What becomes of one caller, on a connection of its own; of those that may leave, half do in mid-stream."""
    leaves = kind == "left" and random.random() < 0.5
    body = {"model": ROUTES[kind], "messages": [{"role": "user", "content": "Hi"}], "max_tokens": WORDS}
    asking = {"stream": kind == "left", **body}
    key = {"authorization": f"Bearer the-key-of-{named(kind, room)}"}
    async with session.post(f"{url}/v1/chat/completions", json=asking, headers=key) as response:
        if response.status == 200 and leaves:
            await response.content.readany()
            return "left"
        told = await response.text()
    if response.status == 200:
        return "answered"
    refusals = {"insufficient_quota"} | ({"upstream_failed"} if kind == "dearer" else set())
    assert json.loads(told)["error"]["code"] in refusals, told
    return "refused"


async def race(gateways: Sequence[GatewayProcess], callers: int, kind: str, room: int) -> Counter[str]:
    """All callers at once, of every gateway in turn."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as session:
        urls = [gateways[place % len(gateways)].url for place in range(callers)]
        return Counter(await asyncio.gather(*(ask(session, url, kind, room) for url in urls)))


@asynccontextmanager
async def counted(data: Path, valkey: str | None) -> AsyncIterator[Budgets]:
    """The counts of the gateways, read from where they keep them."""
    backend = ValkeyBackend(valkey, timeout_s=30) if valkey else SqliteBackend(counters_file(data), CLOCK)
    counters = SharedCounters(backend, CLOCK, name="the gateways' own")

    def of_tenant(name: str) -> tuple[Budget, ...]:
        usd = ANSWER_USD * int(name.rpartition("-")[2])
        return (Budget(name=f"{name}/tenant-total", usd=usd, per=Period.TOTAL),)

    try:
        yield Budgets(counters, CLOCK, of_tenant=of_tenant)
    finally:
        await counters.close()


async def settled(budgets: Budgets, tenant: str) -> BudgetState:
    """How the budget stands once nothing is reserved any more."""
    async with asyncio.timeout(60):
        while True:
            (state,) = await budgets.states(Caller(tenant=tenant), "any")
            if state.held_usd == 0:
                return state
            await asyncio.sleep(0.05)


async def races(
    gateways: Sequence[GatewayProcess], valkey: str | None, callers: int, rooms: Sequence[int]
) -> list[str]:
    """Every race, judged; a line of the table for each."""
    lines = [
        f"{'callers':9} {'room':>5} {'budget USD':>11} {'settled USD':>12} {'answered':>9} {'left':>5} {'refused':>8}"
    ]
    for kind in ROUTES:
        for room in rooms:
            became = await race(gateways, callers, kind, room)
            async with counted(gateways[0].data, valkey) as budgets:
                state = await settled(budgets, named(kind, room))
            lines.append(
                f"{kind:9} {room:5} {state.usd:11.4f} {state.spent_usd:12.6f} {became['answered']:9} "
                f"{became['left']:5} {became['refused']:8}"
            )
            assert state.spent_usd <= state.usd, "overshoot"
            if kind == "left":
                assert became["answered"] + became["left"] >= min(room, callers), "refused for whom there was room"
            else:
                assert became["answered"] == min(room, callers), became
                assert state.spent_usd == ANSWER_USD * became["answered"]
    return lines


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


def race_of_workers(provider: HostedFaultProvider, directory: Path, workers: int, callers: int, *rooms: int) -> str:
    config = configured(provider, rooms, "{store: sqlite}")
    with gateway_process(config, directory, "--workers", str(workers)) as gateway:
        return "\n".join(asyncio.run(races([gateway], None, callers, rooms)))


def race_of_gateways(provider: HostedFaultProvider, directory: Path, callers: int, *rooms: int) -> str:
    with ExitStack() as running, valkey_server() as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        config = configured(provider, rooms, f'{{store: valkey, url: "{url}"}}')
        gateways = [running.enter_context(gateway_process(config, directory / str(place))) for place in range(2)]
        return "\n".join(asyncio.run(races(gateways, url, callers, rooms)))


def test_workers_of_one_gateway_share_a_budget_to_the_last_request(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    race_of_workers(provider, tmp_path, 2, 40, 10)


def test_gateways_on_one_valkey_share_a_budget_to_the_last_request(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    race_of_gateways(provider, tmp_path, 40, 10)


@pytest.mark.slow
def test_the_whole_race_over_http(provider: HostedFaultProvider, tmp_path: Path) -> None:
    rooms = (0, 1, 10, 199)
    print("\n4 workers, SQLite", race_of_workers(provider, tmp_path / "workers", 4, 200, *rooms), sep="\n")  # noqa: T201
    print("\n2 gateways, Valkey", race_of_gateways(provider, tmp_path / "gateways", 200, *rooms), sep="\n")  # noqa: T201
