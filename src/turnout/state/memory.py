"""Values in this process's memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from turnout.types.clock import Clock

_OVERHEAD: Final = 400
"""About how many bytes an entry takes besides its value."""


class MemoryEntries:
    """See `Entries`: at most `max_bytes` of them, those first forgotten that were not asked for the longest.

    Args:
        max_bytes: how much is kept.
        clock: tells when an entry has expired; its monotonic time, which nobody sets.
    """

    def __init__(self, max_bytes: int, clock: Clock) -> None:
        self._max = max_bytes
        self._clock = clock
        self._entries: OrderedDict[tuple[str, bytes], tuple[float, bytes]] = OrderedDict()
        self.size = 0

    async def get(self, tenant: str, key: bytes) -> bytes | None:
        """See `Entries.get`."""
        found = self._entries.get((tenant, key))
        if found is None:
            return None
        expires, value = found
        if self._clock.monotonic() >= expires:
            self._forget((tenant, key))
            return None
        self._entries.move_to_end((tenant, key))
        return value

    def put(self, tenant: str, key: bytes, value: bytes, ttl_s: float) -> None:
        """See `Entries.put`. What is larger than everything that may be kept is not."""
        self._forget((tenant, key))
        if len(value) + _OVERHEAD > self._max:
            return
        self._entries[tenant, key] = (self._clock.monotonic() + ttl_s, value)
        self.size += len(value) + _OVERHEAD
        while self.size > self._max:
            self._forget(next(iter(self._entries)))

    def close(self) -> None:
        """See `Entries.close`."""
        self._entries.clear()
        self.size = 0

    def _forget(self, name: tuple[str, bytes]) -> None:
        if (found := self._entries.pop(name, None)) is not None:
            self.size -= len(found[1]) + _OVERHEAD
