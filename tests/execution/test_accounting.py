"""What each attempt is booked with: tokens as reported, else estimated; free only what was refused."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.wiring import ANTHROPIC, OPENAI, PRICE, QUICK, Wired, endpoint, listen, request, wire
from turnout.catalog.cost import cost
from turnout.errors import RequestFailed
from turnout.testing import Said, ScriptedProvider
from turnout.testing.scripted_provider import INPUT_TOKENS, scripted_answer
from turnout.types.decision import Attempt
from turnout.types.failure import FailureKind
from turnout.types.money import Price, Tier
from turnout.types.usage import Usage

TEXT = "one two three four"
STREAM = scripted_answer(OPENAI, TEXT, {"model": "m", "stream": True, "stream_options": {"include_usage": True}})
USAGE = Usage(input_tokens=INPUT_TOKENS, output_tokens=4)


async def attempts_of(*script: str | FailureKind | Said, stream: bool = False, **fields: Any) -> list[Attempt]:
    wired = wire(endpoint("a", ScriptedProvider(OPENAI, *script), OPENAI, **fields))
    with suppress(RequestFailed):
        await listen(await wired.router.handle(request(stream=stream)), OPENAI)
    _adds_up(wired)
    return list(wired.decision.attempts)


def _adds_up(wired: Wired) -> None:
    decision = wired.decision
    costs = [attempt.cost_usd for attempt in decision.attempts]
    if None in costs:
        assert decision.cost_usd is None
    else:
        assert decision.cost_usd == sum(each for each in costs if each is not None)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_costs_what_the_provider_reports(*, stream: bool) -> None:
    (attempt,) = await attempts_of(TEXT, stream=stream)
    assert (attempt.input_tokens, attempt.output_tokens, attempt.estimated) == (INPUT_TOKENS, 4, False)
    assert attempt.cost_usd == cost(USAGE, PRICE) == Decimal("0.00005")
    assert attempt.price_version == "test"


async def test_a_long_prompt_costs_what_its_tier_does() -> None:
    long = Price(input=Decimal(2), output=Decimal(30), version="test, over 9 input tokens")
    (attempt,) = await attempts_of(TEXT, price=msgspec.structs.replace(PRICE, tiers=(Tier(INPUT_TOKENS - 1, long),)))
    assert (attempt.cost_usd, attempt.price_version) == (cost(USAGE, long), long.version)
    (attempt,) = await attempts_of(TEXT, price=msgspec.structs.replace(PRICE, tiers=(Tier(INPUT_TOKENS, long),)))
    assert (attempt.cost_usd, attempt.price_version) == (cost(USAGE, PRICE), PRICE.version)


async def test_what_is_kept_in_a_cache_for_an_hour_is_paid_for_and_saves_nothing_at_the_baseline_itself() -> None:
    body: dict[str, Any] = msgspec.json.decode(scripted_answer(ANTHROPIC, TEXT, {"model": "m"})[0])
    body["usage"] |= {"cache_creation_input_tokens": 100, "cache_creation": {"ephemeral_1h_input_tokens": 100}}
    price = msgspec.structs.replace(PRICE, cache_write=Decimal(2), cache_write_hour=Decimal(3))
    provider = ScriptedProvider(ANTHROPIC, Said(chunks=[msgspec.json.encode(body)]))
    wired = wire(endpoint("a", provider, ANTHROPIC, price=price))
    await listen(await wired.router.handle(request(ANTHROPIC)), ANTHROPIC)
    plain, hour = cost(USAGE, PRICE), Decimal(300) / 1_000_000
    assert plain is not None
    assert wired.decision.cost_usd == wired.decision.baseline_cost_usd == plain + hour


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_what_was_refused_is_free(status: int) -> None:
    for attempt in await attempts_of(*[Said(status=status, chunks=[b"{}"])] * 2):
        assert (attempt.outcome, attempt.status) == ("failed", status)
        assert attempt.cost_usd == 0
        assert not attempt.estimated


@pytest.mark.parametrize("kind", [FailureKind.CONNECT_FAILED, FailureKind.CONNECT_TIMEOUT])
async def test_what_was_never_reached_is_free(kind: FailureKind) -> None:
    assert {attempt.cost_usd for attempt in await attempts_of(kind, kind)} == {0}


@pytest.mark.parametrize("said", [FailureKind.CONNECTION_LOST, Said(hangs=True), Said(chunks=[b"<html>"])])
@pytest.mark.parametrize("stream", [False, True])
async def test_what_failed_after_it_was_sent_is_estimated(said: FailureKind | Said, *, stream: bool) -> None:
    for attempt in await attempts_of(said, said, stream=stream):
        assert attempt.outcome == "failed"
        assert attempt.estimated
        assert attempt.input_tokens > 0
        assert attempt.cost_usd


@pytest.mark.parametrize("events", range(2, 5))
async def test_a_stream_that_is_cut_is_charged_for_what_it_said(events: int) -> None:
    (attempt,) = await attempts_of(Said(chunks=STREAM[:events], breaks=FailureKind.CONNECTION_LOST), stream=True)
    assert attempt.estimated
    said = len(TEXT.split(" ", 4)[0]) if events == 2 else len(" ".join(TEXT.split(" ")[: events - 1]))
    assert attempt.output_tokens == (said + 3) // 4
    assert attempt.cost_usd


async def test_a_report_on_the_way_is_no_less_than_what_was_seen_since() -> None:
    early = STREAM[1].replace(b'"usage":null', b'"usage":{"prompt_tokens":99,"completion_tokens":1,"total_tokens":100}')
    (attempt,) = await attempts_of(Said(chunks=[STREAM[0], early, *STREAM[2:5]]), stream=True)
    assert (attempt.input_tokens, attempt.estimated) == (99, True)
    assert attempt.output_tokens == (len(TEXT) + 3) // 4


async def test_an_unknown_price_is_flagged_and_never_nothing() -> None:
    (attempt,) = await attempts_of(TEXT, price=None)
    assert attempt.cost_usd is None
    assert attempt.output_tokens == 4


async def test_an_unknown_price_costs_nothing_where_nothing_is_billed() -> None:
    assert {attempt.cost_usd for attempt in await attempts_of(*[Said(status=500, chunks=[b"{}"])] * 2, price=None)} == {
        0
    }


async def test_fallbacks_are_charged_to_whom_they_belong_and_to_routing() -> None:
    first = endpoint("first", ScriptedProvider(OPENAI, Said(hangs=True)), OPENAI)
    second = endpoint("second", ScriptedProvider(OPENAI, TEXT), OPENAI)
    wired = wire(first, second)
    await wired.router.handle(request())
    decision = wired.decision
    lost, answer = decision.attempts
    assert (lost.target, answer.target) == ("first", "second")
    assert decision.router_cost_usd == lost.cost_usd
    assert decision.cost_usd == (lost.cost_usd or 0) + (answer.cost_usd or 0)
    assert decision.baseline_cost_usd == answer.cost_usd, "the baseline is the same target"


async def test_times_are_those_of_the_provider_and_not_ours() -> None:
    (attempt,) = await attempts_of(Said(chunks=[*STREAM[:2]], hangs=True), stream=True)
    assert attempt.first_token_ms is not None
    assert attempt.first_token_ms < QUICK.idle * 1000 * 0.9
    assert attempt.latency_ms > QUICK.idle * 1000 * 0.9, "it went silent after its first token"


async def test_a_pause_that_the_provider_asked_for_is_not_our_own_time() -> None:
    busy = Said(status=429, headers={"retry-after": "0.4"}, chunks=[b"{}"])
    wired = wire(endpoint("a", ScriptedProvider(OPENAI, busy, TEXT), OPENAI))
    await wired.router.handle(request())
    assert wired.decision.latency_ms > 390
    assert wired.decision.overhead_ms < 300
