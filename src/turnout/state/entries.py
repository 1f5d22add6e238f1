"""Values that are kept for a while."""

from __future__ import annotations

from typing import Protocol


class Entries(Protocol):
    """Keeps values under a tenant and a key until they expire. What one tenant put, no other can get.

    A store that fails has nothing and keeps nothing: neither method raises, and neither lets the event loop wait.
    """

    async def get(self, tenant: str, key: bytes) -> bytes | None:
        """The value, if it is there, has not expired, and can be had within a few milliseconds."""
        ...

    def put(self, tenant: str, key: bytes, value: bytes, ttl_s: float) -> None:
        """Keep a value for `ttl_s` seconds, in place of the one before. Returns at once; it may be written later."""
        ...

    def close(self) -> None:
        """Write what waits, and end."""
        ...
