"""Two hundred callers at once, and a budget for none, one, ten or all but one of them.

Whatever becomes of their calls, what is settled stays within the budget but for one call's error of estimation, nobody
is refused for whom there was room, and nothing stays reserved. `pytest -m slow -s` runs all of it and prints a table.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
import pytest
import redis

from tests.valkeys import valkey_server
from tests.waiting import until
from tests.wiring import OPENAI, PRICE, Wired, endpoint, wire
from turnout.errors import BudgetExhausted, RequestFailed
from turnout.execution.breaker import BreakerSettings
from turnout.execution.retry import RetrySettings
from turnout.execution.spending import DENSE, MARGIN, TYPICAL_OUTPUT
from turnout.providers.transport import HttpCall
from turnout.state.counters import Counters
from turnout.state.memory_counters import MemoryCounters
from turnout.state.shared_counters import SharedCounters
from turnout.state.sqlite_counters import SqliteBackend
from turnout.state.valkey_counters import ValkeyBackend
from turnout.tenancy.budgets import Budgets
from turnout.testing import Said, ScriptedProvider
from turnout.testing.scripted_provider import ScriptedExchange
from turnout.types.clock import SystemClock
from turnout.types.failure import FailureKind
from turnout.types.money import Price
from turnout.types.request import Caller, Request
from turnout.types.spend import BudgetState
from turnout.types.tenant import Budget, Period
from turnout.types.timeouts import Timeouts

CALLERS: Final = 200
WORDS: Final = 40
"""The longest answer, in tokens; `max_tokens` of every request."""
DEAR: Final = Price(input=Decimal(5), output=Decimal(50), version="dear")
CLOCK: Final = SystemClock()
PATIENT: Final = Timeouts(connect=60.0, first_token=60.0, idle=60.0, answer=60.0, total=120.0)
INPUT: Final = 7
"""Our estimate of the request's input, in tokens."""


