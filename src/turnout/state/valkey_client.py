"""A connection to a Valkey or Redis server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from turnout.errors import MissingExtra

if TYPE_CHECKING:
    from redis.asyncio import Redis

TIMEOUT_S: Final = 0.1
"""A server that does not answer by then cannot be reached."""
_LOOKS: Final = 5
PREFIX: Final = "{turnout}:"
"""What all of our keys begin with; the braces keep all of them on one node of a cluster."""


def connect(url: str) -> Redis:
    """A client with one connection, which is opened by its first command, and tries nothing twice.

    Args:
        url: the server's address: `redis://`, `rediss://`, `valkey://` or `unix://`, with user, password and database.

    Raises:
        MissingExtra: the extra `valkey` is not installed.
        ValueError: not an address.
    """
    try:
        import redis.asyncio as redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise MissingExtra("state in Valkey", "valkey") from error
    client: Redis = redis.Redis.from_url(
        url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,
        single_connection_client=True,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
    )
    return client


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """Give the server so long to answer.

    The time is counted in parts, each begun by this event loop: while the loop is held up by something else, an answer
    may have come that it has not looked at, so that a delay of our own counts as one part, however long it is.

    Raises:
        TimeoutError: it did not answer.
    """
    async with asyncio.timeout(None) as limit:
        patience = _Patience(seconds / _LOOKS, limit)
        try:
            yield
        finally:
            patience.end()


class _Patience:
    """Looks at the time again and again, and then ends a wait."""

    __slots__ = ("_every_s", "_left", "_limit", "_timer")

    def __init__(self, every_s: float, limit: asyncio.Timeout) -> None:
        self._every_s = every_s
        self._limit = limit
        self._left = _LOOKS
        self._timer = asyncio.get_running_loop().call_later(every_s, self._look)

    def end(self) -> None:
        """The wait is over."""
        self._timer.cancel()

    def _look(self) -> None:
        self._left -= 1
        loop = asyncio.get_running_loop()
        if self._left:
            self._timer = loop.call_later(self._every_s, self._look)
        else:
            self._limit.reschedule(loop.time())


def failures() -> tuple[type[Exception], ...]:
    """What its commands raise where the server does not answer, or not as it should."""
    from redis.exceptions import RedisError

    return (RedisError, OSError, TimeoutError)
