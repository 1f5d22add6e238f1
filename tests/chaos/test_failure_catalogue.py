"""The failures that gateways are known for (the rows of the catalogue stand in the docstrings), one by one."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from contextlib import suppress

import msgspec
import pytest

from tests.chaos.drill import Drill, all_ended, drill
from tests.wiring import ANTHROPIC, GEMINI, OPENAI, QUICK, Heard, endpoint, listen, request, wire
from turnout.errors import RequestFailed, UpstreamBusy, UpstreamFailed, UpstreamRejected
from turnout.execution.breaker import BreakerSettings
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.testing import HEALTHY_TEXT, FaultProvider, FrozenClock, Said, ScriptedProvider
from turnout.types.conditions import BreakerState
from turnout.types.dialect import DialectName
from turnout.types.failure import FailureKind
from turnout.types.timeouts import Timeouts

SLACK_S = 2.0
"""What a busy machine may add."""
WHOLE = {OPENAI: Heard(HEALTHY_TEXT, complete=True, finish="stop")}
WHOLE[ANTHROPIC] = Heard(HEALTHY_TEXT, complete=True, finish="end_turn")
CALLERS = pytest.mark.parametrize("caller", [OPENAI, ANTHROPIC])
STREAMS = pytest.mark.parametrize("stream", [False, True])
PAIRS = pytest.mark.parametrize(
    ("caller", "speaks"), list(itertools.product([OPENAI, ANTHROPIC], [OPENAI, ANTHROPIC, GEMINI]))
)


def classes(at: Drill) -> list[tuple[str, str | None]]:
    """Each attempt's target and what it ran into."""
    return [(attempt.target, attempt.error_class) for attempt in at.wired.decision.attempts]


@CALLERS
async def test_a_truncated_stream_is_never_a_success(caller: DialectName) -> None:
    """Row 1."""
    async with drill("drip(40)+eof_after(5)", caller) as at:
        heard = await at.ask(caller, stream=True)
        assert isinstance(heard, Heard)
        assert (heard.complete, heard.error) == (False, True)
        assert at.wired.decision.outcome == "partial"
        assert classes(at) == [("primary", "truncated")]
    async with drill("eof_after(0)", caller) as at:
        assert await at.ask(caller, stream=True) == WHOLE[caller]


@STREAMS
@pytest.mark.parametrize("fault", ["html_200", "json_error_200", "sse_empty"])
async def test_a_good_status_makes_no_answer(fault: str, *, stream: bool) -> None:
    """Row 2."""
    async with drill(fault) as at:
        assert await at.ask(OPENAI, stream=stream) == WHOLE[OPENAI]
    async with drill(fault) as at:
        at.secondary.use(fault)
        error = await at.ask(OPENAI, stream=stream)
        assert isinstance(error, UpstreamFailed)
        assert error.status == 502
        assert at.wired.decision.outcome == "failed"


@STREAMS
@pytest.mark.parametrize("fault", ["hang_headers", "delay_first_token(8)"])
async def test_five_silent_seconds_and_the_next_target_is_asked(fault: str, *, stream: bool) -> None:
    """Rows 3 and 4; here the five seconds are half a second."""
    async with drill(fault) as at:
        began = time.monotonic()
        assert await at.ask(OPENAI, stream=stream) == WHOLE[OPENAI]
        assert QUICK.first_token <= time.monotonic() - began < QUICK.first_token + SLACK_S
        assert classes(at) == [("primary", "first_token_timeout"), ("secondary", None)]
        assert len(at.primary.requests) == 1
        await all_ended(at.primary)


@CALLERS
async def test_a_stall_in_the_middle_is_an_error_at_the_idle_limit(caller: DialectName) -> None:
    """Row 5."""
    async with drill("drip(40)+stall_after(5, 30)", caller) as at:
        began = time.monotonic()
        heard = await at.ask(caller, stream=True)
        assert QUICK.idle <= time.monotonic() - began < QUICK.idle + SLACK_S
        assert isinstance(heard, Heard)
        assert heard.error
        assert classes(at) == [("primary", "idle_timeout")]
        await all_ended(at.primary)


