"""What estimators are made of: of each request a numerator and a denominator, whose sums' ratio is the estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


class Parts(NamedTuple):
    """An estimate as a ratio of two sums over requests.

    Attributes:
        above: what each request adds to the numerator.
        below: what it adds to the denominator.
    """

    above: Array
    below: Array

    @property
    def value(self) -> float:
        """The estimate; NaN where there is nothing to go by."""
        below = float(self.below.sum())
        return float(self.above.sum()) / below if below else float("nan")
