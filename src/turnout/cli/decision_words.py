"""How a decision's values read in a terminal."""

from __future__ import annotations

from decimal import Decimal

from turnout.insight.drop_words import drop_words
from turnout.types.decision import Decision

OUTCOME_STYLES = {
    "answered": "green",
    "partial": "yellow",
    "cancelled": "yellow",
    "interrupted": "yellow",
    "refused": "yellow",
    "failed": "red",
    "discarded": "yellow",
}


def plain(text: object) -> str:
    """The text on one line, with nothing in it that a terminal would obey: names come from callers and providers."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in str(text))


def usd(amount: Decimal | None, unknown: str = "unknown") -> str:
    """An amount with three digits that count, and at least cents: `$0.000714`, `$12.30`."""
    if amount is None:
        return unknown
    if not amount:
        return "$0"
    return f"{'-' if amount < 0 else ''}${abs(amount):.{min(12, max(2, 2 - amount.adjusted()))}f}"


def milliseconds(duration: float | None) -> str:
    """A duration: `0.42 ms`, `842 ms`, `12.3 s`; a dash where there is none."""
    if duration is None:
        return "–"
    if duration >= 10_000:
        return f"{duration / 1000:.1f} s"
    return f"{duration:.0f} ms" if duration >= 10 else f"{duration:.2f} ms"


def saved(decision: Decision) -> Decimal | None:
    """What routing saved against the baseline, in USD; None where either cost is unknown."""
    if decision.cost_usd is None or decision.baseline_cost_usd is None:
        return None
    return decision.baseline_cost_usd - decision.cost_usd


def drop_reason(reason: str) -> str:
    """A drop's reason in words."""
    return plain(drop_words(reason))
