"""Several signals and features, blended into one probability.

Each input is clipped to the range it was fitted on and bent at a few of its quantiles, so that a line in it can follow
what is no line; a logistic regression weighs the pieces. Everything is data, and serving is a sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from turnout.confidence.logistic import FAR, fit_logistic, sigmoid
from turnout.confidence.numbers import numpy
from turnout.confidence.quality import log_loss

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

BENDS: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
"""The quantiles at which an input is bent."""
PULLS: Final = (3.0, 10.0, 30.0, 100.0, 300.0)
"""The penalties that are tried, in labels."""
FOLDS: Final = 5
_TAIL: Final = 0.005
"""The share of the labels beyond each end of an input's range: single odd values shall not set it."""
_MARGIN: Final = 0.1
"""How far beyond its range an input may lie before nothing is known any more, as a share of the range."""


class Input(msgspec.Struct, frozen=True):
    """One signal or feature, as it was when the blend was fitted.

    Attributes:
        name: what it is called.
        low, high: between these it was seen.
        bends: where the line in it may bend, ascending.
    """

    name: str
    low: float
    high: float
    bends: tuple[float, ...] = ()

    def knows(self, value: float) -> bool:
        """Whether the value is one of those that were seen, or near them."""
        room = (self.high - self.low) * _MARGIN
        return self.low - room <= value <= self.high + room

    def pieces(self, values: Numbers) -> list[Numbers]:
        """The columns that stand for the input."""
        np = numpy()
        inside = np.clip(values, self.low, self.high)
        return [inside, *(np.maximum(inside - bend, 0.0) for bend in self.bends)]


class Blend(msgspec.Struct, frozen=True):
    """P(label) = sigmoid of a weighted sum of the inputs' pieces.

    Attributes:
        inputs: in the order of the columns.
        weights: one for each piece.
        offset: what is added.
        pull: the penalty that cross-validation chose.
    """

    inputs: tuple[Input, ...]
    weights: tuple[float, ...]
    offset: float
    pull: float

    def unknown(self, values: Mapping[str, float]) -> list[str]:
        """The inputs that are missing, no number, or outside what was seen: nothing is known about such an answer."""
        return [each.name for each in self.inputs if not each.knows(values.get(each.name, float("nan")))]

    def chance(self, values: Mapping[str, float]) -> float:
        """The probability for one answer, all of whose inputs are known. Arrays would take longer than the sum."""
        weights = iter(self.weights)
        score = self.offset
        for each in self.inputs:
            inside = min(max(values[each.name], each.low), each.high)
            score += next(weights) * inside
            for bend in each.bends:
                score += next(weights) * max(inside - bend, 0.0)
        return 1.0 / (1.0 + math.exp(-min(max(score, -FAR), FAR)))

    def chances(self, columns: Sequence[Sequence[float] | Numbers]) -> Numbers:
        """The probabilities of many answers; one column of values for each input."""
        np = numpy()
        pieces = _pieces(self.inputs, columns)
        return sigmoid(pieces @ np.array(self.weights) + self.offset)


def fit_blend(
    columns: Mapping[str, Numbers], labels: Numbers, *, folds: Numbers, pulls: Iterable[float] = PULLS
) -> Blend:
    """Fit a blend; its penalty is the one with the least cross-validated log loss.

    Args:
        columns: the values of each input, by its name.
        labels: 1 for an acceptable answer, 0 for another.
        folds: the fold of each answer, from `grouped_folds`.
        pulls: the penalties to choose from.
    """
    inputs = tuple(input_of(name, values) for name, values in columns.items())
    pieces = _pieces(inputs, list(columns.values()))
    means, scales = pieces.mean(axis=0), _scales(pieces)
    design = (pieces - means) / scales

    def loss(pull: float) -> float:
        return log_loss(_cross_fitted(design, labels, folds, pull), labels)

    pull = min(pulls, key=loss)
    *slopes, offset = fit_logistic(design, labels, pull=pull)
    weights = slopes / scales
    return Blend(inputs, tuple(float(weight) for weight in weights), float(offset - weights @ means), pull)


def cross_fitted(columns: Mapping[str, Numbers], labels: Numbers, *, folds: Numbers, pull: float) -> Numbers:
    """The probability of each answer by a blend that was fitted without its fold: what new answers may expect."""
    np = numpy()
    chances: Numbers = np.zeros(len(labels))
    for fold in np.unique(folds):
        out = folds == fold
        rest = {name: values[~out] for name, values in columns.items()}
        blend = fit_blend(rest, labels[~out], folds=folds[~out], pulls=(pull,))
        chances[out] = blend.chances([values[out] for values in columns.values()])
    return chances


def grouped_folds(groups: Sequence[str], *, seed: int = 0, folds: int = FOLDS) -> Numbers:
    """A fold for each answer; answers of one group (the same prompt, say) are in the same one."""
    np = numpy()
    distinct, members = np.unique(np.asarray(groups), return_inverse=True)
    draws = np.random.default_rng(seed)
    of_group = draws.permutation(len(distinct)) % min(folds, len(distinct))
    found: Numbers = of_group[members]
    return found


def input_of(name: str, values: Numbers) -> Input:
    """An input as it is in these values."""
    np = numpy()
    low, high = (float(edge) for edge in np.quantile(values, (_TAIL, 1 - _TAIL)))
    bends = sorted({float(bend) for bend in np.quantile(values, BENDS)} - {low, high})
    return Input(name, low, high, tuple(bend for bend in bends if low < bend < high))


def _pieces(inputs: Sequence[Input], columns: Sequence[Sequence[float] | Numbers]) -> Numbers:
    np = numpy()
    pieces = [
        piece
        for each, values in zip(inputs, columns, strict=True)
        for piece in each.pieces(np.asarray(values, dtype=float))
    ]
    stacked: Numbers = np.column_stack(pieces)
    return stacked


def _scales(pieces: Numbers) -> Numbers:
    np = numpy()
    spread = pieces.std(axis=0)
    scales: Numbers = np.where(spread > 0, spread, 1.0)
    return scales


def _cross_fitted(design: Numbers, labels: Numbers, folds: Numbers, pull: float) -> Numbers:
    np = numpy()
    chances: Numbers = np.zeros(len(labels))
    for fold in np.unique(folds):
        out = folds == fold
        *slopes, offset = fit_logistic(design[~out], labels[~out], pull=pull)
        chances[out] = sigmoid(design[out] @ np.array(slopes) + offset)
    return chances
