"""Every fault at the primary, with a healthy secondary: rescued before the commit, told after it, never covered up."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.chaos.matrix import CASES, EITHER_WAY, PARTIAL_ANSWERS, Case, Owed
from tests.wiring import ANTHROPIC, OPENAI, QUICK, Heard, Wired, endpoint, listen, request, wire
from turnout.errors import RequestFailed, UpstreamRejected
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.testing import HEALTHY_TEXT, VERBS, FaultProvider
from turnout.types.dialect import DialectName

CLOSED_WITHIN_S = 1.0
SLACK_S = 0.25
MODES = ("streamed", "waiting", "whole")


@dataclass
class Drill:
    """Two providers behind a router; the secondary is healthy."""

    wired: Wired
    primary: FaultProvider
    secondary: FaultProvider

    async def ask(self, caller: DialectName, *, stream: bool) -> Heard | RequestFailed:
        try:
            return await listen(await self.wired.router.handle(request(caller, stream=stream)), caller)
        except RequestFailed as error:
            return error


@asynccontextmanager
async def drill(
    fault: str | None, speaks: DialectName = OPENAI, *, whole: bool = False, **fields: object
) -> AsyncIterator[Drill]:
    """`whole`: the primary is asked for the whole answer at once, even for a caller who could be protected."""
    async with FaultProvider(fault) as primary, FaultProvider() as secondary:
        transports = AiohttpTransport(), AiohttpTransport()
        wired = wire(
            endpoint(
                "primary", transports[0], speaks, _base(primary, speaks), stream_usage=not whole, context_tokens=8_000
            ),
            endpoint("secondary", transports[1], speaks, _base(secondary, speaks), context_tokens=100_000),
            **fields,  # type: ignore[arg-type]
        )
        yield Drill(wired, primary, secondary)
        for transport in transports:
            await transport.close()


def _base(provider: FaultProvider, speaks: DialectName) -> str:
    return provider.openai_base_url if speaks is OPENAI else provider.anthropic_base_url


async def check(case: Case, mode: str, caller: DialectName, speaks: DialectName) -> tuple[str, float]:
    """Send one request through the fault; what became of it, and in how many seconds."""
    owed = case.streamed if mode == "streamed" else case.waiting
    if mode == "whole" and case.whole is not None:
        owed = case.whole
    async with drill(case.fault, speaks, whole=mode == "whole") as at:
        began = time.monotonic()
        heard = await at.ask(caller, stream=mode == "streamed")
        took = time.monotonic() - began
        _check_heard(heard, owed)
        _check_record(at.wired, owed)
        assert took < QUICK.first_token + QUICK.idle + SLACK_S
        await all_ended(at.primary)
        await all_ended(at.secondary)
    return owed, took


def _check_heard(heard: Heard | RequestFailed, owed: Owed) -> None:
    if owed is Owed.REFUSAL:
        assert isinstance(heard, UpstreamRejected)
        return
    assert isinstance(heard, Heard), heard
    if owed is Owed.BROKEN:
        assert (heard.complete, heard.error) == (False, True), heard
        assert heard.text
        assert HEALTHY_TEXT.startswith(heard.text)
    else:
        assert (heard.complete, heard.error) == (True, False), heard
        assert heard.text == HEALTHY_TEXT
        assert heard.finish in {"stop", "end_turn"}


def _check_record(wired: Wired, owed: Owed) -> None:
    decision = wired.decision
    (intent,) = wired.ledger.intents
    assert intent.id == decision.id
    assert intent.target == "primary"
    expected = {
        Owed.PRIMARY: ("answered", "primary", [("primary", "answered")]),
        Owed.SECONDARY: ("answered", "secondary", [("primary", "failed"), ("secondary", "answered")]),
        Owed.BROKEN: ("partial", "primary", [("primary", "failed")]),
        Owed.REFUSAL: ("refused", None, [("primary", "failed")]),
    }[owed]
    made = [(attempt.target, attempt.outcome) for attempt in decision.attempts]
    assert (decision.outcome, decision.target, made) == expected, decision
    assert decision.cost_usd is not None
    assert decision.cost_usd == sum(attempt.cost_usd or 0 for attempt in decision.attempts)


async def all_ended(provider: FaultProvider) -> None:
    """Within `CLOSED_WITHIN_S` every request that the provider read has ended, or its client has left."""
    end = time.monotonic() + CLOSED_WITHIN_S
    while open_at(provider) and time.monotonic() < end:
        await asyncio.sleep(0.01)
    assert not open_at(provider)


def open_at(provider: FaultProvider) -> set[int]:
    """The numbers of the requests that have not ended."""
    log = provider.log
    ended = {line["number"] for line in log if line["event"] == "ended"}
    return {line["number"] for line in log if line["event"] == "received"} - ended - struck(provider)


def struck(provider: FaultProvider) -> set[int]:
    """Requests whose connection the provider reset itself: it writes down no end for them."""
    faults = ((line["number"], line["fault"]) for line in provider.log if line["event"] == "received")
    return {number for number, fault in faults if fault.startswith(("flap", "refuse", "close_keepalive"))}


def test_the_matrix_names_every_verb() -> None:
    named = {verb for case in CASES for verb in VERBS if verb in case.fault}
    named |= {verb for verb in VERBS for fault in (*PARTIAL_ANSWERS, *EITHER_WAY) if verb in fault}
    assert named == set(VERBS)


SAMPLE = [
    pytest.param(case, mode, caller, id=f"{case.fault}-{mode}-{caller}")
    for case, mode, caller in itertools.product(CASES, MODES, (OPENAI, ANTHROPIC))
    if not (mode == "whole" and caller is ANTHROPIC)
]


@pytest.mark.parametrize(("case", "mode", "caller"), SAMPLE)
async def test_a_fault_at_the_primary(case: Case, mode: str, caller: DialectName) -> None:
    await check(case, mode, caller, caller)
