from __future__ import annotations

import asyncio

import pytest

from turnout.execution.deadline import AttemptFailed, Deadline
from turnout.testing import FrozenClock
from turnout.types.clock import SystemClock
from turnout.types.failure import FailureKind


async def kind_of(deadline: Deadline, seconds: float, *, since: float | None = None) -> FailureKind:
    with pytest.raises(AttemptFailed) as caught:
        await deadline.limit(asyncio.Event().wait(), seconds, FailureKind.IDLE_TIMEOUT, since)
    return caught.value.failure.kind


async def test_what_comes_in_time_is_given() -> None:
    clock = SystemClock()
    deadline = Deadline(clock.monotonic() + 1, clock)
    assert await deadline.limit(asyncio.sleep(0, "there"), 1, FailureKind.IDLE_TIMEOUT) == "there"


async def test_the_earlier_of_phase_and_deadline_gives_its_name() -> None:
    clock = SystemClock()
    near, far = Deadline(clock.monotonic() + 0.05, clock), Deadline(clock.monotonic() + 10, clock)
    assert await kind_of(near, 10) is FailureKind.DEADLINE
    assert await kind_of(far, 0.05) is FailureKind.IDLE_TIMEOUT


async def test_a_phase_can_have_begun_before() -> None:
    clock = SystemClock()
    began = clock.monotonic()
    assert await kind_of(Deadline(began + 10, clock), 5, since=began - 5) is FailureKind.IDLE_TIMEOUT
    assert clock.monotonic() - began < 2


async def test_a_clock_that_stands_still_times_nothing_twice() -> None:
    clock = FrozenClock()
    deadline = Deadline(clock.monotonic() + 0.05, clock)
    assert await kind_of(deadline, 10) is FailureKind.DEADLINE
    deadline.check()
    clock.advance(0.05)
    assert deadline.remaining == pytest.approx(0)
    clock.advance(1)
    with pytest.raises(AttemptFailed) as caught:
        deadline.check()
    assert caught.value.failure.kind is FailureKind.DEADLINE


async def test_cancelling_from_outside_is_no_timeout() -> None:
    clock = SystemClock()
    deadline = Deadline(clock.monotonic() + 10, clock)
    task = asyncio.create_task(deadline.limit(asyncio.Event().wait(), 10, FailureKind.IDLE_TIMEOUT))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_from_outside_at_the_same_moment_is_no_timeout() -> None:
    clock = SystemClock()
    deadline = Deadline(clock.monotonic() + 10, clock)
    task = asyncio.create_task(deadline.limit(asyncio.Event().wait(), 0, FailureKind.IDLE_TIMEOUT))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_answer_that_comes_while_time_runs_out_leaves_no_cancellation_behind() -> None:
    clock = SystemClock()

    async def finishes_nevertheless() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "there"
        raise AssertionError

    deadline = Deadline(clock.monotonic() + 10, clock)
    assert await deadline.limit(finishes_nevertheless(), 0.01, FailureKind.IDLE_TIMEOUT) == "there"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_waits_within_waits_are_told_apart() -> None:
    clock = SystemClock()
    deadline = Deadline(clock.monotonic() + 10, clock)
    inner = deadline.limit(asyncio.Event().wait(), 10, FailureKind.ANSWER_TIMEOUT)
    with pytest.raises(AttemptFailed) as caught:
        await deadline.limit(inner, 0.01, FailureKind.IDLE_TIMEOUT)
    assert caught.value.failure.kind is FailureKind.IDLE_TIMEOUT
