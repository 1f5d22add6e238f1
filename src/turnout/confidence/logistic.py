"""Logistic regression by Newton's method, with a pull of the slopes towards 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from turnout.confidence.numbers import numpy

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

_STEPS: Final = 50
_ENOUGH: Final = 1e-10
FAR: Final = 35.0
"""Beyond this the logistic is 0 or 1 to the last digit."""


def sigmoid(x: Numbers) -> Numbers:
    """1 / (1 + exp(−x)), without overflow."""
    np = numpy()
    chances: Numbers = 1.0 / (1.0 + np.exp(-np.clip(x, -FAR, FAR)))
    return chances


def fit_logistic(columns: Numbers, labels: Numbers, *, pull: float) -> tuple[float, ...]:
    """Fit P(label) = sigmoid(columns · slopes + offset).

    Args:
        columns: one row for each label, of about unit scale.
        labels: 0 to 1; fractions are allowed.
        pull: the weight of the penalty ½ · `pull` · slopes²; the offset is free.

    Returns:
        The slopes, then the offset.
    """
    np = numpy()
    design = np.column_stack([columns, np.ones(len(columns))])
    penalty = np.full(design.shape[1], pull)
    penalty[-1] = 0.0
    found = np.zeros(design.shape[1])
    share = np.clip(labels.mean(), 1e-6, 1 - 1e-6)
    found[-1] = np.log(share / (1 - share))
    for _ in range(_STEPS):
        chances = sigmoid(design @ found)
        slope = design.T @ (chances - labels) + penalty * found
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, slope)
        size = float(np.abs(step).max())
        found -= step * min(1.0, 5.0 / size) if size else 0.0
        if size < _ENOUGH:
            break
    return tuple(float(value) for value in found)
