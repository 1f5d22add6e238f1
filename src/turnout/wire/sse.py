"""Server-sent events: split at any byte, kept as they came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class SseEvent:
    """One event.

    Attributes:
        raw: its exact bytes, the blank line that ends it included.
    """

    raw: bytes
