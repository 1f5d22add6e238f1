"""The parts of a model: each turns a request into one score for each of the model's heads.

A part is data and a short sum over it: it was fitted by `turnout.insight.train`, and is served without the library
that fitted it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, Self

from turnout.features.ngrams import numpy
from turnout.policy.classifier.arrays import pack, unpack
from turnout.policy.classifier.reading import Read

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_EDGE: Final = 1e-3
"""A chance is never taken to be nearer to 0 or 1 than this: its log-odds are to be a number."""


class Part(Protocol):
    """Scores requests."""

    name: ClassVar[str]

    def scores(self, read: Read) -> Array:
        """One for each head."""
        ...

    def packed(self) -> dict[str, Any]:
        """As it is written into an artefact."""
        ...


@dataclass(frozen=True, slots=True)
class _Arrays:
    """A part whose every field is an array, and is written as one."""

    def packed(self) -> dict[str, Any]:
        """As it is written into an artefact."""
        return {each.name: pack(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def unpacked(cls, given: Mapping[str, Any]) -> Self:
        """From an artefact. Raises `ValueError`, `KeyError` or `TypeError` for what is none."""
        return cls(*(unpack(given[each.name]) for each in fields(cls)))


@dataclass(frozen=True, slots=True)
class Linear(_Arrays):
    """A weighted sum of the n-grams and the measures: what a regularised logistic regression comes to.

    Attributes:
        weights: of each n-gram, for each head.
        slopes: of each of the dense numbers, for each head.
        offsets: for each head.
    """

    name: ClassVar[str] = "linear"
    weights: Array
    slopes: Array
    offsets: Array

    def scores(self, read: Read) -> Array:
        """See `Part`."""
        places, values, _ = read.ngrams
        scores: Array = values @ self.weights.take(places, axis=0) + read.dense @ self.slopes + self.offsets
        return scores


@dataclass(frozen=True, slots=True)
class Topics(_Arrays):
    """What a request is about, and how each topic has gone.

    A label says little and a topic's many labels say much: the request's topic is told from its words, and each head's
    rate is averaged over the topics that it may be of.

    Attributes:
        rows: of each n-gram, its row of the weights; the last for those that do not count.
        weights: of the n-grams that do, for each topic.
        offsets: of each topic.
        rates: for each topic the rate of each head, drawn towards the rate of all.
    """

    name: ClassVar[str] = "topics"
    rows: Array
    weights: Array
    offsets: Array
    rates: Array

    def scores(self, read: Read) -> Array:
        """See `Part`."""
        np = numpy()
        places, values, _ = read.ngrams
        odds = values @ self.weights.take(self.rows.take(places), axis=0).astype(float) + self.offsets
        shares = np.exp(odds - odds.max())
        return log_odds(shares @ self.rates / shares.sum())


@dataclass(frozen=True, slots=True)
class Nearest(_Arrays):
    """How the most similar known requests went.

    Attributes:
        rows: of each n-gram, its row of the axes; the last for those that do not count.
        axes: of the n-grams that do, for each axis of similarity; none where embeddings are compared.
        known: the known requests on these axes, each of length 1; none where each request is an axis of its own.
        labels: of each known request, for each head.
        prior: each head's rate over all of them.
        settings: how many are asked; how sharply the nearer ones count for more; the votes of the prior, as many as
            those of so many average neighbours, and so many as of a request of the same words.
    """

    name: ClassVar[str] = "nearest"
    rows: Array
    axes: Array
    known: Array
    labels: Array
    prior: Array
    settings: Array

    def scores(self, read: Read) -> Array:
        """See `Part`."""
        np = numpy()
        near = self._similarities(read)
        count = min(int(self.settings[0]), len(near))
        best = np.argpartition(near, len(near) - count)[len(near) - count :]
        votes = np.exp(self.settings[1] * (near[best] - 1.0))
        total = votes.sum()
        drawn = self.settings[2] * total / count + self.settings[3]
        return log_odds((votes @ self.labels[best] + drawn * self.prior) / (total + drawn))

    def _similarities(self, read: Read) -> Array:
        """The cosine of the angle to each known request."""
        places, values, _ = read.ngrams
        if self.axes.size:
            placed = values @ self.axes.take(self.rows.take(places), axis=0).astype(float)
            length = float(values @ values if not self.known.size else placed @ placed) ** 0.5
            placed /= length or 1.0
        else:
            placed = read.dense[-self.known.shape[1] :]
        near: Array = (self.known @ placed.astype(self.known.dtype)).astype(float) if self.known.size else placed
        return near


@dataclass(frozen=True, slots=True)
class Trees(_Arrays):
    """Boosted decision trees over what the parts say and the measures.

    All trees are walked at once, a level at a step; a leaf leads to itself.

    Attributes:
        inputs: for each node of each tree, the number that is looked at.
        bounds: at or under it the walk turns to the first of its children, over it to the second.
        children: of each node, the first and the second.
        values: of each node, what it adds.
        roots: where each tree begins.
        heads: the head that each tree adds to.
        offsets: for each head.
        depth: the deepest tree's.
    """

    inputs: Array
    bounds: Array
    children: Array
    values: Array
    roots: Array
    heads: Array
    offsets: Array
    depth: Array

    def scaled(self, by: float) -> Trees:
        """The same, saying so many times as much."""
        return replace(self, values=self.values * by, offsets=self.offsets * by)

    def scores(self, numbers: Array) -> Array:
        """What they add to each head."""
        np = numpy()
        at, compared = self.roots, numbers.astype(np.float32)  # as scikit-learn compares
        for _ in range(int(self.depth[0])):
            over = compared[self.inputs[at]] > self.bounds[at]
            at = self.children[at, over.astype(np.intp)]
        scores: Array = np.bincount(self.heads, self.values[at], minlength=len(self.offsets)) + self.offsets
        return scores


def log_odds(chances: Array) -> Array:
    """ln(p / (1 − p)) of each, none of them beyond one in a thousand."""
    np = numpy()
    inside = np.minimum(np.maximum(chances, _EDGE), 1 - _EDGE)
    odds: Array = np.log(inside / (1 - inside))
    return odds


PARTS: Final[Mapping[str, type[Linear | Topics | Nearest]]] = {part.name: part for part in (Linear, Topics, Nearest)}