@STREAMS
async def test_a_slow_and_healthy_answer_is_not_cut(*, stream: bool) -> None:
    """Row 6: an answer that takes four times the limit of silence, and is never silent for that long."""
    limits = Timeouts(connect=0.5, first_token=0.3, idle=0.3, answer=0.3, total=10.0)
    async with drill("drip(50)", timeouts=limits) as at:
        began = time.monotonic()
        assert await at.ask(OPENAI, stream=stream) == WHOLE[OPENAI]
        assert time.monotonic() - began > 4 * limits.first_token
        assert classes(at) == [("primary", None)]


@PAIRS
@pytest.mark.parametrize("fault", ["sse_error_at(-1)", "sse_error_at(0)", "ping_events+sse_error_at(0, overloaded)"])
async def test_an_error_as_the_first_event_falls_back(fault: str, caller: DialectName, speaks: DialectName) -> None:
    """Row 7: role chunks, `message_start` and pings before it commit nothing."""
    async with drill(fault, speaks) as at:
        assert await at.ask(caller, stream=True) == WHOLE[caller]
        assert at.wired.decision.target == "secondary"


@PAIRS
async def test_an_error_after_tokens_is_told_in_the_caller_s_dialect(caller: DialectName, speaks: DialectName) -> None:
    """Rows 8 and 10."""
    async with drill("drip(40)+sse_error_at(5)", speaks) as at:
        reply = await at.wired.router.handle(request(caller, stream=True))
        assert reply.stream is not None
        raw = b"".join([piece async for piece in reply.stream])
        last = raw.removesuffix(b"\n\n").rpartition(b"\n\n")[2]
        error = msgspec.json.decode(last.partition(b"data: ")[2])
        assert error["error"]["message"]
        assert (b"event: error\n" in last, error.get("type")) == (
            (True, "error") if caller is ANTHROPIC else (False, None)
        )
        (attempt,) = at.wired.decision.attempts
        assert at.wired.decision.outcome == "partial"
        assert attempt.output_tokens > 0
        assert attempt.cost_usd


@CALLERS
async def test_no_status_200_before_somebody_answers(caller: DialectName) -> None:
    """Row 9."""
    async with drill("sse_error_at(0)", caller) as at:
        at.secondary.use("sse_error_at(0)")
        error = await at.ask(caller, stream=True)
        assert isinstance(error, UpstreamFailed)
        assert error.status == 502
        assert at.wired.decision.outcome == "failed"


@STREAMS
@pytest.mark.parametrize(
    "fault",
    ["hang_headers", "delay_first_token(30)", "drip(40)+stall_after(5, 30)"],
    ids=["headers", "silence", "words"],
)
async def test_a_caller_who_leaves_closes_the_call_and_pays_for_it(fault: str, *, stream: bool) -> None:
    """Row 11."""
    async with drill(fault, timeouts=Timeouts()) as at:
        task = asyncio.create_task(at.ask(OPENAI, stream=stream))
        async with asyncio.timeout(2):
            while not at.primary.requests:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await all_ended(at.primary)
        assert at.primary.log[-1]["aborted"]
        (attempt,) = at.wired.decision.attempts
        assert (at.wired.decision.outcome, attempt.outcome, attempt.estimated) == ("cancelled", "cancelled", True)
        assert attempt.cost_usd
        assert not at.secondary.requests
        assert at.wired.breakers.not_closed() == {}


async def test_a_thousand_requests_into_an_outage_make_a_fifth_more_attempts_at_most() -> None:
    """Row 14, as far as it is execution's: the breaker is kept from helping."""
    provider = ScriptedProvider(OPENAI, *[FailureKind.CONNECT_FAILED] * 2000)
    wired = wire(endpoint("only", provider, OPENAI), settings=BreakerSettings(consecutive=10_000, minimum=10_000))
    for _ in range(1000):
        with pytest.raises(UpstreamFailed):
            await wired.router.handle(request())
    assert 1100 < len(provider.calls) <= 1.2 * 1000 + 3


