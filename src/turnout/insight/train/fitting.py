"""The parts of a model, fitted by scikit-learn and taken over as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.errors import MissingExtra
from turnout.features.measures import MEASURES
from turnout.features.ngrams import numpy
from turnout.insight.train.corpus import dense, sparse
from turnout.policy.classifier.parts import Linear, Nearest, Topics, Trees
from turnout.policy.classifier.reading import Read, Reader

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

DENSE_WEIGHT: Final = 0.5
"""The dense numbers are shrunk before the penalty sees them: a standard deviation is to count as much as an n-gram."""
STRENGTHS: Final = (0.03, 0.1, 0.3, 1.0)
"""The inverse penalties of the logistic regression that are tried."""
COMMON_NGRAMS: Final = 2**14
"""Topics and axes are told by so many n-grams, those in the most requests: each takes a row of numbers."""
TOPIC_STRENGTH: Final = 30.0
RATE_VOTES: Final = 20.0
"""How many requests of a topic weigh as much as the rate over all topics."""
AXES: Final = 64
BOOSTING: Final[Mapping[str, Any]] = {
    "n_estimators": 100,
    "learning_rate": 0.05,
    "max_depth": 3,
    "min_samples_leaf": 40,
    "subsample": 0.7,
    "max_features": 0.5,
}
_ROUNDS: Final = 400


class Fitted(NamedTuple):
    """What a part is fitted to.

    Attributes:
        reader: reads the requests.
        reads: the requests.
        labels: for each request and name 1 or 0, or NaN where that is not known.
        topics: what each request is about; all empty for none.
        seed: makes it repeatable.
    """

    reader: Reader
    reads: Sequence[Read]
    labels: Array
    topics: Sequence[str]
    seed: int


def sklearn(module: str) -> Any:
    """A module of scikit-learn.

    Raises:
        MissingExtra: the extra `learn` is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"sklearn.{module}")
    except ImportError:
        raise MissingExtra("training", "learn") from None


def fit_linear(given: Fitted, strength: float) -> Linear:
    """A logistic regression for each name, over all n-grams and measures."""
    from scipy.sparse import csr_matrix, hstack

    np = numpy()
    columns = sparse(given.reads, given.reader.vocabulary)
    shapes = dense(given.reads)
    design = hstack([columns, csr_matrix(shapes * DENSE_WEIGHT)]).tocsr()
    weights = np.zeros((design.shape[1], given.labels.shape[1]))
    offsets = np.zeros(given.labels.shape[1])
    for place, labels in enumerate(given.labels.T):
        known = ~np.isnan(labels)
        offsets[place] = _prior(labels[known])
        if 0 < labels[known].mean() < 1:
            regression = sklearn("linear_model").LogisticRegression(
                C=strength, solver="liblinear", max_iter=_ROUNDS, random_state=given.seed
            )
            regression.fit(design[known], labels[known].astype(int))
            weights[:, place], offsets[place] = regression.coef_[0], regression.intercept_[0]
    of_ngrams = columns.shape[1]
    return Linear(weights[:of_ngrams], weights[of_ngrams:] * DENSE_WEIGHT, offsets)


def fit_topics(given: Fitted) -> Topics:
    """What a request is about, from labels, and each topic's rates."""
    np = numpy()
    columns = sparse(given.reads, given.reader.vocabulary)
    often, rows = _often(columns)
    regression = sklearn("linear_model").LogisticRegression(C=TOPIC_STRENGTH, max_iter=_ROUNDS, tol=1e-3)
    topics = np.array(given.topics)
    regression.fit(columns[:, often], topics)
    coefficients, offsets = regression.coef_, regression.intercept_
    if len(coefficients) == 1:  # of two topics it gives the second one's odds
        coefficients = np.concatenate((-coefficients, coefficients)) / 2
        offsets = np.concatenate((-offsets, offsets)) / 2
    weights = np.concatenate((coefficients.T, np.zeros((1, len(coefficients))))).astype(np.float16)
    overall = np.nanmean(given.labels, axis=0)
    rates = [_rates(given.labels[topics == topic], overall) for topic in regression.classes_]
    return Topics(rows, weights, offsets, np.array(rates))


