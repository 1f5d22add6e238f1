"""The provider's bill and our books agree: whatever failed, was repeated, broke off or was read from a cache.

Two fault providers each write down what they would bill for every request. A few hundred requests go through a
router, streamed and not, some of them left by their callers. What a provider reported is booked to the last digit; what
nobody could report (an answer that broke off, or was left) is estimated, and marked so.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest

from tests.chaos.drill import all_ended
from tests.wiring import ANTHROPIC, OPENAI, QUICK, Wired, endpoint, listen, wire
from turnout.catalog.cost import cost
from turnout.errors import RequestFailed
from turnout.execution.breaker import BreakerSettings
from turnout.execution.retry import RetrySettings
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.testing import FaultProvider
from turnout.testing.fault_provider.fault import Fault
from turnout.testing.fault_provider.rules import Rule
from turnout.types.decision import Attempt, Decision
from turnout.types.money import Price
from turnout.types.request import Caller, Request
from turnout.types.usage import Usage

PRICE: Final = Price(
    input=Decimal(3), output=Decimal(15), cached_input=Decimal("0.3"), cache_write=Decimal("3.75"), version="bill"
)
CENT: Final = Decimal("0.01")
REQUESTS: Final = 240
FAULTS: Final = (
    "status(500)",
    "status(429, 10ms)",
    "rst_after_request",
    "eof_after(4)",
    "stall_after(3, 30)",
    "sse_error_at(5)",
    "json_error_200",
    "no_done",
)
"""One request in three runs into one of them, at the primary alone."""


@dataclass
class Books:
    """Both sides of the account."""

    wired: Wired
    providers: dict[str, FaultProvider]

    def booked(self) -> dict[tuple[str, str], list[tuple[Decision, Attempt]]]:
        """Our attempts, by target and decision."""
        found: dict[tuple[str, str], list[tuple[Decision, Attempt]]] = defaultdict(list)
        for decision in self.wired.ledger.decisions:
            for attempt in decision.attempts:
                found[attempt.target, decision.id].append((decision, attempt))
        return found

    def billed(self) -> dict[tuple[str, str], list[Decimal]]:
        """What each provider would bill, by target and decision."""
        found: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
        for target, provider in self.providers.items():
            for line in provider.log:
                if line["event"] == "ended":
                    amount = cost(Usage(**line["billed"]), PRICE)
                    found[target, line["id"]].append(amount or Decimal(0))
        return found


def asked(number: int) -> Request:
    """Streamed or not, in either dialect, some with half of the prompt in the provider's cache."""
    speaks = (OPENAI, ANTHROPIC)[number % 2]
    text: Any = "Why is the sky blue? " * (1 + number % 9)
    if number % 5 == 0 and speaks is ANTHROPIC:
        text = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
    streamed = number % 3 == 0
    body = {
        "model": "route",
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 400,
        "stream": streamed,
    }
    return Request(
        dialect=speaks, route="route", raw=msgspec.json.encode(body), body=body, stream=streamed, caller=Caller()
    )


async def ask(wired: Wired, number: int) -> None:
    request = asked(number)
    with suppress(RequestFailed, TimeoutError):
        async with asyncio.timeout(0.02 if number % 13 == 0 else 60):  # every thirteenth caller leaves
            await listen(await wired.router.handle(request), request.dialect)


@pytest.fixture
async def books() -> AsyncIterator[Books]:
    """Half an hour of trouble, kept."""
    async with FaultProvider() as primary, FaultProvider() as spare:
        rules = [Rule(Fault.parse(fault), share=0.05) for fault in FAULTS]
        primary.use_rules([*rules, Rule(Fault.parse("drip(2)"), share=0.3)], seed=1)
        transports = AiohttpTransport(), AiohttpTransport()
        wired = wire(
            endpoint("primary", transports[0], OPENAI, primary.openai_base_url, price=PRICE),
            endpoint("spare", transports[1], ANTHROPIC, spare.anthropic_base_url, price=PRICE),
            timeouts=QUICK,
            settings=BreakerSettings(consecutive=10_000, ratio=1.1),
            retries=RetrySettings(base=0.001),
        )
        for start in range(0, REQUESTS, 24):
            await asyncio.gather(*(ask(wired, number) for number in range(start, start + 24)))
        for provider in (primary, spare):
            await all_ended(provider)
        yield Books(wired, {"primary": primary, "spare": spare})
        for transport in transports:
            await transport.close()


async def test_the_bill_and_the_books_agree(books: Books) -> None:
    booked, billed = books.booked(), books.billed()
    assert billed.keys() <= booked.keys(), "a call that nobody booked"
    kinds: dict[tuple[str, bool], int] = defaultdict(int)
    for key, attempts in booked.items():
        ours = sum((attempt.cost_usd or Decimal(0) for _, attempt in attempts), Decimal(0))
        theirs = sum(billed.get(key, []), Decimal(0))
        for _, attempt in attempts:
            kinds[attempt.outcome, attempt.estimated] += 1
        if not any(attempt.estimated for _, attempt in attempts):
            assert ours == theirs, (key, attempts)
    assert kinds["answered", False] > REQUESTS / 2
    assert kinds["failed", False] > 0, "no failed call"
    assert sum(number for (_, estimated), number in kinds.items() if estimated) > 0, "nothing broke off"
    ours = sum((attempt.cost_usd or Decimal(0) for each in booked.values() for _, attempt in each), Decimal(0))
    theirs = sum((amount for each in billed.values() for amount in each), Decimal(0))
    assert abs(ours - theirs) < CENT, (ours, theirs)
    assert any(attempt.cached_tokens for each in booked.values() for _, attempt in each), "no cached tokens"
    assert any(len(decision.attempts) > 1 for decision in books.wired.ledger.decisions), "no fallback, no retry"
    assert any(decision.outcome == "cancelled" for decision in books.wired.ledger.decisions), "nobody left"