async def test_nothing_is_left_over_after_a_thousand_mixed_endings() -> None:
    """Row 13, as far as it is execution's: no call stays open, no probe is held, each request has one record."""
    draw = random.Random(7)
    lines: list[str | FailureKind | Said] = [
        "fine",
        FailureKind.CONNECTION_LOST,
        Said(status=500, chunks=[b"{}"]),
        Said(hangs=True),
    ]
    first = ScriptedProvider(OPENAI, *draw.choices([*lines, Said(status=429, headers={"retry-after": "0.01"})], k=3000))
    second = ScriptedProvider(OPENAI, *draw.choices(lines, k=3000))
    limits = Timeouts(first_token=0.02, idle=0.02, answer=0.02, total=0.2)
    wired = wire(
        endpoint("first", first, OPENAI),
        endpoint("second", second, OPENAI),
        timeouts=limits,
        settings=BreakerSettings(cooldown=0.01),
    )

    async def one(leave_after_s: float) -> None:
        with suppress(RequestFailed, TimeoutError):
            async with asyncio.timeout(leave_after_s):
                await listen(await wired.router.handle(request(stream=draw.random() < 0.5)), OPENAI)

    for _ in range(20):
        await asyncio.gather(*(one(draw.uniform(0.001, 0.3)) for _ in range(50)))
    assert (first.under_way, second.under_way) == (0, 0)
    assert len({decision.id for decision in wired.ledger.decisions}) == len(wired.ledger.decisions) == 1000
    intents = {intent.id for intent in wired.ledger.intents}
    assert intents == {decision.id for decision in wired.ledger.decisions if decision.attempts}
    await asyncio.sleep(0.02)
    for target in ("first", "second"):
        probe = wired.breakers[target].admit()
        assert probe is not None, "a probe was never given back"
        probe.abandoned()


@pytest.mark.parametrize(
    ("form", "least", "most"),
    [("2", 2.0, 2.0), ("500ms", 0.5, 0.5), ("date:30", 28.0, 30.0)],
)
async def test_a_wish_to_wait_is_kept_for_that_target_only(form: str, least: float, most: float) -> None:
    """Row 15."""
    async with drill(f"status(429, retry_after={form})") as at:
        for _ in range(3):
            assert await at.ask(OPENAI, stream=False) == WHOLE[OPENAI]
        assert len(at.primary.requests) == 1, "left alone while it rests"
        assert len(at.secondary.requests) == 3
        assert at.wired.breakers.not_closed() == {"primary": BreakerState.OPEN}
    async with drill(f"status(429, retry_after={form})") as at:
        at.secondary.use("status(429, retry_after=100)")
        error = await at.ask(OPENAI, stream=False)
        assert isinstance(error, UpstreamBusy)
        assert error.retry_after_s is not None
        assert least <= error.retry_after_s <= most


@pytest.mark.parametrize("form", ["junk", "-1", "nan"])
async def test_an_absurd_wish_to_wait_does_not_take_a_target_away(form: str) -> None:
    """Row 15."""
    async with drill(f"status(429, retry_after={form})") as at:
        assert await at.ask(OPENAI, stream=False) == WHOLE[OPENAI]
        failure = at.wired.decision.attempts[0]
        assert failure.error_class == "rate_limited"
        at.primary.reset()
        at.secondary.use("refuse")
        assert await at.ask(OPENAI, stream=False) == WHOLE[OPENAI]


async def test_no_wish_to_wait_holds_for_more_than_an_hour() -> None:
    """Row 15."""
    clock = FrozenClock()
    async with drill("status(429, retry_after=1000000000)", clock=clock) as at:
        assert await at.ask(OPENAI, stream=False) == WHOLE[OPENAI]
        at.primary.reset()
        clock.advance(3601)
        at.secondary.use("refuse")
        assert await at.ask(OPENAI, stream=False) == WHOLE[OPENAI]


