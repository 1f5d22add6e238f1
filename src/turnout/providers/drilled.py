"""A target under a drill: the fault is put between the endpoint and its transport, where a real one would be.

Without a drill there is nothing there. What never left for the provider is not billed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final, Literal

from turnout.providers.transport import Exchange, HttpCall, Transport, TransportFailed
from turnout.types.clock import Clock
from turnout.types.drill import Drill, DrillMode
from turnout.types.failure import FailureKind

BROKEN_SHARE: Final = 1 / 3
"""In a brown-out, of the calls taken, the part that is answered 503; the others are slow."""
SLOW_S: Final = 2.0
"""By how much they are."""
SILENT_S: Final = 8.0
"""How long a target with a slow first token says nothing."""
STALL_AFTER: Final = 5
"""After how many pieces of an answer a stall begins."""
RETRY_AFTER_S: Final = 5
"""What a rate limit asks for."""

_BODY: Final = b'{"error": {"type": "turnout_drill", "message": "an outage drill of turnout"}}'


class DrillInForce:
    """A drill as this process counts its time, which no change of the wall clock prolongs.

    Args:
        drill: which.
        clock: times it.
        remaining_s: how long it still lasts.
    """

    def __init__(self, drill: Drill, clock: Clock, remaining_s: float) -> None:
        self.drill = drill
        self._clock = clock
        self._end = clock.monotonic() + remaining_s

    @property
    def over(self) -> bool:
        """It has ended."""
        return self._clock.monotonic() >= self._end

    def fault(self, decision_id: str) -> DrillFault | None:
        """What happens to a call for that decision; None if it is left alone."""
        return DrillFault(self.drill, decision_id) if not self.over and self.drill.takes(decision_id) else None


class DrillFault:
    """What a drill does to one call.

    Attributes:
        drill: which drill.
        sent: the call went on to the provider, who bills it.
    """

    def __init__(self, drill: Drill, decision_id: str) -> None:
        self.drill = drill
        self.sent = False
        self._decision_id = decision_id

    async def strike(self) -> Exchange | None:
        """Refuse the call, delay it, or answer it in the provider's place; None lets it go on.

        Raises:
            TransportFailed: it is refused.
        """
        mode = self.drill.mode
        if mode is DrillMode.REFUSE:
            raise TransportFailed(FailureKind.CONNECT_FAILED, "an outage drill refuses connections")
        if mode is DrillMode.RATE_LIMIT:
            return _Instead(429, {"retry-after": str(RETRY_AFTER_S)})
        if mode is DrillMode.BROWN_OUT:
            if self.drill.draw(self._decision_id, "broken") < BROKEN_SHARE:
                return _Instead(503, {})
            await asyncio.sleep(SLOW_S)
        if mode is DrillMode.SLOW_FIRST_TOKEN:
            await asyncio.sleep(SILENT_S)
        self.sent = True
        return None


class Drilled:
    """A transport whose calls suffer the fault that they carry.

    Args:
        transport: what is taken away; other endpoints go on using it.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    async def open(self, call: HttpCall, *, connect_timeout: float) -> Exchange:
        """See `Transport.open`."""
        fault = call.fault
        if fault is None:
            return await self.transport.open(call, connect_timeout=connect_timeout)
        instead = await fault.strike()
        if instead is not None:
            return instead
        exchange = await self.transport.open(call, connect_timeout=connect_timeout)
        return _Stalling(exchange) if fault.drill.mode is DrillMode.STALL else exchange

    async def close(self) -> None:
        """See `Transport.close`. The transport is its owner's to close."""


class _Instead:
    """An answer in the provider's place."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"content-type": "application/json", **headers}  # asked in lower case

    async def chunks(self) -> AsyncIterator[bytes]:
        yield _BODY

    async def read(self, limit: int) -> bytes:
        return _BODY[:limit]

    def abort(self) -> None:
        pass


class _Stalling:
    """An answer that goes silent in its middle, and leaves its connection open until somebody loses patience."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.status = exchange.status
        self.headers = exchange.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        passed = 0
        async for chunk in self._exchange.chunks():
            if passed == STALL_AFTER:
                await _never()
            passed += 1
            yield chunk
        await _never()

    async def read(self, limit: int) -> bytes:
        await self._exchange.read(limit)
        return await _never()

    def abort(self) -> None:
        self._exchange.abort()


async def _never() -> Literal[b""]:
    await asyncio.Event().wait()
    return b""
