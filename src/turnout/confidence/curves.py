"""Calibration curves: from one raw score to a probability.

A curve is data (a name and its parameters), so that an artefact can hold it; fitting and serving need numpy only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import msgspec

from turnout.confidence.logistic import fit_logistic, sigmoid
from turnout.confidence.numbers import numpy

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

CurveName = Literal["logistic", "beta", "isotonic"]
_EDGE: Final = 1e-6
"""How near to 0 and 1 a score is let, where its logarithm is taken."""
_PRIOR: Final = 1.0
"""The weight of the pull of slopes towards 0, in labels: few labels shall not make a curve a step."""


class Curve(Protocol):
    """A monotone map from a score to a probability."""

    def at(self, scores: Numbers) -> Numbers:
        """The probabilities of `scores`."""
        ...


class LogisticCurve(msgspec.Struct, frozen=True, tag="logistic", tag_field="curve"):
    """Platt's: the logistic of a line in the score.

    Platt, "Probabilistic Outputs for Support Vector Machines" (1999), with his softened labels.
    """

    slope: float
    offset: float

    def at(self, scores: Numbers) -> Numbers:
        """See `Curve`."""
        return sigmoid(self.slope * scores + self.offset)


class BetaCurve(msgspec.Struct, frozen=True, tag="beta", tag_field="curve"):
    """The logistic of `a` ln s − `b` ln(1 − s) + `c`, for scores that are probabilities already.

    Kull, Silva Filho and Flach, "Beta calibration", AISTATS 2017. A negative `a` or `b` would not be monotone; it is
    fitted again without that term, as the paper does.
    """

    a: float
    b: float
    c: float

    def at(self, scores: Numbers) -> Numbers:
        """See `Curve`."""
        low, high = _logs(scores)
        return sigmoid(self.a * low + self.b * high + self.c)


class IsotonicCurve(msgspec.Struct, frozen=True, tag="isotonic", tag_field="curve"):
    """Steps, joined by lines: pool adjacent violators. Zadrozny and Elkan, KDD 2002.

    Attributes:
        knots: scores, ascending.
        values: their probabilities, ascending.
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, scores: Numbers) -> Numbers:
        """See `Curve`."""
        found: Numbers = numpy().interp(scores, self.knots, self.values)
        return found


AnyCurve = LogisticCurve | BetaCurve | IsotonicCurve


def fit_curve(name: CurveName, scores: Numbers, labels: Numbers) -> AnyCurve:
    """Fit one curve.

    Args:
        name: which.
        scores: raw scores, higher for better answers; of the beta curve, between 0 and 1.
        labels: 1 for an acceptable answer, 0 for another, or between.
    """
    fits: Mapping[CurveName, Callable[[Numbers, Numbers], AnyCurve]] = {
        "logistic": _logistic,
        "beta": _beta,
        "isotonic": _isotonic,
    }
    return fits[name](scores, labels)


def _logistic(scores: Numbers, labels: Numbers) -> LogisticCurve:
    np = numpy()
    good = float(labels.sum())
    bad = len(labels) - good
    soft = labels * (good + 1) / (good + 2) + (1 - labels) / (bad + 2)
    scale = float(np.std(scores)) or 1.0
    slope, offset = fit_logistic((scores / scale)[:, None], soft, pull=_PRIOR)
    return LogisticCurve(max(slope, 0.0) / scale, offset)


def _beta(scores: Numbers, labels: Numbers) -> BetaCurve:
    np = numpy()
    low, high = _logs(scores)
    a, b, c = fit_logistic(np.column_stack([low, high]), labels, pull=_PRIOR)
    if a < 0:
        a = 0.0
        b, c = fit_logistic(high[:, None], labels, pull=_PRIOR)
    elif b < 0:
        b = 0.0
        a, c = fit_logistic(low[:, None], labels, pull=_PRIOR)
    return BetaCurve(max(a, 0.0), max(b, 0.0), c)


def _isotonic(scores: Numbers, labels: Numbers) -> IsotonicCurve:
    np = numpy()
    order = np.argsort(scores, kind="stable")
    knots, starts = np.unique(scores[order], return_index=True)
    sums = np.add.reduceat(labels[order], starts)
    weights = np.diff([*starts, len(scores)]).astype(float)
    blocks: list[list[float]] = []  # each: sum of labels, weight, the first and the last place
    for place, (total, weight) in enumerate(zip(sums, weights, strict=True)):
        blocks.append([float(total), float(weight), place, place])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            above = blocks.pop()
            blocks[-1] = [blocks[-1][0] + above[0], blocks[-1][1] + above[1], blocks[-1][2], above[3]]
    ends = [(knots[int(place)], total / weight) for total, weight, *places in blocks for place in sorted(set(places))]
    return IsotonicCurve(tuple(float(knot) for knot, _ in ends), tuple(float(value) for _, value in ends))


def _logs(scores: Numbers) -> tuple[Numbers, Numbers]:
    """The logarithms that the beta curve is linear in: ln s and −ln(1 − s)."""
    np = numpy()
    inside = np.clip(scores, _EDGE, 1 - _EDGE)
    return np.log(inside), -np.log1p(-inside)