async def test_a_short_wish_to_wait_of_the_last_target_is_waited_for() -> None:
    """Row 15."""
    async with drill("refuse") as at:
        at.secondary.use("status(429, retry_after=500ms)", times=1)
        began = time.monotonic()
        assert await at.ask(OPENAI, stream=False) == WHOLE[OPENAI]
        assert 0.5 <= time.monotonic() - began < 0.5 + SLACK_S


@STREAMS
@pytest.mark.parametrize("status", [400, 404, 422])
async def test_the_request_s_own_fault_is_asked_about_once(status: int, *, stream: bool) -> None:
    """Row 16."""
    async with drill(f"status({status})") as at:
        error = await at.ask(OPENAI, stream=stream)
        assert isinstance(error, UpstreamRejected)
        assert error.failure.status == status
        assert (len(at.primary.requests), len(at.secondary.requests)) == (1, 0)
        assert at.wired.breakers.not_closed() == {}


@STREAMS
@pytest.mark.parametrize("status", [401, 403])
async def test_our_own_bad_key_is_not_the_caller_s_problem(status: int, *, stream: bool) -> None:
    """Row 16."""
    async with drill(f"status({status})") as at:
        assert await at.ask(OPENAI, stream=stream) == WHOLE[OPENAI]
    async with drill(f"status({status})") as at:
        at.secondary.use(f"status({status})")
        error = await at.ask(OPENAI, stream=stream)
        assert isinstance(error, RequestFailed)
        assert error.status == 502
        assert len(at.secondary.requests) == 1


async def test_a_prompt_that_is_too_long_goes_to_a_larger_window_only() -> None:
    """Row 17."""
    async with FaultProvider("context_length") as small, FaultProvider() as same, FaultProvider() as large:
        transport = AiohttpTransport()
        sizes = {"small": (small, 8_000), "same": (same, 8_000), "large": (large, 100_000)}
        wired = wire(
            *(
                endpoint(name, transport, OPENAI, provider.openai_base_url, context_tokens=size)
                for name, (provider, size) in sizes.items()
            )
        )
        await wired.router.handle(request())
        assert [len(provider.requests) for provider in (small, same, large)] == [1, 0, 1]
        assert wired.decision.target == "large"
        await transport.close()


@pytest.mark.parametrize(("opted_in", "target"), [(False, "primary"), (True, "secondary")])
async def test_a_content_filter_is_an_answer_unless_the_route_says_otherwise(target: str, *, opted_in: bool) -> None:
    """Row 17."""
    async with drill("content_filter", content_filter_falls_back=opted_in) as at:
        assert isinstance(await at.ask(OPENAI, stream=False), Heard)
        assert at.wired.decision.target == target
        assert at.wired.breakers.not_closed() == {}


@PAIRS
@pytest.mark.parametrize("fault", ["status(529)", "sse_error_at(0, overloaded)"])
async def test_an_overloaded_target_is_passed_over_and_counted(
    fault: str, caller: DialectName, speaks: DialectName
) -> None:
    """Row 18."""
    async with drill(fault, speaks, settings=BreakerSettings(consecutive=2)) as at:
        for _ in range(3):
            assert await at.ask(caller, stream=True) == WHOLE[caller]
        first = at.wired.ledger.decisions[0].attempts[0]
        assert first.error_class == "overloaded"
        assert len(at.primary.requests) == 2
        assert at.wired.breakers.not_closed() == {"primary": BreakerState.OPEN}


async def test_one_caller_s_tiny_timeout_takes_no_target_away_from_the_others() -> None:
    """Row 19, as far as it is execution's: a deadline is the caller's own."""
    async with drill("delay_headers(0.3)", timeouts=Timeouts(total=0.1)) as at:
        errors = await asyncio.gather(*(at.ask(OPENAI, stream=True) for _ in range(20)))
        assert {getattr(error, "kind", None) for error in errors} == {"deadline_exceeded"}
        assert at.wired.breakers.not_closed() == {}