def fit_nearest(given: Fitted, *, count: int = 80, sharpness: float = 10.0) -> Nearest:
    """The known requests themselves, on the axes of their embeddings, else on those that a decomposition finds."""
    np = numpy()
    known = ~np.isnan(given.labels).any(axis=1)
    reads = [read for read, whole in zip(given.reads, known, strict=True) if whole]
    if given.reader.embedding:
        axes, rows = np.zeros((0, 0)), np.zeros(0, np.int32)
        placed = dense(reads)[:, len(MEASURES) :]
    else:
        columns = sparse(reads, given.reader.vocabulary)
        often, rows = _often(columns)
        size = min(AXES, len(often) - 1, len(reads) - 1)
        found = sklearn("decomposition").TruncatedSVD(size, random_state=given.seed).fit(columns[:, often])
        axes = np.concatenate((found.components_.T, np.zeros((1, size)))).astype(np.float16)
        placed = columns[:, often] @ axes[:-1].astype(float)
    lengths = np.linalg.norm(placed, axis=1, keepdims=True)
    labels = given.labels[known]
    settings = np.array([min(count, len(reads)), sharpness, RATE_VOTES, 0.0])
    known_places = (placed / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return Nearest(rows, axes, known_places, labels, labels.mean(axis=0), settings)


def fit_trees(numbers: Array, labels: Array, *, seed: int) -> Trees:
    """Boosted trees over what the parts say of requests that they were not fitted to, and the measures.

    J. H. Friedman, "Stochastic Gradient Boosting", Computational Statistics & Data Analysis 38 (2002).
    """
    np = numpy()
    nodes, roots, heads, size = [np.zeros((0, 5))], [], [], 0
    offsets = np.array([_prior(column[~np.isnan(column)]) for column in labels.T])
    for place, column in enumerate(labels.T):
        known = ~np.isnan(column)
        if not 0 < column[known].mean() < 1:
            continue
        boosting = sklearn("ensemble").GradientBoostingClassifier(**BOOSTING, random_state=seed)
        boosting.fit(numbers[known], column[known].astype(int))
        rate = column[known].mean()
        offsets[place] = np.log(rate / (1 - rate))
        for tree in (each.tree_ for each in boosting.estimators_[:, 0]):
            nodes.append(_nodes(tree, size))
            roots.append(size)
            heads.append(place)
            size += tree.node_count
    table = np.concatenate(nodes)
    return Trees(
        inputs=table[:, 0].astype(np.int32),
        bounds=table[:, 1],
        children=table[:, 2:4].astype(np.int32),
        values=table[:, 4] * BOOSTING["learning_rate"],
        roots=np.array(roots, np.int32),
        heads=np.array(heads, np.int32),
        offsets=offsets,
        depth=np.array([BOOSTING["max_depth"]], np.int32),
    )


def _nodes(tree: Any, at: int) -> Array:
    """A tree's nodes, the first of which stands at `at`: input, bound, first and second child, value."""
    np = numpy()
    own, leaf = np.arange(tree.node_count), tree.children_left < 0
    first = np.where(leaf, own, tree.children_left) + at
    second = np.where(leaf, own, tree.children_right) + at
    inputs = np.where(leaf, 0, tree.feature)
    table: Array = np.stack([inputs, tree.threshold, first, second, tree.value[:, 0, 0]], axis=1)
    return table


def _often(columns: Any) -> tuple[Array, Array]:
    """The n-grams that stand in the most requests; and for every n-gram its place among them, the last for none."""
    np = numpy()
    counts = np.asarray((columns > 0).sum(axis=0)).ravel()
    often = np.sort(np.argsort(-counts, kind="stable")[:COMMON_NGRAMS])
    rows = np.full(columns.shape[1], len(often), np.int32)
    rows[often] = np.arange(len(often))
    return often, rows


def _prior(labels: Array) -> float:
    """The log-odds of the labels' rate, of which neither kind is ever quite absent."""
    rate = (labels.sum() + 0.5) / (len(labels) + 1.0)
    return float(numpy().log(rate / (1 - rate)))


def _rates(labels: Array, overall: Array) -> Array:
    """The rates among labels, drawn towards those over all."""
    np = numpy()
    known = ~np.isnan(labels)
    rates: Array = (np.where(known, labels, 0.0).sum(axis=0) + RATE_VOTES * overall) / (known.sum(axis=0) + RATE_VOTES)
    return rates
