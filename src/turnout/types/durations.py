"""Durations as people write them: `5s`, `800ms`, `2m`, `1h`, `90d`."""

from __future__ import annotations

import re
from typing import Final

PATTERN: Final = r"^[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)$"
"""What a duration looks like, as a JSON Schema says it."""

_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def parse_duration(text: str) -> float:
    """Seconds, more than 0.

    Raises:
        ValueError: it is no number with a unit, or not more than 0.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("a duration is a number with a unit (ms, s, m, h or d).")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds <= 0:
        raise ValueError("a duration is more than 0.")
    return seconds
