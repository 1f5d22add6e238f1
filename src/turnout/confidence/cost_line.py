"""What an answer of the next stage will cost, from what is known before it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from turnout.confidence.blend import Input, input_of
from turnout.confidence.numbers import numpy

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDS: Final = 5
_SMALL: Final = 0.01
"""The share of the mean cost under which nothing is expected: a line may cross 0, and a price does not."""
_PULL: Final = 1e-3
"""The pull of the weights towards 0, in answers: inputs that say the same share the weight."""


class CostLine(msgspec.Struct, frozen=True):
    """A cost in USD as a weighted sum of inputs: tokens have prices, so that no bends are needed.

    Attributes:
        inputs: in the order of the weights.
        weights: USD for one of each.
        offset: USD for any answer.
        least: USD, and never less.
    """

    inputs: tuple[Input, ...]
    weights: tuple[float, ...]
    offset: float
    least: float

    def usd(self, values: Mapping[str, float]) -> float:
        """What one answer will cost."""
        spent = self.offset
        for each, weight in zip(self.inputs, self.weights, strict=True):
            spent += weight * min(max(values[each.name], each.low), each.high)
        return max(spent, self.least)

    def usd_of(self, columns: Sequence[Sequence[float] | Numbers]) -> Numbers:
        """What many will; one column of values for each input."""
        np = numpy()
        expected: Numbers = np.maximum(
            _clipped(self.inputs, columns) @ np.array(self.weights) + self.offset, self.least
        )
        return expected


def fit_cost(columns: Mapping[str, Numbers], usd: Numbers) -> CostLine:
    """Fit a line to costs.

    By least squares of the relative errors, each over the cost that is expected (iteratively reweighted, since the
    variance of a cost grows with its square): else the dearest answers would be all that counts.

    Args:
        columns: the values of each input, by its name.
        usd: what each answer cost.
    """
    np = numpy()
    inputs = tuple(msgspec.structs.replace(input_of(name, values), bends=()) for name, values in columns.items())
    given = _clipped(inputs, list(columns.values()))
    means, spread = given.mean(axis=0), given.std(axis=0)
    scales = np.where(spread > 0, spread, 1.0)
    design = np.column_stack([(given - means) / scales, np.ones(len(usd))])
    penalty = np.diag([*[_PULL] * len(inputs), 0.0])
    least = _SMALL * float(usd.mean())
    expected, found = np.full(len(usd), float(usd.mean())), np.zeros(len(inputs) + 1)
    for _ in range(_ROUNDS if least > 0 else 0):
        weighed = design / expected[:, None]
        found = np.linalg.solve(weighed.T @ weighed + penalty, weighed.T @ (usd / expected))
        expected = np.maximum(design @ found, least)
    weights = found[:-1] / scales
    return CostLine(inputs, tuple(map(float, weights)), float(found[-1] - weights @ means), least)


def _clipped(inputs: Sequence[Input], columns: Sequence[Sequence[float] | Numbers]) -> Numbers:
    np = numpy()
    clipped = [
        np.clip(np.asarray(values, dtype=float), each.low, each.high)
        for each, values in zip(inputs, columns, strict=True)
    ]
    stacked: Numbers = np.column_stack(clipped)
    return stacked
