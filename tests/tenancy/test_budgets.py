"""Budgets: who shares one, who waits for whom, and how they stand."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import a_context
from tests.waiting import until
from tests.wiring import OPENAI, endpoint, wire
from turnout.router.spending import read_budgets
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


@pytest.mark.parametrize("of", ["user", "project"])
async def test_no_tenants_users_or_projects_share_an_account_whatever_they_are_called(of: str) -> None:
    named = (("a", "b/c"), ("a/b", "c"), ("a%2Fb", "c"))
    callers = [Caller(tenant=tenant, user=name, project=name) for tenant, name in named]
    each = budgets(Budget(name="b", usd=Decimal(1), of=of))
    for caller in callers:
        spend = each.spend(caller, "r")
        assert spend is not None
        assert not isinstance(await spend.reserve(TARGET, Quote(Decimal(1), Decimal(1)), wait=False), Refusal)


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


class Move(NamedTuple):
    """A caller begins, or one that has begun ends."""

    worst: int
    likely: int
    used: int
    ends: int


@given(
    st.integers(0, 60),
    st.lists(
        st.tuples(st.integers(0, 40), st.floats(0, 1), st.floats(0, 1), st.integers(0, 5)).map(
            lambda drawn: Move(drawn[0], int(drawn[0] * drawn[1]), int(drawn[0] * drawn[2]), drawn[3])
        ),
        max_size=40,
    ),
)
def test_the_law(usd: int, moves: list[Move]) -> None:
    """What is settled passes a budget by one call's error at most; nobody is refused for whom there is room."""

    async def run() -> None:
        shared = budgets(Budget(name="b", usd=Decimal(usd)))
        under_way: list[tuple[Reservation, Move]] = []
        error = spent = 0
        for move in moves:
            held = sum(other.worst for _, other in under_way)
            got = await asked(shared, str(move.worst), likely=str(move.likely))
            if isinstance(got, Refusal):
                assert move.worst + held + spent > usd, "refused with room left"
                assert got.reason is (Refused.OVER_BUDGET if spent + move.likely > usd else Refused.BUDGET_BUSY)
                assert under_way or got.reason is Refused.OVER_BUDGET
            else:
                under_way.append((got, move))
                error = max(error, move.worst - move.likely)
            for _ in range(min(move.ends, len(under_way))):
                ended, its = under_way.pop(0)
                ended.settle(Decimal(its.used))
                ended.settle(Decimal(its.worst))  # only the first time counts
                spent += its.used
        for ended, its in under_way:
            ended.settle(Decimal(its.used))
            spent += its.used
        (state,) = await shared.states(Caller(tenant="r"), "r")
        assert state.spent_usd == spent
        assert state.held_usd == 0
        assert spent <= usd + error

    asyncio.run(run())


async def test_of_a_budget_that_providers_have_each_policies_read_the_one_that_is_used_up_most() -> None:
    each = budgets(Budget(name="of-each", usd=Decimal(10), of="provider"))
    (one, other) = (endpoint(name, ScriptedProvider(OPENAI), OPENAI) for name in ("one", "other"))
    spend = each.spend(Caller(), "route")
    assert spend is not None
    held = await spend.reserve(one.target, Quote(Decimal(9), Decimal(9)), wait=False)
    assert not isinstance(held, Refusal)
    held.settle(Decimal(9))
    for endpoints in ((one, other), (other, one)):
        wired = wire(*endpoints, reads_budgets=True)
        route = wired.router.parts.routes.find("route")
        assert route is not None
        asking = a_context(targets=[point.target for point in endpoints])
        await read_budgets(each, route, asking)
        assert asking.conditions.budgets["of-each"].subject == "one"
