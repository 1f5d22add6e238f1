"""What is held for a call is the most that it can cost."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.wiring import OPENAI, PRICE, Wired, endpoint, wire
from turnout.execution.spending import UNSEEN_INPUT
from turnout.providers.transport import HttpCall
from turnout.state.memory_counters import MemoryCounters
from turnout.tenancy.budgets import Budgets
from turnout.testing import ScriptedProvider
from turnout.testing.scripted_provider import ScriptedExchange
from turnout.types.clock import SystemClock
from turnout.types.money import Price, Tier
from turnout.types.request import Caller, Request
from turnout.types.spend import BudgetState
from turnout.types.tenant import Budget
from turnout.types.timeouts import Timeouts

CLOCK = SystemClock()
PATIENT = Timeouts(connect=60.0, first_token=60.0, idle=60.0, answer=60.0, total=120.0)


class Waiting(ScriptedProvider):
    """Answers once it may."""

    called: asyncio.Event
    may: asyncio.Event

    async def open(self, call: HttpCall, *, connect_timeout: float) -> ScriptedExchange:
        self.called.set()
        await self.may.wait()
        return await super().open(call, connect_timeout=connect_timeout)


async def held_for(price: Price = PRICE, *, window: int | None = None, **fields: Any) -> Decimal:
    """What is held while a request is under way; nothing is after it."""
    provider = Waiting(OPENAI, "Yes.")
    provider.called, provider.may = asyncio.Event(), asyncio.Event()
    wired = wire(endpoint("only", provider, OPENAI, price=price, context_tokens=window), timeouts=PATIENT)
    wired.router.budgets = Budgets(MemoryCounters(CLOCK), CLOCK, [Budget(name="b", usd=Decimal(1000))])
    body = {"model": "route", "messages": [{"role": "user", "content": "hello"}], **fields}
    request = Request(
        dialect=OPENAI, route="route", raw=msgspec.json.encode(body), body=body, stream=False, caller=Caller()
    )
    asking = asyncio.ensure_future(wired.router.handle(request))
    await asyncio.wait([asyncio.ensure_future(provider.called.wait()), asking], return_when=asyncio.FIRST_COMPLETED)
    held = (await state(wired)).held_usd
    provider.may.set()
    await asking
    assert (await state(wired)).held_usd == 0
    return held


async def state(wired: Wired) -> BudgetState:
    assert wired.router.budgets is not None
    (state,) = await wired.router.budgets.states(Caller(), "route")
    return state


async def test_tools_are_paid_for_by_their_size() -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "word " * 8000, "parameters": {}}}
    assert await held_for(max_tokens=1, tools=[tool]) >= 8000 * PRICE.input / 1_000_000


@pytest.mark.parametrize(("window", "tokens"), [(8_000, 8_000), (None, UNSEEN_INPUT)])
async def test_of_a_file_that_is_elsewhere_all_that_the_model_takes_is_held(window: int | None, tokens: int) -> None:
    said = [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]
    held = await held_for(max_tokens=1, messages=said, window=window)
    assert tokens * PRICE.input / 1_000_000 <= held < 1.01 * float(tokens * PRICE.input / 1_000_000) + 0.001


async def test_an_image_is_not_paid_for_by_its_size() -> None:
    url = f"data:image/png;base64,{'AAAA' * 50_000}"
    said = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    held = await held_for(max_tokens=1, messages=said)
    assert 1000 * PRICE.input / 1_000_000 < held < 10_000 * PRICE.input / 1_000_000


@pytest.mark.parametrize("bound", [-1, 0])
async def test_a_bound_below_one_is_none(bound: int) -> None:
    assert await held_for(max_tokens=bound) >= await held_for()


async def test_several_answers_are_paid_for() -> None:
    assert PRICE.output is not None
    assert await held_for(max_tokens=1000, n=5) >= 5000 * PRICE.output / 1_000_000


async def test_a_prompt_that_may_be_long_is_paid_for_as_one() -> None:
    dearer = Price(input=PRICE.input * 2, output=PRICE.input * 20)
    tiered = msgspec.structs.replace(PRICE, tiers=(Tier(100, dearer),))
    said = [{"role": "user", "content": "word " * 400}]
    assert await held_for(tiered, max_tokens=10, messages=said) == await held_for(dearer, max_tokens=10, messages=said)
    assert await held_for(tiered, max_tokens=10) == await held_for(max_tokens=10)
