"""Rate limits: what they let in, what they say, and that they are kept by everybody together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.valkeys import valkey_server
from turnout.state.counters import Account, Counters, Tally
from turnout.state.database import Unavailable
from turnout.state.memory_counters import MemoryCounters
from turnout.state.shared_counters import Answer, Backend, Op, SharedCounters
from turnout.state.sqlite_counters import SqliteBackend
from turnout.state.valkey_counters import ValkeyBackend
from turnout.tenancy.rates import MINUTE_S, SOON_S, Pace, Rates, Tokens, TooFast
from turnout.testing import FrozenClock
from turnout.types.clock import Clock
from turnout.types.rate import Allowance, Limited
from turnout.types.request import Caller
from turnout.types.tenant import RateLimit, Tenant
from turnout.wire.anthropic_messages.rate_headers import rate_headers as anthropic_headers
from turnout.wire.openai_chat.rate_headers import rate_headers as openai_headers

FEW = Tokens(likely=10, worst=100)
_A_MINUTE = datetime(2100, 1, 1, tzinfo=UTC)
"""Its counts expire on a server in the future, too."""


def nobody(_: str) -> Tenant | None:
    return None


def rates_of(counters: Counters | None = None, clock: Clock | None = None) -> Rates:
    clock = clock or FrozenClock()
    return Rates(MemoryCounters(clock) if counters is None else counters, clock, nobody)


def limited(name: str = "key a", whose: str = "This API key", **limit: int) -> list[Limited]:
    return [Limited(name, whose, RateLimit(**limit))]


async def let_in(rates: Rates, limits: Sequence[Limited], tokens: Tokens = FEW) -> Pace:
    entered = await rates.enter(limits, tokens)
    assert isinstance(entered, Pace), entered
    return entered


async def refused(rates: Rates, limits: Sequence[Limited], tokens: Tokens = FEW) -> TooFast:
    entered = await rates.enter(limits, tokens)
    assert isinstance(entered, TooFast), entered
    return entered


async def served(rates: Rates, limits: Sequence[Limited], times: int, used: int = 0) -> None:
    for _ in range(times):
        (await let_in(rates, limits)).settle(used)


async def test_requests_are_let_in_until_the_minute_has_had_enough() -> None:
    clock = FrozenClock()
    rates, limits = rates_of(clock=clock), limited(requests_per_minute=60)
    clock.advance(15)
    await served(rates, limits, 60)
    why = await refused(rates, limits)
    assert why.why == "This API key may send 60 requests a minute. Try again in 46 s."
    assert why.wait_s == pytest.approx(46), "from the end of the minute of the clock on, one comes back a second"


async def test_a_minute_slides_so_that_nobody_has_twice_the_limit_where_two_meet() -> None:
    clock = FrozenClock()
    rates, limits = rates_of(clock=clock), limited(requests_per_minute=60)
    clock.advance(59)
    await served(rates, limits, 60)
    clock.advance(1)
    await refused(rates, limits)
    clock.advance(30)
    await served(rates, limits, 30)
    await refused(rates, limits)
    clock.advance(30 + MINUTE_S)
    await served(rates, limits, 60)


async def test_a_request_under_way_counts_before_it_has_ended() -> None:
    rates, limits = rates_of(), limited(requests_per_minute=2)
    await let_in(rates, limits)
    await let_in(rates, limits)
    assert (await refused(rates, limits)).wait_s != SOON_S, "it will have been used"


async def test_tokens_are_held_at_their_worst_and_settled_at_what_they_were() -> None:
    rates, limits = rates_of(), limited(tokens_per_minute=1000)
    await served(rates, limits, 9, used=100)
    pace = await let_in(rates, limits)
    assert pace.standing.tokens == Allowance(1000, 0, 120.0)
    busy = await refused(rates, limits)
    assert busy.wait_s == SOON_S, "what others have under way may turn out less"
    pace.settle(20)
    await served(rates, limits, 1, used=500)
    full = await refused(rates, limits)
    assert full.wait_s == pytest.approx(60 + 60 * (1 - 990 / 1420))
    assert full.why == "This API key may use 1,000 tokens a minute. Try again in 79 s."


async def test_a_request_whose_answer_may_be_too_long_is_let_in_alone() -> None:
    rates, limits = rates_of(), limited(tokens_per_minute=1000)
    pace = await let_in(rates, limits, Tokens(likely=900, worst=5000))
    assert (await refused(rates, limits)).wait_s == SOON_S
    pace.settle(950)
    await let_in(rates, limits, Tokens(likely=50, worst=5000))


async def test_what_can_never_fit_is_told_so() -> None:
    too_large = await refused(rates_of(), limited(tokens_per_minute=1000), Tokens(likely=1001, worst=1002))
    assert too_large.wait_s is None
    assert too_large.why == ("This request has about 1,001 tokens, and this API key may use 1,000 a minute. Send less.")


async def test_a_place_under_way_is_free_again_once_the_request_has_ended() -> None:
    rates, limits = rates_of(), limited(concurrent=2)
    first, _ = await let_in(rates, limits), await let_in(rates, limits)
    why = await refused(rates, limits)
    assert why.wait_s == SOON_S
    assert why.why == "This API key may have 2 requests under way at a time. Try again when one has ended."
    first.settle(10)
    first.settle(10)
    await let_in(rates, limits)
    await refused(rates, limits)


async def test_who_is_refused_by_one_limit_uses_nothing_of_the_others() -> None:
    rates = rates_of()
    key = limited(requests_per_minute=100, tokens_per_minute=10_000)
    tenant = limited("tenant acme", "The tenant 'acme'", requests_per_minute=1)
    await served(rates, [*key, *tenant], 1)
    why = await refused(rates, [*key, *tenant])
    assert why.why.startswith("The tenant 'acme' may send 1 request a minute.")
    assert (await let_in(rates, key)).standing.requests == Allowance(100, 98, 120.0)


async def test_of_two_limits_the_one_is_told_of_which_less_is_left() -> None:
    rates = rates_of()
    key, tenant = limited(requests_per_minute=10), limited("tenant acme", "", requests_per_minute=5)
    assert (await let_in(rates, [*key, *tenant])).standing.requests == Allowance(5, 4, 120.0)


def test_the_limits_of_a_caller_are_its_keys_and_its_tenants() -> None:
    (own,) = limited(concurrent=1)
    tenants = {
        "acme": Tenant(name="acme", limit=RateLimit(requests_per_minute=5)),
        "free": Tenant(name="free"),
    }
    rates = Rates(MemoryCounters(FrozenClock()), FrozenClock(), tenants.get)
    acme = Limited("tenant acme", "The tenant 'acme'", RateLimit(requests_per_minute=5))
    assert rates.limits(Caller(tenant="acme", limited=own)) == (own, acme)
    assert rates.limits(Caller(tenant="acme")) == (acme,)
    assert rates.limits(Caller(tenant="free", limited=own)) == (own,)
    assert rates.limits(Caller(tenant="free")) == rates.limits(Caller()) == ()


@settings(max_examples=60, deadline=None)
@given(
    most=st.integers(1, 50),
    steps=st.lists(st.tuples(st.floats(0, 90), st.integers(1, 80)), min_size=1, max_size=6),
)
async def test_after_the_wait_that_was_told_there_is_room_and_not_before(
    most: int, steps: list[tuple[float, int]]
) -> None:
    clock = FrozenClock()
    rates, limits = rates_of(clock=clock), limited(requests_per_minute=most)
    for seconds, times in steps:
        clock.advance(seconds)
        for _ in range(times):
            entered = await rates.enter(limits, FEW)
            if isinstance(entered, TooFast):
                assert entered.wait_s is not None
                assert 0 < entered.wait_s <= 2 * MINUTE_S
                if entered.wait_s > 0.01:
                    clock.advance(entered.wait_s - 0.005)
                    await refused(rates, limits)
                    clock.advance(0.01)
                await served(rates, limits, 1)
                break
            entered.settle(0)


@settings(max_examples=60, deadline=None)
@given(most=st.integers(1, 30), pauses=st.lists(st.floats(0, 20), min_size=1, max_size=150))
async def test_no_minute_of_the_clock_has_more_than_the_limit_and_no_two_more_than_twice_it(
    most: int, pauses: list[float]
) -> None:
    clock = FrozenClock()
    rates, limits = rates_of(clock=clock), limited(requests_per_minute=most)
    let: list[float] = []
    for pause in pauses:
        clock.advance(pause)
        if isinstance(await rates.enter(limits, FEW), Pace):
            let.append(clock.now().timestamp())
    for moment in let:
        assert sum(at // MINUTE_S == moment // MINUTE_S for at in let) <= most
        assert sum(moment <= at < moment + MINUTE_S for at in let) <= 2 * most


@pytest.fixture(params=["sqlite", "valkey"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Backend]]:
    """Opens one and the same store, as another process would."""
    if request.param == "sqlite":
        yield lambda: SqliteBackend(tmp_path / "counters.sqlite", FrozenClock(_A_MINUTE))
        return
    with valkey_server() as server:
        yield lambda: ValkeyBackend(f"redis://127.0.0.1:{server.port}/0", timeout_s=30)


async def test_processes_keep_a_limit_together(another: Callable[[], Backend]) -> None:
    clock = FrozenClock(_A_MINUTE)
    all_counters = [SharedCounters(another(), clock, name="the store") for _ in range(3)]
    limits = limited(requests_per_minute=20, concurrent=20, tokens_per_minute=100_000)
    try:
        rates = [rates_of(counters, clock) for counters in all_counters]
        entered = await asyncio.gather(*(rates[place % 3].enter(limits, FEW) for place in range(60)))
        assert sum(isinstance(each, Pace) for each in entered) == 20
        for each in entered:
            if isinstance(each, Pace):
                each.settle(7)
        concurrent = Account("rate:concurrent:key a")
        async with asyncio.timeout(30):
            while (await all_counters[0].read([concurrent]))[concurrent] != Tally(0, 0):
                await asyncio.sleep(0.01)
        clock.advance(1.5 * MINUTE_S)
        assert (await let_in(rates[1], limits)).standing.requests == Allowance(20, 9, 90.0)
    finally:
        for counters in all_counters:
            await counters.close()


class Gone:
    """A backend that cannot be reached."""

    async def run(self, owner: str, ops: Sequence[Op]) -> Sequence[Answer]:
        raise Unavailable("gone")

    async def close(self) -> None: ...


async def test_while_the_shared_counts_are_gone_each_process_keeps_the_limit_by_itself() -> None:
    clock = FrozenClock()
    counters = SharedCounters(Gone(), clock, name="nothing")
    rates, limits = rates_of(counters, clock), limited(requests_per_minute=3, concurrent=2)
    try:
        await served(rates, limits, 3)
        assert "3 requests a minute" in (await refused(rates, limits)).why
    finally:
        await counters.close()


class Counted(MemoryCounters):
    """Counts that count how often they are read."""

    reads = 0

    async def read(self, accounts: Sequence[Account]) -> Mapping[Account, Tally]:
        self.reads += 1
        return await super().read(accounts)


async def test_the_minute_before_is_looked_up_once_a_minute_unless_requests_of_it_are_under_way() -> None:
    clock = FrozenClock()
    counters = Counted(clock)
    rates, limits = rates_of(counters, clock), limited(requests_per_minute=100)
    slow = await let_in(rates, limits)
    await served(rates, limits, 5)
    assert counters.reads == 1
    clock.advance(MINUTE_S)
    await served(rates, limits, 5)
    assert counters.reads == 2
    clock.advance(2)
    await served(rates, limits, 5)
    assert counters.reads == 3, "one of it was under way when it was looked at"
    slow.settle(0)
    clock.advance(2)
    await served(rates, limits, 5)
    clock.advance(2)
    await served(rates, limits, 5)
    assert counters.reads == 4


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0, "0s"), (0.12, "120ms"), (1.5, "1.5s"), (60.0, "1m0s"), (119.9996, "2m0s")]
)
async def test_openai_is_told_durations_and_anthropic_moments(seconds: float, told: str) -> None:
    standing: Any = (await let_in(rates_of(), limited(requests_per_minute=5))).standing
    standing = standing._replace(requests=Allowance(5, 4, seconds))
    assert dict(openai_headers(standing))["x-ratelimit-reset-requests"] == told
    moment = dict(anthropic_headers(standing))["anthropic-ratelimit-requests-reset"]
    told_s = (datetime.fromisoformat(moment) - standing.at).total_seconds()
    assert seconds <= told_s < seconds + 1
