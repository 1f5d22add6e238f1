"""The wall clock is set while requests are under way: nothing that lasts is measured by it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.drill import drill
from tests.waiting import until
from tests.wiring import OPENAI, Heard
from turnout.execution.breaker import BreakerSettings
from turnout.testing import HEALTHY_TEXT
from turnout.types.decision import Decision
from turnout.types.timeouts import Timeouts

JUMPS = pytest.mark.parametrize("hours", [2, -2], ids=["+2h", "-2h"])


class SettableClock:
    """The machine's, with a wall clock that can be set."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.off = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


def times_of(decision: Decision) -> list[datetime]:
    """The moments of one record, in the order in which they were lived through."""
    found = [datetime.fromisoformat(decision.time)]
    for attempt in decision.attempts:
        started = datetime.fromisoformat(attempt.started)
        found += [started, started + timedelta(milliseconds=int(attempt.latency_ms))]  # stamps are whole milliseconds
    return found


@JUMPS
async def test_requests_under_way_go_on_and_their_times_stay_in_order(hours: int) -> None:
    clock = SettableClock()
    async with drill("drip(20)", clock=clock) as at:
        asked = [asyncio.create_task(at.ask(OPENAI, stream=bool(number % 2))) for number in range(20)]
        await until(lambda: len(at.primary.requests) >= 10)
        clock.off = timedelta(hours=hours)
        asked += [asyncio.create_task(at.ask(OPENAI, stream=bool(number % 2))) for number in range(20)]
        heard = await asyncio.gather(*asked)
    assert all(isinstance(each, Heard) and each.complete and each.text == HEALTHY_TEXT for each in heard)
    decided = at.wired.ledger.decisions
    assert len({each.id for each in decided}) == 40
    for each in decided:
        assert times_of(each) == sorted(times_of(each)), each
        assert 0 <= each.latency_ms < 60_000


@JUMPS
async def test_the_next_target_is_asked_after_a_failure_although_the_clock_was_set(hours: int) -> None:
    clock = SettableClock()
    async with drill("delay_first_token(30)", clock=clock, timeouts=Timeouts(first_token=0.5, total=30)) as at:
        asked = asyncio.create_task(at.ask(OPENAI, stream=True))
        await until(lambda: at.primary.requests)
        clock.off = timedelta(hours=hours)
        assert isinstance(heard := await asked, Heard)
    assert heard.text == HEALTHY_TEXT
    first, second = at.wired.decision.attempts
    assert (first.error_class, second.outcome) == ("first_token_timeout", "answered")
    assert 450 < first.latency_ms < 10_000
    assert times_of(at.wired.decision) == sorted(times_of(at.wired.decision))


@JUMPS
async def test_a_silence_is_as_long_as_it_is(hours: int) -> None:
    clock = SettableClock()
    async with drill("stall_after(3, 30)", clock=clock, timeouts=Timeouts(idle=0.5, total=30)) as at:
        asked = asyncio.create_task(at.ask(OPENAI, stream=True))
        await until(lambda: at.primary.requests)
        clock.off = timedelta(hours=hours)
        assert isinstance(heard := await asked, Heard)
    assert heard.error
    assert at.wired.decision.attempts[0].error_class == "idle_timeout"
    assert 450 < at.wired.decision.latency_ms < 10_000


@JUMPS
async def test_no_breaker_closes_or_stays_open_for_it(hours: int) -> None:
    clock = SettableClock()
    async with drill("status(503)", clock=clock, settings=BreakerSettings(consecutive=2, cooldown=0.5)) as at:
        for _ in range(2):
            await at.ask(OPENAI, stream=False)
        opened = time.monotonic()
        assert at.wired.breakers.not_closed() == {"primary": "open"}
        clock.off = timedelta(hours=hours)
        at.primary.use(None)
        await until(lambda: at.wired.breakers.not_closed() == {"primary": "half_open"})
        assert time.monotonic() - opened > 0.4
        await at.ask(OPENAI, stream=False)
        assert at.wired.breakers.not_closed() == {}
