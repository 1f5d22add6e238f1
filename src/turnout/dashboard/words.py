"""How values read on a page: each with its unit, each short."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

UNKNOWN = "unknown"
NONE = "–"

OUTCOMES = {
    "answered": "good",
    "partial": "warn",
    "cancelled": "warn",
    "interrupted": "warn",
    "refused": "warn",
    "discarded": "warn",
    "failed": "bad",
}
"""How each outcome of a decision or an attempt is coloured; the word is always beside it."""


def count(number: float) -> str:
    """A whole number with separators."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """How long something lasted: `a moment`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = round(seconds)
    if not whole:
        return "a moment"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def share(part: float | Decimal, whole: float | Decimal) -> str:
    """A part of a whole: `12.5 %`; a dash where there is no whole."""
    if not whole:
        return NONE
    percent = float(part) / float(whole) * 100
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.0f} %" if percent in {0, 100} else f"{percent:.1f} %"


def moment(given: str | datetime, form: str = "%d %b %Y, %H:%M:%S") -> str:
    """A point in time in UTC; text that is none stays as it is."""
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        return str(given)
    return at.astimezone(UTC).strftime(form)


def saved(cost: Decimal | None, baseline: Decimal | None) -> Decimal | None:
    """What routing saved, in USD; None where either cost is unknown."""
    return None if cost is None or baseline is None else baseline - cost
