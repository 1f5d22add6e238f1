"""A trained classifier: for each target, the chance of an acceptable answer, its length and how long it takes.

What the parts of a model say, and the request's measures, are mixed by one more logistic regression and by boosted
trees, which were fitted to what the parts said of requests that they had not seen. So the chances are calibrated,
whatever the parts are (D. H. Wolpert, "Stacked Generalization", Neural Networks 5, 1992).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from turnout.confidence.artefact import load_artefact, save_artefact, short_checksum
from turnout.errors import ArtefactError
from turnout.features.measures import MEASURES
from turnout.features.ngrams import numpy
from turnout.policy.classifier.arrays import pack, unpack
from turnout.policy.classifier.parts import PARTS, Part, Trees
from turnout.policy.classifier.reading import Read, Reader
from turnout.types.features import Features

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

KIND: Final = "classifier"
Of = Literal["targets", "categories"]
_FAR: Final = 35.0


class Expected(NamedTuple):
    """What to expect of one target, or of one category.

    Attributes:
        chance: of an acceptable answer; of a category, that the request is of it.
        output_tokens: how long the answer will be, in tokens; None where that was not trained.
        latency_ms: how long it will take; None where that was not trained.
    """

    chance: float
    output_tokens: float | None = None
    latency_ms: float | None = None


class Prediction(NamedTuple):
    """What a classifier says of a request.

    Attributes:
        of: by the name of the target or category; empty where it declines.
        declined: why it says nothing, in machine-readable words.
    """

    of: Mapping[str, Expected]
    declined: str = ""


@dataclass(frozen=True, slots=True)
class Typical:
    """A quantity that is predicted beside the chance: its logarithm, as a line in the dense numbers.

    Attributes:
        slopes: of each of the dense numbers, for each name.
        offsets: for each name.
        most: for each name the largest that was seen.
    """

    slopes: Array
    offsets: Array
    most: Array

    def of(self, dense: Array) -> list[float]:
        """For each name."""
        np = numpy()
        found: list[float] = np.minimum(
            np.exp(np.minimum(dense @ self.slopes + self.offsets, _FAR)), self.most
        ).tolist()
        return found

    def packed(self) -> dict[str, Any]:
        """As it is written into an artefact."""
        return {"slopes": pack(self.slopes), "offsets": pack(self.offsets), "most": pack(self.most)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A model, ready to predict.

    Attributes:
        names: of the targets or categories, the cheapest first.
        of: which of the two they are.
        reader: reads requests for it.
        parts: what scores them.
        mix: of each part's scores, one part after another, and then of each measure, for each name.
        offsets: for each name.
        trees: what is added to the log-odds; None for nothing.
        output_tokens, latency_ms: None where they were not trained.
        card: what is known of it, for people: data, quality, limits.
        id: the start of the artefact's checksum; empty until it has been saved.
    """

    names: tuple[str, ...]
    of: Of
    reader: Reader
    parts: tuple[Part, ...]
    mix: Array
    offsets: Array
    trees: Trees | None = None
    output_tokens: Typical | None = None
    latency_ms: Typical | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    def predict(self, features: Features, query: str) -> Prediction:
        """What it says of a request."""
        read = self.reader.read(features, query)
        declined = self.reader.unlike(features, read)
        if declined:
            return Prediction({}, declined)
        chances = self.chances(read)
        tokens = self.output_tokens.of(read.dense) if self.output_tokens is not None else [None] * len(self.names)
        latencies = self.latency_ms.of(read.dense) if self.latency_ms is not None else [None] * len(self.names)
        expected = map(Expected, chances.tolist(), tokens, latencies)
        return Prediction(dict(zip(self.names, expected, strict=True)))

    def chances(self, read: Read) -> Array:
        """The chance of each name."""
        np = numpy()
        numbers = stacked(self.parts, read)
        odds = numbers @ self.mix + self.offsets
        if self.trees is not None:
            odds += self.trees.scores(numbers)
        weights = np.exp(odds - odds.max()) if self.of == "categories" else None
        chances: Array = 1.0 / (1.0 + np.exp(-odds)) if weights is None else weights / weights.sum()
        return chances


def stacked(parts: Sequence[Part], read: Read) -> Array:
    """What is mixed: each part's scores, and the measures."""
    numbers: Array = numpy().concatenate([*(part.scores(read) for part in parts), read.dense[: len(MEASURES)]])
    return numbers


def save_classifier(path: Path, classifier: Classifier) -> str:
    """Write a classifier as an artefact.

    Returns:
        Its id.

    Raises:
        ArtefactError: it cannot be written.
    """
    typical = {"output_tokens": classifier.output_tokens, "latency_ms": classifier.latency_ms}
    written = save_artefact(
        path,
        KIND,
        {
            "names": list(classifier.names),
            "of": classifier.of,
            "reader": classifier.reader.packed(),
            "parts": [{"part": part.name, **part.packed()} for part in classifier.parts],
            "mix": pack(classifier.mix),
            "offsets": pack(classifier.offsets),
            "trees": classifier.trees.packed() if classifier.trees is not None else None,
            "typical": {name: each.packed() for name, each in typical.items() if each is not None},
            "card": dict(classifier.card),
        },
    )
    return short_checksum(written)


def load_classifier(path: Path) -> Classifier:
    """Read a classifier.

    Raises:
        ArtefactError: it is not one that this turnout can use.
        MissingExtra: `learn`, or what it reads requests with, is not installed.
    """
    body = load_artefact(path, KIND)
    try:
        typical = {name: _typical(given) for name, given in body["typical"].items()}
        return Classifier(
            names=tuple(body["names"]),
            of=body["of"],
            reader=Reader.unpacked(body["reader"]),
            parts=tuple(PARTS[given["part"]].unpacked(given) for given in body["parts"]),
            mix=unpack(body["mix"]),
            offsets=unpack(body["offsets"]),
            trees=Trees.unpacked(body["trees"]) if body["trees"] is not None else None,
            output_tokens=typical.get("output_tokens"),
            latency_ms=typical.get("latency_ms"),
            card=body["card"],
            id=short_checksum(body),
        )
    except (KeyError, TypeError, ValueError) as error:
        told = f"{path}: not a classifier that this turnout can use: {error}."
        raise ArtefactError(told, fix="Make it again with `turnout train`.") from error


def _typical(given: Mapping[str, Any]) -> Typical:
    return Typical(unpack(given["slopes"]), unpack(given["offsets"]), unpack(given["most"]))
