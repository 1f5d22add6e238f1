"""From a recipe and labelled requests to a classifier of targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.confidence.blend import grouped_folds
from turnout.confidence.logistic import fit_logistic
from turnout.errors import ArtefactError
from turnout.features.ngrams import numpy
from turnout.insight.train.corpus import Corpus, dense
from turnout.insight.train.fitting import Fitted, fit_linear, fit_nearest, fit_topics, fit_trees
from turnout.insight.train.rows import Rows
from turnout.policy.classifier.model import Classifier, Typical, stacked
from turnout.policy.classifier.parts import Part

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

FOLDS: Final = 5
LEAST_LABELS: Final = 30
"""Fewer cannot be cross-validated: of five folds each must hold a few answers of either kind."""
PULL: Final = 10.0
"""The penalty of the last regression, in labels."""
_RIDGE: Final = 10.0


class Recipe(NamedTuple):
    """How a classifier is made.

    Attributes:
        name: what the model card calls it.
        parts: which parts score a request (`linear`, `topics`, `nearest`).
        trees: whether boosted trees join the last regression.
        strength: the inverse penalty of `linear`.
    """

    name: str
    parts: tuple[str, ...]
    trees: bool = False
    strength: float = 0.1


def fit_classifier(rows: Rows, corpus: Corpus, recipe: Recipe, *, seed: int = 0) -> Classifier:
    """A classifier of the rows' targets.

    The parts are fitted to all rows; what mixes them, to what parts said that had been fitted without the row's fold.

    Args:
        rows: labelled requests.
        corpus: the same, read.
        recipe: how.
        seed: makes it repeatable.

    Raises:
        ArtefactError: there are too few labels.
        MissingExtra: `learn` is not installed.
    """
    np = numpy()
    labels = rows.acceptable
    fewest = int((~np.isnan(labels)).sum(axis=0).min())
    if fewest < LEAST_LABELS:
        name = rows.names[int((~np.isnan(labels)).sum(axis=0).argmin())]
        told = f"{fewest} labelled answers of '{name}' are too few to learn from."
        raise ArtefactError(told, fix=f"Give at least {LEAST_LABELS} of each target.")
    reader = corpus.reader()
    reads = corpus.reads(reader)
    numbers = _unseen(rows, corpus, recipe, seed)
    mix, offsets = _mix(numbers, labels)
    trees = fit_trees(numbers, labels, seed=seed) if recipe.trees else None
    if trees is not None:  # the mean of the two log-odds
        mix, offsets = mix / 2, offsets / 2
        trees = trees.scaled(0.5)
    given = Fitted(reader, reads, labels, rows.topics, seed)
    shapes = dense(reads)
    return Classifier(
        names=rows.names,
        of="targets",
        reader=reader,
        parts=_parts(given, recipe),
        mix=mix,
        offsets=offsets,
        trees=trees,
        output_tokens=_typical(shapes, rows.output_tokens),
        latency_ms=_typical(shapes, rows.latency_ms),
    )


def _unseen(rows: Rows, corpus: Corpus, recipe: Recipe, seed: int) -> Array:
    """What is mixed, for each request by parts that were fitted without its fold."""
    np = numpy()
    folds = grouped_folds(rows.groups, seed=seed, folds=FOLDS)
    found: list[Array] = [np.zeros(0)] * len(rows)
    for fold in np.unique(folds):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        part = corpus.take(inside)
        reader = part.reader()
        topics = [rows.topics[place] for place in inside]
        parts = _parts(Fitted(reader, part.reads(reader), rows.acceptable[inside], topics, seed), recipe)
        for place, read in zip(outside, corpus.take(outside).reads(reader), strict=True):
            found[place] = stacked(parts, read)
    numbers: Array = np.stack(found)
    return numbers


def _parts(given: Fitted, recipe: Recipe) -> tuple[Part, ...]:
    makers: Mapping[str, Callable[[], Part]] = {
        "linear": lambda: fit_linear(given, recipe.strength),
        "topics": lambda: fit_topics(given),
        "nearest": lambda: fit_nearest(given),
    }
    return tuple(makers[name]() for name in recipe.parts)


def _mix(numbers: Array, labels: Array) -> tuple[Array, Array]:
    """The last regression of each target."""
    np = numpy()
    means, spread = numbers.mean(axis=0), numbers.std(axis=0)
    scales = np.where(spread > 0, spread, 1.0)
    mix, offsets = np.zeros((numbers.shape[1], labels.shape[1])), np.zeros(labels.shape[1])
    for place, column in enumerate(labels.T):
        known = ~np.isnan(column)
        *slopes, offset = fit_logistic((numbers[known] - means) / scales, column[known], pull=PULL)
        mix[:, place] = np.array(slopes) / scales
        offsets[place] = offset - mix[:, place] @ means
    return mix, offsets


def _typical(shapes: Array, values: Array) -> Typical | None:
    """The logarithm of a quantity as a line in the dense numbers, by ridge regression; None where it is not known."""
    np = numpy()
    slopes, offsets = np.zeros((shapes.shape[1], values.shape[1])), np.zeros(values.shape[1])
    most = np.zeros(values.shape[1])
    for place, column in enumerate(values.T):
        known = np.flatnonzero(~np.isnan(column))
        if len(known) < LEAST_LABELS:
            return None
        logs, inputs = np.log(np.maximum(column[known], 1e-3)), shapes[known]
        centred = inputs - inputs.mean(axis=0)
        curvature = centred.T @ centred + _RIDGE * np.eye(shapes.shape[1])
        slopes[:, place] = np.linalg.solve(curvature, centred.T @ (logs - logs.mean()))
        offsets[place] = logs.mean() - inputs.mean(axis=0) @ slopes[:, place]
        # The mean of what was is kept: that of a logarithm lies under the logarithm of the mean.
        offsets[place] += np.log(column[known].mean() / np.exp(inputs @ slopes[:, place] + offsets[place]).mean())
        most[place] = column[known].max()
    return Typical(slopes, offsets, most)
