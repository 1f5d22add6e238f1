"""Durations and ages, as a configuration writes them."""

from __future__ import annotations

from typing import Final

from turnout.types.durations import PATTERN, parse_duration

__all__ = ["AGE_PATTERN", "FOREVER", "PATTERN", "format_age", "format_duration", "parse_duration"]

_DAY_S: Final = 86_400.0

FOREVER: Final = "forever"
AGE_PATTERN: Final = rf"{PATTERN}|^{FOREVER}$"
"""The same for what may also last for ever."""


def format_duration(seconds: float) -> str:
    """How a configuration would write `seconds`."""
    if seconds % _DAY_S == 0:
        return f"{seconds / _DAY_S:g}d"
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"


def format_age(seconds: float | None) -> str:
    """The same for what may also last for ever."""
    return FOREVER if seconds is None else format_duration(seconds)
