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


def saved(decision: Decision) -> Decimal | None:
    """What routing saved against the baseline, in USD; None where either cost is unknown."""
    if decision.cost_usd is None or decision.baseline_cost_usd is None:
        return None
    return decision.baseline_cost_usd - decision.cost_usd


def drop_reason(reason: str) -> str:
    """A drop's reason in words."""
    return plain(drop_words(reason))
