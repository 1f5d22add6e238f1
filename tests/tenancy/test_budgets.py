"""Budgets: who shares one, who waits for whom, and how they stand."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from tests.waiting import until
from tests.wiring import OPENAI, endpoint
from turnout.state.memory_counters import MemoryCounters
from turnout.tenancy.budgets import Budgets
from turnout.testing import ScriptedProvider
from turnout.types.clock import SystemClock
from turnout.types.request import Caller
from turnout.types.spend import Quote, Refusal, Refused, Reservation
from turnout.types.tenant import Budget

CLOCK = SystemClock()
TARGET = endpoint("openai", ScriptedProvider(OPENAI), OPENAI).target


def budgets(*given: Budget) -> Budgets:
    return Budgets(MemoryCounters(CLOCK), CLOCK, given)


async def asked(
    budgets: Budgets, usd: str, *, likely: str | None = None, route: str = "r", wait: bool = False
) -> Reservation | Refusal:
    spend = budgets.spend(Caller(tenant=route), route)
    assert spend is not None
    return await spend.reserve(TARGET, Quote(Decimal(usd), Decimal(likely or usd)), wait=wait)


async def test_a_budget_of_all_is_one_whoever_asks_for_whatever() -> None:
    shared = budgets(Budget(name="whole", usd=Decimal(1), of="all"))
    first = await asked(shared, "1", route="one")
    assert not isinstance(first, Refusal)
    first.settle(Decimal(1))
    second = await asked(shared, "1", route="another")
    assert isinstance(second, Refusal)
    assert second.reason is Refused.OVER_BUDGET
    (state,) = await shared.states(Caller(), "a third")
    assert state.spent_usd == 1


async def test_who_needs_much_is_not_passed_by_who_needs_little_and_came_later() -> None:
    shared = budgets(Budget(name="b", usd=Decimal(10)))
    little = await asked(shared, "6")
    assert not isinstance(little, Refusal)
    much = asyncio.ensure_future(asked(shared, "9", wait=True))
    await until(lambda: bool(shared._lines._lines))
    later = await asked(shared, "1")
    assert isinstance(later, Refusal)
    assert later.reason is Refused.BUDGET_BUSY
    waiting = asyncio.ensure_future(asked(shared, "2", wait=True))
    await asyncio.sleep(0)
    assert not isinstance(await asked(shared, "0"), Refusal)  # what costs nothing need not wait
    never = await asked(shared, "11")
    assert isinstance(never, Refusal)
    assert never.reason is Refused.OVER_BUDGET
    little.settle(Decimal(0))
    first = await much
    assert not isinstance(first, Refusal)
    assert not waiting.done()
    first.settle(Decimal(0))
    last = await waiting
    assert not isinstance(last, Refusal)
    last.settle(Decimal(0))
    (state,) = await shared.states(Caller(tenant="r"), "r")
    assert state.held_usd == 0
    assert not isinstance(await asked(shared, "10"), Refusal)
