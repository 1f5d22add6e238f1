"""What to expect of each way to answer a request: the model that the doubly robust estimate leans on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from turnout.confidence.blend import grouped_folds
from turnout.features.ngrams import numpy

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

FOLDS: Final = 5
PULL: Final = 25.0
"""The ridge penalty, in requests: with so few observations of a way, what is expected stays near its mean."""


def expected_outcomes(shapes: Array, done: Array, outcomes: Array, ways: int, clusters: Sequence[str]) -> Array:
    """What to expect of each way for each request, by ridge regressions that were fitted without the request's fold.

    A. E. Hoerl and R. W. Kennard, "Ridge Regression", Technometrics 12 (1970).

    Args:
        shapes: what is known of each request before it is answered, a row each.
        done: the place of the way that was gone.
        outcomes: what came of it.
        ways: how many there are.
        clusters: what is never split between folds.

    Returns:
        A row for each request, a column for each way.
    """
    np = numpy()
    spread = shapes.std(axis=0)
    scaled = (shapes - shapes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found: Array = np.zeros((len(outcomes), ways))
    folds = grouped_folds(clusters, folds=FOLDS)
    for fold in np.unique(folds):
        inside = folds != fold if len(np.unique(folds)) > 1 else folds == fold
        overall = outcomes[inside].mean() if inside.any() else outcomes.mean()
        for place in range(ways):
            seen = inside & (done == place)
            found[folds == fold, place] = _ridge(scaled[seen], outcomes[seen], overall, scaled[folds == fold])
    return found


def _ridge(shapes: Array, outcomes: Array, overall: float, wanted: Array) -> Array:
    """What a ridge regression expects; its mean is drawn towards `overall`, too."""
    np = numpy()
    if not len(outcomes):
        nothing: Array = np.full(len(wanted), overall)
        return nothing
    mean = (outcomes.sum() + overall) / (len(outcomes) + 1)
    centre = shapes.mean(axis=0)
    centred = shapes - centre
    curvature = centred.T @ centred + PULL * np.eye(shapes.shape[1])
    slopes = np.linalg.solve(curvature, centred.T @ (outcomes - mean))
    expected: Array = mean + (wanted - centre) @ slopes
    return expected
