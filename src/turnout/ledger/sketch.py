"""Latency sketches: what keeps the quantiles of any number of values in a few bytes, and adds up.

A value is counted in the bin of its logarithm, so every quantile is known within 5 % of itself, and two sketches are
merged by adding their counts: Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees", VLDB 2019. Bins are kept sparse: a number (16 bits) and a count (32 bits) for each.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable
from typing import Final

ERROR: Final = 0.05
"""The relative error of a quantile."""
LEAST_MS: Final = 0.01
"""Shorter ones count as this long."""
_GAMMA: Final = (1 + ERROR) / (1 - ERROR)
_STEP: Final = math.log(_GAMMA)
_PAIR: Final = struct.Struct("<hI")
_MOST: Final = (1 << 32) - 1


def bin_of(value_ms: float) -> int:
    """The bin of a latency in ms; what is no latency (negative, not a number) counts as none at all."""
    return math.ceil(math.log(min(value_ms, 1e12)) / _STEP) if value_ms > LEAST_MS else _LOWEST


def middle_of(place: int) -> float:
    """The latency in ms that stands for a bin: none in it is further than `ERROR` from it."""
    return float(2 * _GAMMA**place / (_GAMMA + 1))


def pack(counts: Counter[int]) -> bytes:
    """The sketch of counts by bin."""
    return b"".join(_PAIR.pack(place, min(counts[place], _MOST)) for place in sorted(counts))


def unpack(sketch: bytes | None) -> Counter[int]:
    """Counts by bin."""
    return Counter(dict(_PAIR.iter_unpack(sketch))) if sketch else Counter()


def merge(one: bytes | None, other: bytes | None) -> bytes | None:
    """The sketch of both sketches' values; for SQLite, where the update of a row calls it."""
    if one is None or other is None:
        return other if one is None else one
    return pack(unpack(one) + unpack(other))


def merged(sketches: Iterable[bytes | None]) -> Counter[int]:
    """Counts by bin of all of them."""
    counts: Counter[int] = Counter()
    for sketch in sketches:
        if sketch:
            for place, count in _PAIR.iter_unpack(sketch):
                counts[place] += count
    return counts


def quantile(counts: Counter[int], share: float) -> float | None:
    """The latency in ms that `share` of the values do not exceed, by nearest rank; None without values."""
    number = counts.total()
    if not number:
        return None
    rank = max(1, math.ceil(share * number))
    for place in sorted(counts):
        rank -= counts[place]
        if rank <= 0:
            break
    return middle_of(place)


_LOWEST: Final = math.ceil(math.log(LEAST_MS) / _STEP)
