"""Has the traffic moved away from what a calibration was fitted on?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from turnout.confidence.numbers import numpy

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

BINS: Final = 10
SLIGHT: Final = 0.1
"""The stability index from which a shift is slight, and not to be acted on: customary in credit scoring (Siddiqi,
"Credit Risk Scorecards", 2006)."""
SHIFTED: Final = 0.25
"""That from which it counts as one: the same book's "significant"."""
_EMPTY: Final = 0.5
"""What is added to each bin's count, so that an empty one is rare rather than impossible (Jeffreys' prior)."""


class Histogram(msgspec.Struct, frozen=True):
    """Where the values of one input lay.

    Attributes:
        edges: between the bins, ascending; the outer bins are open.
        shares: of each bin; one more than edges.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def counts(self, values: Iterable[float]) -> Numbers:
        """How many of the values lie in each bin."""
        np = numpy()
        places = np.searchsorted(self.edges, np.fromiter(values, dtype=float), side="right")
        counted: Numbers = np.bincount(places, minlength=len(self.shares)).astype(float)
        return counted


class Window(msgspec.Struct, frozen=True):
    """What the inputs of a calibration, or the confidences that it gave, looked like.

    Attributes:
        labels: on how many answers.
        histograms: by the inputs' names.
    """

    labels: int
    histograms: Mapping[str, Histogram]


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How far the traffic has moved.

    Attributes:
        answers: how many were looked at.
        indices: the stability index of each input; 0 for none.
        limit: the index that chance alone stays under in 99.9 of 100 windows of this size, and never under `SHIFTED`.
    """

    answers: int
    indices: Mapping[str, float]
    limit: float

    @property
    def shifted(self) -> list[str]:
        """The inputs that have moved, the furthest first."""
        moved = [name for name, index in self.indices.items() if index > self.limit]
        return sorted(moved, key=lambda name: -self.indices[name])


def shift_word(index: float, limit: float) -> str:
    """What a stability index is called: `stable` below `SLIGHT`, `slight` up to the limit, `moved` above it."""
    return "moved" if index > limit else "slight" if index >= SLIGHT else "stable"


def window_of(columns: Mapping[str, Numbers]) -> Window:
    """The window of a calibration: bins of equally many answers."""
    np = numpy()
    histograms = {}
    for name, values in columns.items():
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        shares = counts / len(values)
        histograms[name] = Histogram(tuple(map(float, edges)), tuple(map(float, shares)))
    return Window(len(next(iter(columns.values()))), histograms)


def drift(window: Window, counts: Mapping[str, Numbers]) -> Drift:
    """How far traffic, counted into the window's bins, has moved from it.

    By the population stability index, Σ (p − q) ln(p / q), which is 0 for equal shares. Under no shift it is about
    (1/n + 1/m) times a chi-squared variable of (bins − 1) degrees of freedom (Yurdakul, "Statistical Properties of
    Population Stability Index", 2018): small windows need a higher limit than the customary one.

    Args:
        window: of the calibration.
        counts: of each input, how many answers fell into each bin.
    """
    np = numpy()
    answers = int(next(iter(counts.values())).sum()) if counts else 0
    indices = {}
    most = 1
    for name, counted in counts.items():
        expected = _shares(np.asarray(window.histograms[name].shares) * window.labels)
        seen = _shares(counted)
        indices[name] = float(((seen - expected) * np.log(seen / expected)).sum())
        most = max(most, len(expected) - 1)
    limit = (1 / max(answers, 1) + 1 / window.labels) * _chi_squared_999(most)
    return Drift(answers=answers, indices=indices, limit=max(SHIFTED, limit))


def _shares(counts: Numbers) -> Numbers:
    shares: Numbers = (counts + _EMPTY) / (counts.sum() + _EMPTY * len(counts))
    return shares


def _chi_squared_999(freedom: int) -> float:
    """The 99.9 % quantile of the chi-squared distribution: Wilson and Hilferty's approximation (PNAS 1931)."""
    z = 3.0902
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + z * part**0.5) ** 3)