def price_of(price: Price, *, words: int = WORDS, margin: float = MARGIN) -> Decimal:
    tokens = INPUT if margin == 1 else max(int(INPUT * margin), len(asked(Scene()).raw) // DENSE)
    return (price.input * tokens + (price.output or Decimal(0)) * words).scaleb(-6)


class Unhurried(ScriptedProvider):
    """Answers after a while, so that calls overlap."""

    async def open(self, call: HttpCall, *, connect_timeout: float) -> ScriptedExchange:
        await asyncio.sleep(random.uniform(0, 0.01))
        return await super().open(call, connect_timeout=connect_timeout)


@dataclass(frozen=True)
class Scene:
    """What becomes of the calls.

    Attributes:
        words: how long the next answer is.
        stream: whether answers are streamed.
        leaves: the share of callers that leaves in the middle.
        fails: what the next call of the first target runs into; None for nothing.
        dear: whether a dearer target takes over.
    """

    words: Callable[[], int] = lambda: WORDS
    stream: bool = False
    leaves: float = 0.0
    fails: Callable[[], FailureKind | Said | None] = lambda: None
    dear: bool = False


def _any_length() -> int:
    return random.randint(1, WORDS)


def _fails() -> FailureKind | Said | None:
    return random.choice([None, FailureKind.CONNECTION_LOST, FailureKind.CONNECT_FAILED, Said(status=500)])


SCENES: Final = {
    "fixed costs": Scene(),
    "variable costs": Scene(words=_any_length),
    "streamed": Scene(words=_any_length, stream=True),
    "cancelled": Scene(words=_any_length, stream=True, leaves=0.5),
    "failed": Scene(words=_any_length, fails=_fails),
    "dearer fallback": Scene(words=_any_length, fails=_fails, dear=True),
}


@asynccontextmanager
async def gateways(store: str, directory: Path, url: str) -> AsyncIterator[list[Counters]]:
    """The counters of each gateway over one store."""
    async with AsyncExitStack() as stack:
        if store == "memory":
            yield [MemoryCounters(CLOCK)]
            return
        opened: list[Counters] = []
        for _ in range(4 if store == "sqlite" else 2):
            backend = (
                SqliteBackend(directory / "c.sqlite", CLOCK) if store == "sqlite" else ValkeyBackend(url, timeout_s=30)
            )
            counters = SharedCounters(backend, CLOCK, name=store)
            stack.push_async_callback(counters.close)
            opened.append(counters)
        yield opened


def gateway(scene: Scene, counters: Counters, budget: Budget) -> Wired:
    def script() -> list[str | FailureKind | Said]:
        return [scene.fails() or " ".join(["word"] * scene.words()) for _ in range(4 * CALLERS)]

    endpoints = [endpoint("first", Unhurried(OPENAI, *script()), OPENAI)]
    if scene.dear:
        answers = [" ".join(["word"] * scene.words()) for _ in range(4 * CALLERS)]
        endpoints.append(endpoint("dear", Unhurried(OPENAI, *answers), OPENAI, price=DEAR))
    calm = BreakerSettings(consecutive=100 * CALLERS, minimum=100 * CALLERS)
    wired = wire(*endpoints, timeouts=PATIENT, settings=calm, retries=RetrySettings(base=0.001))
    wired.router.budgets = Budgets(counters, CLOCK, [budget])
    return wired


def asked(scene: Scene) -> Request:
    body = {"model": "route", "messages": [{"role": "user", "content": "hello"}], "max_tokens": WORDS}
    body["stream"] = scene.stream
    raw = msgspec.json.encode(body)
    return Request(dialect=OPENAI, route="route", raw=raw, body=body, stream=scene.stream, caller=Caller())


async def one(wired: Wired, scene: Scene, request: Request | None = None) -> str:
    """What becomes of one request."""
    leaves = random.random() < scene.leaves
    try:
        reply = await wired.router.handle(request or asked(scene))
        if reply.stream is not None:
            async for _ in reply.stream:
                if leaves:
                    break
            await reply.stream.aclose()
    except BudgetExhausted:
        return "refused"
    except RequestFailed:
        return "failed"
    return "left" if leaves else "answered"


async def asks(wired: Wired, scene: Scene) -> str:
    """One caller; some of those that leave do so before there is an answer."""
    asking = asyncio.ensure_future(one(wired, scene))
    if random.random() < scene.leaves / 2:
        await asyncio.sleep(random.uniform(0, 0.02))
        asking.cancel()
    with suppress(asyncio.CancelledError):
        return await asking
    return "left"


@dataclass(frozen=True)
class Race:
    state: BudgetState
    became: list[str]
    attempts: int

    def count(self, what: str) -> int:
        return self.became.count(what)


async def race(scene: Scene, room: int, all_counters: list[Counters]) -> Race:
    """Two hundred at once."""
    budget = Budget(name="race", usd=price_of(PRICE) * room, per=Period.TOTAL)
    wired = [gateway(scene, counters, budget) for counters in all_counters]
    became = await asyncio.gather(*(asks(wired[place % len(wired)], scene) for place in range(CALLERS)))
    decisions = [decision for each in wired for decision in each.ledger.decisions]
    booked = sum((decision.cost_usd or Decimal(0) for decision in decisions), Decimal(0))
    async with asyncio.timeout(60):  # what was settled last is still on its way
        while True:
            budgets = wired[0].router.budgets
            assert budgets is not None
            (state,) = await budgets.states(Caller(), "route")
            if state.held_usd == 0 and abs(state.spent_usd - booked) < Decimal("1e-9"):
                break
            await asyncio.sleep(0.02)
    return Race(state, became, sum(len(decision.attempts) for decision in decisions))


def check(scene: Scene, room: int, ran: Race) -> None:
    dearest = DEAR if scene.dear else PRICE
    likely = price_of(PRICE, words=min(WORDS, TYPICAL_OUTPUT), margin=1)
    error = price_of(dearest) - price_of(dearest, margin=1)
    assert ran.state.held_usd == 0
    assert ran.state.spent_usd <= ran.state.usd + error, "overshoot"
    if ran.count("refused"):
        assert ran.attempts >= room, "somebody was refused for whom there was room"
        assert ran.state.spent_usd + (price_of(dearest, margin=1) if scene.dear else likely) > ran.state.usd
    assert room or not ran.attempts


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with valkey_server() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.mark.parametrize("room", [0, 1, 10, 199])
async def test_a_budget_holds_for_any_number_at_once(room: int) -> None:
    ran = await race(SCENES["fixed costs"], room, [MemoryCounters(CLOCK)])
    check(SCENES["fixed costs"], room, ran)
    assert ran.count("answered") == ran.attempts
    assert ran.count("refused") == CALLERS - ran.attempts


@pytest.mark.parametrize("name", [name for name in SCENES if name != "fixed costs"])
async def test_a_budget_holds_whatever_becomes_of_the_calls(name: str) -> None:
    check(SCENES[name], 10, await race(SCENES[name], 10, [MemoryCounters(CLOCK)]))


@pytest.mark.parametrize("told", [{"max_tokens": -1}, {"max_tokens": WORDS, "max_completion_tokens": 1}])
async def test_a_budget_holds_whatever_callers_say_of_the_length(told: dict[str, int]) -> None:
    """Servers differ in which of two bounds they keep, and take one below 1 for none."""
    budget = Budget(name="race", usd=price_of(PRICE), per=Period.TOTAL)
    wired = gateway(SCENES["fixed costs"], MemoryCounters(CLOCK), budget)
    ordinary = asked(SCENES["fixed costs"])
    body = {**ordinary.body, **told}
    odd = msgspec.structs.replace(ordinary, body=body, raw=msgspec.json.encode(body))
    became = await asyncio.gather(*(one(wired, SCENES["fixed costs"], None if n % 2 else odd) for n in range(CALLERS)))
    assert wired.router.budgets is not None
    (state,) = await wired.router.budgets.states(Caller(), "route")
    assert state.held_usd == 0
    assert state.spent_usd <= state.usd
    assert became.count("answered") == 1


@pytest.mark.parametrize("store", ["sqlite", "valkey"])
async def test_a_budget_holds_for_gateways_that_share_it(store: str, tmp_path: Path, url: str) -> None:
    async with gateways(store, tmp_path, url) as counters:
        check(SCENES["cancelled"], 10, await race(SCENES["cancelled"], 10, counters))


async def test_while_valkey_hangs_each_gateway_spends_its_lease_and_no_more(tmp_path: Path) -> None:
    """Fifty calls fit; two gateways that cannot ask may let in five each besides."""
    scene, room, share = SCENES["fixed costs"], 50, 0.1
    budget = Budget(name="race", usd=price_of(PRICE) * room, per=Period.TOTAL, alone=share)
    with valkey_server() as server:
        pid, url = server.client().info()["process_id"], f"redis://127.0.0.1:{server.port}/0"
        async with AsyncExitStack() as stack:
            wired = []
            for _ in range(2):
                counters = SharedCounters(ValkeyBackend(url, timeout_s=0.5), CLOCK, name="Valkey")
                stack.push_async_callback(counters.close)
                wired.append((gateway(scene, counters, budget), counters))
            assert [await one(each, scene) for each, _ in wired] == ["answered", "answered"]
            os.kill(pid, signal.SIGSTOP)
            try:
                asking = [one(wired[place % 2][0], scene) for place in range(CALLERS)]
                alone = await asyncio.gather(*asking)
                assert all(counters.away for _, counters in wired)
            finally:
                os.kill(pid, signal.SIGCONT)
            assert 1 <= alone.count("answered") <= 2 * (int(room * share) + 1)
            assert alone.count("answered") + alone.count("refused") == CALLERS
            await until(lambda: not any(counters.away for _, counters in wired))
            after = await asyncio.gather(*(one(wired[place % 2][0], scene) for place in range(CALLERS)))
            answered = 2 + alone.count("answered") + after.count("answered")
            await until(lambda: all(not counters._owed and not counters._debts for _, counters in wired))
            budgets = wired[0][0].router.budgets
            assert budgets is not None
            (state,) = await budgets.states(Caller(), "route")
        decisions = [decision for each, _ in wired for decision in each.ledger.decisions]
        assert state.spent_usd == sum((decision.cost_usd or Decimal(0) for decision in decisions), Decimal(0))
        assert state.held_usd == 0
        assert room <= answered
        assert state.spent_usd <= state.usd + price_of(PRICE) - price_of(PRICE, margin=1)


@pytest.mark.slow
@pytest.mark.parametrize("store", ["memory", "sqlite", "valkey"])
async def test_the_whole_race(store: str, tmp_path: Path, url: str) -> None:
    table = [
        f"{'calls':16} {'room':>4} {'budget USD':>11} {'settled USD':>12} {'made':>5} {'refused':>8} {'reserved':>9}"
    ]
    for name, scene in SCENES.items():
        for room in (0, 1, 10, 199):
            if store == "valkey":
                redis.Redis.from_url(url).flushall()
            async with gateways(store, tmp_path / f"{name}-{room}", url) as counters:
                ran = await race(scene, room, counters)
            state = ran.state
            table.append(
                f"{name:16} {room:4} {state.usd:11.6f} {state.spent_usd:12.6f} {ran.attempts:5} "
                f"{ran.count('refused'):8} {state.held_usd:9.6f}"
            )
            check(scene, room, ran)
    print("\n".join(["", f"200 at once, counted in {store}", *table]))  # noqa: T201
