"""Two providers behind a router: what every drill of this folder starts from."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.wiring import OPENAI, RESPONSES, Heard, Wired, endpoint, listen, request, wire
from turnout.errors import RequestFailed
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.testing import FaultProvider
from turnout.types.dialect import DialectName

CLOSED_WITHIN_S = 1.0


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
    fault: str | None, speaks: DialectName = OPENAI, *, whole: bool = False, **fields: Any
) -> AsyncIterator[Drill]:
    """`whole`: the primary is asked for the whole answer at once, even for a caller who could be protected."""
    async with FaultProvider(fault) as primary, FaultProvider() as secondary:
        transports = AiohttpTransport(), AiohttpTransport()
        wired = wire(
            endpoint(
                "primary", transports[0], speaks, _base(primary, speaks), stream_usage=not whole, context_tokens=8_000
            ),
            endpoint("secondary", transports[1], speaks, _base(secondary, speaks), context_tokens=100_000),
            **fields,
        )
        yield Drill(wired, primary, secondary)
        for transport in transports:
            await transport.close()


def _base(provider: FaultProvider, speaks: DialectName) -> str:
    return provider.openai_base_url if speaks in {OPENAI, RESPONSES} else provider.anthropic_base_url


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
