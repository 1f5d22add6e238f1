"""Medians and spread over rounds; comparisons within a round, where the machine's noise is shared."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Measured = dict[str, dict[str, list[float]]]
"""By metric, by contestant, one value for each round."""


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, with the lowest and the highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, rounds: Sequence[float]) -> Spread:
        """The spread of at least one round."""
        return cls(statistics.median(rounds), min(rounds), max(rounds))


def ratios(rounds: Sequence[float], reference: Sequence[float]) -> list[float]:
    """Each round divided by the same round of the reference."""
    return [value / base for value, base in zip(rounds, reference, strict=True)]


def differences(rounds: Sequence[float], reference: Sequence[float]) -> list[float]:
    """Each round less the same round of the reference."""
    return [value - base for value, base in zip(rounds, reference, strict=True)]


def percentile(values: Sequence[float], fraction: float) -> float:
    """The smallest value that at least `fraction` of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -int(-fraction * len(ordered) // 1))
    return ordered[rank - 1]
