"""What a model reads of a request: its n-grams, and a row of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from turnout.features.embeddings import NAME, embed, load_embeddings
from turnout.features.measures import MEASURES, measure
from turnout.features.ngrams import Vocabulary, Weighted, numpy, read_ngrams
from turnout.policy.classifier.arrays import pack, unpack
from turnout.types.features import Features

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

FAR: Final = 3.0
"""A measure counts for no more than so many standard deviations from its mean."""


class Read(NamedTuple):
    """A request as a model sees it.

    Attributes:
        ngrams: those of its query.
        dense: its measures, standardised; after them its embedding, where the model takes one.
    """

    ngrams: Weighted
    dense: Array


class Reader:
    """Reads requests for one model.

    Args:
        vocabulary: the n-grams that the model knows.
        means, scales: of each of `MEASURES`, when the model was trained.
        embedding: whether to read the query's embedding as well.
        least_known: the share of known n-grams below which a query is like nothing that the model was trained on.
        lengths: between these, in tokens, the queries were that it was trained on.

    Raises:
        MissingExtra: `learn`, or for embeddings `embeddings`, is not installed.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        means: Array,
        scales: Array,
        *,
        embedding: bool = False,
        least_known: float = 0.0,
        lengths: tuple[float, float] = (0.0, 1e12),
    ) -> None:
        self.vocabulary = vocabulary
        self.means, self.scales = means, scales
        self.embedding = embedding
        self.least_known, self.lengths = least_known, lengths
        if embedding:
            load_embeddings()

    def read(self, features: Features, query: str) -> Read:
        """A request as the model sees it."""
        np = numpy()
        dense = self.standardised(np.array(measure(features, query)))
        if self.embedding:
            dense = np.concatenate((dense, embed(query)))
        return Read(self.vocabulary.weigh(read_ngrams(query)), dense)

    def standardised(self, measures: Array) -> Array:
        """Measures of one request or of many, in standard deviations from what was trained on, bounded."""
        np = numpy()
        bounded: Array = np.minimum(np.maximum((measures - self.means) / self.scales, -FAR), FAR)
        return bounded

    def unlike(self, features: Features, read: Read) -> str:
        """Why a request is like nothing that the model was trained on, in machine-readable words; empty if it is."""
        shortest, longest = self.lengths
        if not shortest <= features.tokens <= longest:
            return f"unlike_training:tokens={features.tokens}"
        if read.ngrams.known < self.least_known:
            return f"unlike_training:known={read.ngrams.known:.2f}"
        return ""

    def packed(self) -> dict[str, Any]:
        """As it is written into an artefact."""
        return {
            "prints": pack(self.vocabulary.prints),
            "idf": pack(self.vocabulary.idf),
            "measures": list(MEASURES),
            "means": pack(self.means),
            "scales": pack(self.scales),
            "embedding": NAME if self.embedding else None,
            "least_known": self.least_known,
            "lengths": list(self.lengths),
        }

    @classmethod
    def unpacked(cls, given: Mapping[str, Any]) -> Self:
        """From an artefact.

        Raises:
            ValueError: it reads something that this turnout cannot.
        """
        if given["measures"] != list(MEASURES) or given["embedding"] not in (None, NAME):
            raise ValueError("it was trained on other features than this turnout reads")
        low, high = given["lengths"]
        return cls(
            Vocabulary(unpack(given["prints"]), unpack(given["idf"])),
            unpack(given["means"]),
            unpack(given["scales"]),
            embedding=given["embedding"] is not None,
            least_known=given["least_known"],
            lengths=(low, high),
        )
