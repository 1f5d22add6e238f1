"""A connection to a Valkey or Redis server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from turnout.errors import MissingExtra

if TYPE_CHECKING:
    from redis.asyncio import Redis

TIMEOUT_S: Final = 0.1
"""A server that does not answer by then cannot be reached."""
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


def failures() -> tuple[type[Exception], ...]:
    """What its commands raise where the server does not answer, or not as it should."""
    from redis.exceptions import RedisError

    return (RedisError, OSError, TimeoutError)
