"""A classifier from a handful of phrases for each category: a request is of the category of the nearest ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from turnout.errors import ArtefactError
from turnout.features.measures import MEASURES
from turnout.features.ngrams import numpy
from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.insight.train.corpus import dense, read_corpus, sparse
from turnout.insight.train.rows import Rows
from turnout.policy.classifier.model import Classifier
from turnout.policy.classifier.parts import Nearest
from turnout.policy.classifier.reading import Read, Reader
from turnout.types.features import Features
from turnout.types.request import Outline, Said

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

SHARPNESSES: Final = (4.0, 8.0, 16.0, 32.0)
ASKED: Final = 5
"""So many of the nearest phrases are asked."""
ALIKE: Final = 0.15
ALIKE_IN_MEANING: Final = 0.35
"""At a cosine under this a phrase says little of a request; embeddings are more alike whatever they are of."""
_PRIOR: Final = 0.05


def fit_examples(phrases: Mapping[str, Sequence[str]], *, embeddings: bool = False) -> Classifier:
    """A classifier of categories.

    Args:
        phrases: of each category, what its requests sound like.
        embeddings: whether to compare meanings, by the extra `embeddings`; else words and parts of words.

    Raises:
        ArtefactError: there are too few categories, or one has no phrase.
        MissingExtra: what it computes with is not installed.
    """
    np = numpy()
    if len(phrases) < 2 or not all(phrases.values()):
        raise ArtefactError("categories cannot be told apart.", fix="Give two categories or more, each with a phrase.")
    texts = [phrase for listed in phrases.values() for phrase in listed]
    labels = np.repeat(np.eye(len(phrases)), [len(listed) for listed in phrases.values()], axis=0)
    features = [_features(text) for text in texts]
    nothing = [""] * len(texts)
    unknown = np.full(labels.shape, np.nan)
    rows = Rows(
        names=tuple(phrases),
        texts=texts,
        features=features,
        acceptable=labels,
        cost_usd=unknown,
        latency_ms=unknown,
        output_tokens=unknown,
        groups=texts,
        times=nothing,
        segments=nothing,
        topics=nothing,
    )
    corpus = read_corpus(rows, embeddings=embeddings)
    reader = corpus.reader()
    reads = corpus.reads(reader)
    parts = [_nearest(reads, labels, sharpness, reader) for sharpness in SHARPNESSES]
    best = max(parts, key=lambda part: _left_out(part, reads, labels))
    return Classifier(
        names=tuple(phrases),
        of="categories",
        reader=reader,
        parts=(best,),
        mix=np.eye(len(phrases) + len(MEASURES), len(phrases)),
        offsets=np.zeros(len(phrases)),
        card={"phrases": {name: len(listed) for name, listed in phrases.items()}},
    )


def _features(text: str) -> Features:
    return read_features(Outline(said=(Said("user", text),)), lists=PhraseLists())


def _nearest(reads: Sequence[Read], labels: Array, sharpness: float, reader: Reader) -> Nearest:
    np = numpy()
    nothing = np.zeros((0, 0))
    alike = ALIKE_IN_MEANING if reader.embedding else ALIKE
    settings = np.array([min(ASKED, len(reads)), sharpness, _PRIOR, 2 * np.exp(sharpness * (alike - 1.0))])
    prior = np.full(labels.shape[1], 1 / labels.shape[1])
    if reader.embedding:
        return Nearest(np.zeros(0, np.int32), nothing, dense(reads)[:, len(MEASURES) :], labels, prior, settings)
    columns = sparse(reads, reader.vocabulary).toarray()
    lengths = np.linalg.norm(columns, axis=1, keepdims=True)
    axes = (columns / np.where(lengths > 0, lengths, 1.0)).T
    return Nearest(np.arange(len(axes), dtype=np.int32), axes, nothing, labels, prior, settings)


def _left_out(part: Nearest, reads: Sequence[Read], labels: Array) -> float:
    """How likely the phrases' own categories are, each phrase being left out of those that are asked about it."""
    np = numpy()
    total = 0.0
    for place, read in enumerate(reads):
        rest = np.arange(len(reads)) != place
        axes = part.axes[:, rest] if not part.known.size else part.axes
        known = part.known[rest] if part.known.size else part.known
        without = replace(part, axes=axes, known=known, labels=part.labels[rest])
        odds = without.scores(read)
        total += float(odds @ labels[place] - np.log(np.exp(odds).sum()))
    return total
