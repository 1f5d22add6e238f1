"""The two methods through which every byte to and from a provider goes.

A transport keeps this contract (`tests/contract` holds every implementation to it):

- Cancelling, in any phase, closes the connection at once; so does `Exchange.abort`.
- A refused connection, a failed name or TLS handshake is `CONNECT_FAILED`; a slow one `CONNECT_TIMEOUT`; a connection
  that ends in a reset or in the middle of a body is `CONNECTION_LOST`. The chunks read before the end are not lost.
- Redirects are not followed, cookies not kept, proxies not taken from the environment.
- What is not read is not buffered without bound: a slow reader slows the provider down.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import msgspec

from turnout.types.drill import Drill
from turnout.types.failure import Failure, FailureKind


class Fault(Protocol):
    """What an outage drill does to a call: see `turnout.providers.drilled`."""

    drill: Drill
    sent: bool

    async def strike(self) -> Exchange | None:
        """Refuse the call, delay it, or answer it in the provider's place. Raises `TransportFailed`."""
        ...


class HttpCall(msgspec.Struct, frozen=True, gc=False):
    """One POST, and what a drill does to it."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    fault: Fault | None = None


class TransportFailed(Exception):
    """The call broke below HTTP. Raised only by transports and caught only by execution."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        self.failure = Failure(kind=kind, message=message)
        super().__init__(message)


class Exchange(Protocol):
    """One call whose headers have arrived."""

    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, content-encoding undone. Raises `TransportFailed`."""
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises `TransportFailed`, also when it is longer than `limit` bytes."""
        ...

    def abort(self) -> None:
        """Close the connection if the body is not at its end; give it back to the pool if it is. Never fails."""
        ...


class Transport(Protocol):
    """Opens calls."""

    async def open(self, call: HttpCall, *, connect_timeout: float) -> Exchange:
        """Send the call and wait for the headers of its answer. Raises `TransportFailed`."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
