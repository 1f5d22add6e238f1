"""Requests as the matrices that models are fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.features.embeddings import embed_all
from turnout.features.measures import MEASURES, measure
from turnout.features.ngrams import Ngrams, Vocabulary, make_vocabulary, numpy, read_ngrams
from turnout.insight.train.rows import Rows
from turnout.policy.classifier.reading import Read, Reader

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_TAIL: Final = 0.005
"""The share of the training requests that would themselves be called unlike the others, at either end."""
_ROOM: Final = 4.0
"""A query may be so many times as long as those of the training."""


class Corpus(NamedTuple):
    """Requests, read once: reading takes longer than most of what follows.

    Attributes:
        ngrams: of each query.
        measures: of each request, a row.
        tokens: of each query.
        embeddings: of each query, a row; None where none are wanted.
    """

    ngrams: Sequence[Ngrams]
    measures: Array
    tokens: Array
    embeddings: Array | None

    def take(self, places: Array) -> Corpus:
        """Those at some places."""
        return Corpus(
            [self.ngrams[place] for place in places],
            self.measures[places],
            self.tokens[places],
            None if self.embeddings is None else self.embeddings[places],
        )

    def reader(self, *, most: int = 2**17) -> Reader:
        """What reads requests like these; `most` n-grams are kept."""
        np = numpy()
        few = len(self.ngrams) < FEW
        vocabulary = make_vocabulary(self.ngrams, least=(1, 1) if few else (2, 3), most=most)
        spread = self.measures.std(axis=0)
        reader = Reader(
            vocabulary,
            self.measures.mean(axis=0),
            np.where(spread > 0, spread, 1.0),
            embedding=self.embeddings is not None,
        )
        if not few:
            known = [vocabulary.weigh(each).known for each in self.ngrams]
            reader.least_known = float(np.quantile(known, _TAIL)) * _UNSEEN
            reader.lengths = float(self.tokens.min()) / _ROOM, float(self.tokens.max()) * _ROOM
        return reader

    def reads(self, reader: Reader) -> list[Read]:
        """Each request as `reader` would read it."""
        np = numpy()
        dense = reader.standardised(self.measures)
        if self.embeddings is not None:
            dense = np.concatenate((dense, self.embeddings), axis=1)
        return [Read(reader.vocabulary.weigh(each), row) for each, row in zip(self.ngrams, dense, strict=True)]


FEW: Final = 200
"""With fewer requests every n-gram is kept, and nothing can be called unlike them."""
_UNSEEN: Final = 0.6
"""Of requests that were not trained on fewer n-grams are known; so much fewer says nothing yet."""


def read_corpus(rows: Rows, *, embeddings: bool = False) -> Corpus:
    """Read requests.

    Raises:
        MissingExtra: `learn`, or for embeddings `embeddings`, is not installed.
    """
    np = numpy()
    measures = [measure(features, text) for features, text in zip(rows.features, rows.texts, strict=True)]
    return Corpus(
        [read_ngrams(text) for text in rows.texts],
        np.array(measures).reshape(-1, len(MEASURES)),
        np.array([features.tokens for features in rows.features]),
        embed_all(list(rows.texts)) if embeddings else None,
    )


def sparse(reads: Sequence[Read], vocabulary: Vocabulary) -> Any:
    """The n-grams of many requests as a SciPy matrix of compressed rows."""
    from scipy.sparse import csr_matrix

    np = numpy()
    bounds = np.cumsum([0, *(len(read.ngrams.places) for read in reads)])
    places = np.concatenate([read.ngrams.places for read in reads])
    values = np.concatenate([read.ngrams.values for read in reads])
    return csr_matrix((values, places, bounds), shape=(len(reads), len(vocabulary)))


def dense(reads: Sequence[Read]) -> Array:
    """The dense numbers of many requests."""
    stacked: Array = numpy().stack([read.dense for read in reads])
    return stacked
