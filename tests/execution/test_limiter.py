"""A provider is sent as many calls at the same time as it takes: no more, and not fewer for long."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.execution.test_executor import Rig, propose
from turnout.errors import UpstreamBusy
from turnout.execution.executor import Executor
from turnout.execution.health import HealthBoard
from turnout.execution.limiter import Leave, Limiter, LimiterSettings
from turnout.execution.retry import RetrySettings
from turnout.testing import FrozenClock, Said
from turnout.types.failure import FailureKind

SLOW = Said(hangs=True)


class Permit:
    """A breaker's leave that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def succeeded(self) -> None:
        self.told.append("succeeded")

    def failed(self, reason: str, retry_after_s: float | None = None) -> None:
        self.told.append(f"failed {reason} {retry_after_s}")

    def abandoned(self) -> None:
        self.told.append("abandoned")


def limiter(most: int = 10, least: int = 2) -> tuple[Limiter, FrozenClock]:
    clock = FrozenClock()
    return Limiter(LimiterSettings(least=least, most=most), clock), clock


async def taken(limit: Limiter, number: int = 1) -> list[Leave]:
    return [await limit.take(Permit()) for _ in range(number)]


async def test_one_more_than_the_limit_waits_and_the_first_to_wait_is_the_first_to_go() -> None:
    limit, _ = limiter(most=2)
    first, second = await taken(limit, 2)
    assert limit.full
    waiting = [asyncio.create_task(limit.take(Permit())) for _ in range(2)]
    await asyncio.sleep(0)
    first.succeeded()
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, False]
    second.abandoned()
    await asyncio.gather(*waiting)
    assert limit.under_way == 2


async def test_the_breaker_hears_what_the_limiter_hears() -> None:
    limit, _ = limiter()
    permits = [Permit() for _ in range(3)]
    leaves = [await limit.take(permit) for permit in permits]
    leaves[0].succeeded()
    leaves[1].failed(FailureKind.RATE_LIMITED, 2.0)
    leaves[2].abandoned()
    assert [permit.told for permit in permits] == [["succeeded"], ["failed rate_limited 2.0"], ["abandoned"]]
    assert limit.under_way == 0


async def test_a_push_back_lowers_the_limit_once_for_all_calls_that_were_under_way() -> None:
    limit, clock = limiter(most=10)
    leaves = await taken(limit, 10)
    clock.advance(1)
    for leave in leaves:
        leave.failed(FailureKind.OVERLOADED)
    assert limit.limit == 9
    for _ in range(60):
        clock.advance(1)
        (leave,) = await taken(limit)
        clock.advance(1)
        leave.failed(FailureKind.RATE_LIMITED)
    assert limit.limit == 2


@pytest.mark.parametrize("reason", [FailureKind.SERVER_ERROR, FailureKind.TRUNCATED, FailureKind.QUOTA_EXHAUSTED])
async def test_failures_that_say_nothing_of_load_leave_it(reason: FailureKind) -> None:
    limit, clock = limiter()
    (leave,) = await taken(limit)
    clock.advance(1)
    leave.failed(reason)
    assert limit.limit == 10


async def test_it_rises_again_only_while_it_is_used() -> None:
    limit, clock = limiter(most=10)
    (leave,) = await taken(limit)
    clock.advance(1)
    leave.failed(FailureKind.OVERLOADED)
    for _ in range(100):
        clock.advance(1)
        (leave,) = await taken(limit)
        leave.succeeded()
    assert limit.limit == 9, "one call at a time proves nothing about ten"
    for _ in range(3):
        clock.advance(1)
        for leave in await taken(limit, 9):
            leave.succeeded()
    assert limit.limit == 10


async def test_whoever_leaves_while_waiting_takes_no_place_along() -> None:
    limit, _ = limiter(most=1)
    (leave,) = await taken(limit)
    gone, stays = (asyncio.create_task(limit.take(Permit())) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    leave.succeeded()
    await stays
    assert limit.under_way == 1
    late = asyncio.create_task(limit.take(Permit()))
    await asyncio.sleep(0)
    stays.result().succeeded()
    late.cancel()  # just when it is given the place
    with pytest.raises(asyncio.CancelledError):
        await late
    assert limit.under_way == 0


@given(
    st.lists(st.sampled_from(["take", "succeeded", "overloaded", "abandoned", "leave"]), max_size=60), st.integers(2, 6)
)
def test_whatever_happens_places_are_neither_lost_nor_doubled(steps: list[str], most: int) -> None:
    async def play() -> None:
        limit, clock = limiter(most=most)
        held: list[asyncio.Task[Leave]] = []
        for step in steps:
            clock.advance(1)
            if step == "take":
                held.append(asyncio.create_task(limit.take(Permit())))
            elif step == "leave":
                waiting = [task for task in held if not task.done()]
                if waiting:
                    waiting[-1].cancel()
            elif done := next((task for task in held if task.done() and not task.cancelled()), None):
                held.remove(done)
                end = done.result()
                end.failed(FailureKind.OVERLOADED) if step == "overloaded" else getattr(end, step)()
            for _ in range(3):
                await asyncio.sleep(0)
            have = [task for task in held if task.done() and not task.cancelled()]
            assert limit.under_way == len(have)
            assert len(have) <= most
            waits = any(not task.done() for task in held)
            assert not waits or limit.under_way >= limit.limit, "somebody waits beside a free place"
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    asyncio.run(play())


def limited(rig: Rig, most: int) -> Limiter:
    """One limit for the provider `a`."""
    limit = Limiter(LimiterSettings(least=1, most=most), rig.clock)
    health = HealthBoard(rig.endpoints, rig.clock)
    waits = RetrySettings(base=0.001)
    rig.executor = Executor(rig.endpoints, rig.breakers, health, retries=waits, limiters={"a": limit})
    return limit


async def test_a_full_provider_is_passed_over_for_the_next_candidate() -> None:
    rig = Rig(a=[SLOW], b=["yes"])
    limit = limited(rig, most=1)
    first = asyncio.create_task(rig.run(propose("a")))
    while not limit.full:
        await asyncio.sleep(0.001)
    delivered, work = await rig.run(propose("a", "b"))
    assert b"yes" in delivered.body
    assert [(drop.target, drop.reason) for drop in work.trace.dropped] == [("a", "provider_busy")]
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert limit.under_way == 0


async def test_without_another_candidate_the_call_waits_its_turn() -> None:
    rig = Rig(a=["one", "two"])
    limit = limited(rig, most=1)
    one, two = await asyncio.gather(rig.run(propose("a")), rig.run(propose("a")))
    assert b"one" in one[0].body
    assert b"two" in two[0].body
    assert limit.under_way == 0


async def test_a_wait_that_outlasts_the_deadline_is_told_as_busy() -> None:
    rig = Rig(a=[SLOW, "never asked"])
    limit = limited(rig, most=1)
    first = asyncio.create_task(rig.run(propose("a")))
    while not limit.full:
        await asyncio.sleep(0.001)
    work = rig.work()
    work.deadline.at = rig.clock.monotonic() + 0.02
    with pytest.raises(UpstreamBusy, match="takes no more calls at the same time") as failed:
        await rig.run(propose("a"), work)
    assert failed.value.retry_after_s == 1
    assert rig.calls == {"a": 1}
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert rig.breakers["a"].admit() is not None
