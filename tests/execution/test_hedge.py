"""A second call beside a silent one: the first to begin wins, the other is cancelled and booked, nothing stays open."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import msgspec
import pytest

from tests.execution.test_executor import HANGS, LOST, Rig, propose
from tests.waiting import until
from tests.wiring import OPENAI, QUICK, Heard, endpoint, listen, request, wire
from turnout.errors import RequestFailed
from turnout.execution.health import HealthBoard
from turnout.execution.hedge import Hedging
from turnout.execution.retry_budget import RetryBudget
from turnout.execution.work import Work
from turnout.testing import FrozenClock, Said, ScriptedProvider
from turnout.types.candidate import Candidate, Plan
from turnout.types.decision import escalated, fell_back
from turnout.types.hedge import Hedge

IMPATIENT = msgspec.structs.replace(QUICK, first_token=0.3, answer=0.3)
SOON = Hedge(route="route", after_s=0.02, max_share=1.0)
HOW = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


def hedged(rig: Rig, hedge: Hedge = SOON, *, stream: bool = False) -> Work:
    work = rig.work(request(stream=stream), IMPATIENT)
    work.hedge = hedge
    return work


def streaming_rig(**scripts: Any) -> Rig:
    rig = Rig(**scripts)
    rig.endpoints |= {name: endpoint(name, rig.providers[name], OPENAI) for name in scripts}
    rig.executor = rig.executes()
    return rig


@HOW
async def test_where_the_first_is_silent_the_next_candidate_answers_and_both_are_booked(*, stream: bool) -> None:
    a, b = ScriptedProvider(OPENAI, HANGS), ScriptedProvider(OPENAI, "from b")
    wired = wire(endpoint("a", a, OPENAI), endpoint("b", b, OPENAI), hedge=SOON)
    reply = await wired.router.handle(request(stream=stream))
    assert await listen(reply, OPENAI) == Heard("from b", complete=True, finish="stop")
    decision = wired.decision
    made = [(each.target, each.outcome, each.hedge) for each in decision.attempts]
    assert made == [("a", "cancelled", False), ("b", "answered", True)]
    assert decision.attempts[0].cost_usd, "what was sent may be billed"
    assert decision.attempts[0].estimated
    assert (decision.target, decision.outcome) == ("b", "answered")
    assert not fell_back(decision)
    assert not escalated(decision)
    assert (a.under_way, b.under_way) == (0, 0)
    assert decision.overhead_ms <= decision.latency_ms
    assert wired.breakers.not_closed() == {}


async def test_with_nobody_else_to_ask_the_same_target_is_asked_again() -> None:
    rig = streaming_rig(a=[HANGS, "second"])
    delivered, work = await rig.run(propose("a"), hedged(rig))
    assert b"second" in delivered.body
    assert [(each.outcome, each.hedge) for each in work.trace.attempts] == [("cancelled", False), ("answered", True)]


async def test_when_the_plan_has_nobody_after_all_the_silent_one_is_waited_for() -> None:
    def plan() -> Plan:
        return (yield Candidate(target="a", more=True))

    rig = streaming_rig(a=[HANGS])
    work = hedged(rig)
    with pytest.raises(RequestFailed):
        await rig.run(plan(), work)
    assert [each.error_class for each in work.trace.attempts] == ["first_token_timeout"]


@pytest.mark.parametrize(
    ("first", "second"), list(product([LOST, HANGS, Said(status=500, chunks=[b"{}"]), "fine"], repeat=2))
)
@HOW
async def test_whatever_becomes_of_the_two_every_call_is_booked_once_and_none_stays_open(
    first: object, second: object, *, stream: bool
) -> None:
    rig = streaming_rig(a=[first], b=[second, "last"], c=["third"])
    work = hedged(rig, stream=stream)
    delivered, _ = await rig.run(propose("a", "b", "c"), work)
    if delivered.stream is not None:
        async for _ in delivered.stream.pieces(lambda _: None):
            pass
    calls = rig.calls
    assert sum(each.outcome == "answered" for each in work.trace.attempts) == 1
    assert {name: sum(each.target == name for each in work.trace.attempts) for name in calls} == calls
    assert all(provider.under_way == 0 for provider in rig.providers.values())
    assert all(rig.executor.health[name].in_flight == 0 for name in calls)


async def test_a_caller_who_leaves_ends_both() -> None:
    rig = streaming_rig(a=[HANGS], b=[HANGS])
    work = hedged(rig, stream=True)
    task = asyncio.create_task(rig.run(propose("a", "b"), work))
    await until(lambda: rig.calls == {"a": 1, "b": 1})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [each.outcome for each in work.trace.attempts] == ["cancelled", "cancelled"]
    assert all(rig.executor.health[name].in_flight == 0 for name in "ab")


async def test_a_caller_who_leaves_while_only_the_first_is_under_way_ends_that() -> None:
    rig = streaming_rig(a=[HANGS])
    work = hedged(rig, Hedge(route="route", after_s=30.0))
    task = asyncio.create_task(rig.run(propose("a"), work))
    await until(lambda: rig.calls == {"a": 1})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [each.outcome for each in work.trace.attempts] == ["cancelled"]


async def test_a_held_answer_and_one_that_cannot_be_streamed_are_not_hedged() -> None:
    rig = streaming_rig(a=[HANGS], b=["fine"])
    work = hedged(rig)
    await rig.run(propose("a", "b", hold=True), work)
    assert [each.outcome for each in work.trace.attempts] == ["failed", "answered"]
    plain = Rig(a=[HANGS], b=["fine"])  # its targets do not tell their usage in streams
    work = hedged(plain)
    await plain.run(propose("a", "b"), work)
    assert [each.outcome for each in work.trace.attempts] == ["failed", "answered"]


async def test_no_more_than_its_share_of_a_route_is_hedged() -> None:
    hedging = Hedging(HealthBoard(["a"], FrozenClock()), RetryBudget(ratio=1.0, reserve=1_000.0))
    hedge, allowed = Hedge(route="r", after_s=0.1, max_share=0.05), 0
    rig = Rig(a=[])
    for _ in range(1_000):
        hedging.earn(hedge)
        allowed += hedging.allows(hedged(rig, hedge))
    assert 48 <= allowed <= 51


async def test_an_empty_retry_budget_ends_hedging() -> None:
    budget = RetryBudget(ratio=0.0, reserve=2.0)
    rig = Rig(a=[])
    hedging = Hedging(HealthBoard(["a"], FrozenClock()), budget)
    allowed = 0
    for _ in range(10):
        hedging.earn(SOON)
        allowed += hedging.allows(hedged(rig))
    assert allowed == 2


async def test_the_quantile_is_the_targets_own_and_without_data_nobody_is_hedged() -> None:
    board = HealthBoard(["a"], FrozenClock())
    hedging = Hedging(board, RetryBudget())
    work = hedged(Rig(a=[]), Hedge(route="r", quantile=0.95))
    assert hedging.patience_s(Candidate(target="a"), work) is None
    for first_token_s in [0.1] * 90 + [2.0] * 10:
        board["a"].began()
        board["a"].answered(first_token_s + 1, first_token_s, 20)
    assert hedging.patience_s(Candidate(target="a"), work) == pytest.approx(2.0, rel=0.06)
    work.hedged = True
    assert hedging.patience_s(Candidate(target="a"), work) is None, "one hedge for a request"


def test_what_a_route_has_used_of_its_share_is_used_after_a_new_configuration() -> None:
    clock = FrozenClock()
    hedging = Hedging(HealthBoard(["a"], clock), RetryBudget())
    rig = Rig(clock, a=[])
    hedge = Hedge(route="r", max_share=0.01)
    assert hedging.allows(hedged(rig, hedge))
    assert not hedging.renewed(HealthBoard(["a"], clock)).allows(hedged(rig, hedge))
