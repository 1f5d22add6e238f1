"""One side of a comparison: the values of a measure, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain


class Arm:
    """Values of one measure on one side.

    A caller's requests resemble each other, so that many from few callers tell less than they seem to. The variance of
    the mean is therefore that of whole callers: Liang and Zeger, "Longitudinal data analysis using generalized linear
    models", Biometrika 73 (1986), with the usual correction for few clusters.
    """

    __slots__ = ("_callers", "_singles", "count", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self._callers: dict[str, tuple[int, float]] = {}
        self._singles = [0, 0.0, 0.0]

    def add(self, value: float, caller: str | None) -> None:
        """Take a value in; one without a caller stands for itself."""
        self.count += 1
        self.total += value
        if caller is None:
            number, total, squares = self._singles
            self._singles = [number + 1, total + value, squares + value * value]
        else:
            known, summed = self._callers.get(caller, (0, 0.0))
            self._callers[caller] = known + 1, summed + value

    @property
    def callers(self) -> int:
        """How many callers there are."""
        return len(self._callers) + int(self._singles[0])

    @property
    def mean(self) -> float:
        """The mean of the values; 0 where there are none."""
        return self.total / self.count if self.count else 0.0

    @property
    def variance(self) -> float:
        """The variance of the mean; infinite for a single caller."""
        callers = self.callers
        if callers < 2:
            return float("inf")
        mean = self.mean
        squares = sum(chain(self._deviations(mean), [self._single_deviations(mean)]))
        return max(squares, 0.0) / self.count**2 * callers / (callers - 1)

    def _deviations(self, mean: float) -> Iterator[float]:
        for number, total in self._callers.values():
            yield (total - number * mean) ** 2

    def _single_deviations(self, mean: float) -> float:
        number, total, squares = self._singles
        return squares - 2 * mean * total + number * mean * mean
