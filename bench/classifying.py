"""What a classifier's decision takes, without embeddings. `python -m bench.classifying` prints the µs of one.

The vocabulary is as large as they get (2^17 n-grams), the words are made up, and every query is another.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from turnout.features.measures import MEASURES
from turnout.features.ngrams import make_vocabulary, read_ngrams
from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.policy.base import Context
from turnout.policy.classifier.choice import Cheapest
from turnout.policy.classifier.model import Classifier
from turnout.policy.classifier.parts import Linear
from turnout.policy.classifier.policy import Classify
from turnout.policy.classifier.reading import Reader
from turnout.policy.single import Single
from turnout.policy.walk import walk
from turnout.types.candidate import Candidate
from turnout.types.conditions import Conditions
from turnout.types.dialect import DialectName
from turnout.types.request import Caller, Outline, Said
from turnout.types.target import Target

if TYPE_CHECKING:
    Words = np.ndarray[Any, np.dtype[np.str_]]

CHARACTERS: Final = 300
"""The median of MMLU's questions has 308."""
_LETTERS: Final = list("etaoinshrdlucmfwypvbgkjqxz")
_TARGETS: Final = ("small", "large")
_QUERIES: Final = 1_000


def classify(draws: np.random.Generator, words: Words) -> Classify:
    """A policy with a logistic classifier of two targets."""
    texts = [_query(draws, words, CHARACTERS) for _ in range(4_000)]
    vocabulary = make_vocabulary([read_ngrams(text) for text in texts], least=(1, 1))
    size = len(MEASURES)
    linear = Linear(draws.normal(size=(len(vocabulary), 2)), draws.normal(size=(size, 2)), np.zeros(2))
    model = Classifier(
        names=_TARGETS,
        of="targets",
        reader=Reader(vocabulary, np.ones(size), np.ones(size)),
        parts=(linear,),
        mix=np.eye(2 + size, 2),
        offsets=np.zeros(2),
    )
    among = {name: Single(Candidate(target=name)) for name in _TARGETS}
    return Classify(model, among, Cheapest(at_least=0.8, gain=0.1, margin=0.02))


def decision_us(characters: int = CHARACTERS) -> float:
    """The median over queries of so many characters."""
    draws = np.random.default_rng(0)
    words = np.array(["".join(draws.choice(_LETTERS, int(size))) for size in draws.integers(2, 10, 20_000)])
    policy = classify(draws, words)
    contexts = [_context(_query(draws, words, characters)) for _ in range(_QUERIES)]
    times = []
    for context in contexts:
        started = time.perf_counter_ns()
        walk(policy, context)
        times.append(time.perf_counter_ns() - started)
    return sorted(times)[len(times) // 2] / 1e3


def _query(draws: np.random.Generator, words: Words, characters: int) -> str:
    """Words as often as in a language: George Zipf's law."""
    ranks = np.minimum(draws.zipf(1.3, characters), len(words)) - 1
    return " ".join(words[ranks])[:characters]


def _context(query: str) -> Context:
    targets = {name: Target(name=name, provider="p", dialect=DialectName.OPENAI_CHAT) for name in _TARGETS}
    return Context(
        features=read_features(Outline(said=(Said("user", query),)), lists=PhraseLists()),
        dialect=DialectName.OPENAI_CHAT,
        caller=Caller(),
        conditions=Conditions(now=datetime(2026, 1, 1, tzinfo=UTC)),
        targets=targets,
        query=query,
    )


if __name__ == "__main__":
    print(decision_us())
