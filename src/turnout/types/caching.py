"""Whether a route's answers may be given again."""

from __future__ import annotations

from typing import Literal

import msgspec

Place = Literal["memory", "disk"]


class Caching(msgspec.Struct, frozen=True):
    """A route's response cache.

    Attributes:
        ttl_s: for how long an answer may be given again, in seconds.
        place: where answers are kept: each process's memory, or the data directory, which its processes share.
    """

    ttl_s: float
    place: Place = "memory"
