"""What each part of governing takes by itself, counted in memory: processor time, without the request around it.

What is governed is `bench.governed`'s everything. `python -m bench.pieces DIRECTORY` prints a JSON object: µs by part.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.governed import Variant
from turnout.config.build import build_parts
from turnout.config.load import load_config_text
from turnout.config.spending import budgeted
from turnout.config.tenancy import desk_of, known_to
from turnout.server.auth import Keys
from turnout.server.heap import collecting_seldom
from turnout.state.memory_counters import MemoryCounters
from turnout.tenancy.directory import Directory
from turnout.tenancy.keys import Key
from turnout.tenancy.rates import Pace, Rates, Tokens
from turnout.tenancy.store import TenancyStore
from turnout.types.clock import SystemClock
from turnout.types.rate import Limited
from turnout.types.request import Caller
from turnout.types.spend import Quote, Refusal
from turnout.types.tenant import RateLimit

_TIMES: Final = 300
_ROUNDS: Final = 20
_ROUTE: Final = "unary"
_ROOMY: Final = RateLimit(requests_per_minute=10**7, tokens_per_minute=10**10, concurrent=10_000)
_QUOTE: Final = Quote(worst=Decimal("0.003"), likely=Decimal("0.001"))
_TOKENS: Final = Tokens(likely=200, worst=700)

Part = Callable[[], Awaitable[None]]


def pieces(directory: Path) -> dict[str, Part]:
    """The parts, each to be done any number of times."""
    clock = SystemClock()
    given = Variant("everything", "memory").configuration("http://127.0.0.1:9", "")
    loaded = load_config_text(json.dumps(given))
    tenancy = Directory(TenancyStore(directory), clock)
    made = desk_of(loaded, directory, clock).create_key(Key(id="", created=0, tenant="acme", user="ann", limit=_ROOMY))
    tenancy.known = known_to(tenancy, loaded)
    parts, counters = build_parts(loaded, clock), MemoryCounters(clock)
    rates, budgets = Rates(counters, clock, tenancy.tenant), budgeted(loaded, counters, clock, tenancy.tenant)
    keys = Keys((), tenancy, tenants=True)
    caller = Caller(tenant="acme", user="ann", limited=Limited(made.key.id, "This key", _ROOMY))
    endpoint = parts.endpoints["unary-small"]
    headers = {"authorization": f"Bearer {made.presented}"}
    assert budgets is not None

    async def key() -> None:
        keys.check(headers)

    async def limits() -> None:
        pace = await rates.enter(rates.limits(caller), _TOKENS)
        assert isinstance(pace, Pace)
        pace.settle(300)

    async def money() -> None:
        spend = budgets.spend(caller, _ROUTE)
        assert spend is not None
        reserved = await spend.reserve(endpoint.target, _QUOTE, wait=False)
        assert not isinstance(reserved, Refusal)
        reserved.settle(Decimal("0.0002"))

    async def states() -> None:
        assert len(await budgets.states(caller, _ROUTE, [endpoint.target.provider])) == 5

    async def flag() -> None:
        assert parts.flags.read(caller, clock.now(), 0.5)["first"].variant

    return {"key": key, "limits": limits, "budgets": money, "states": states, "flag": flag}


async def _measure(directory: Path) -> dict[str, float]:
    """The least round: another program's turn on the core leaves caches that are not ours, and only ever adds."""
    with collecting_seldom():
        return {name: min([await _round(part) for _ in range(_ROUNDS)]) for name, part in pieces(directory).items()}


async def _round(part: Part) -> float:
    began = time.thread_time_ns()
    for _ in range(_TIMES):
        await part()
    return (time.thread_time_ns() - began) / _TIMES / 1e3


def main() -> None:
    """Measure and print."""
    measured: Any = uvloop.run(_measure(Path(sys.argv[1])))
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
