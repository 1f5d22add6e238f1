"""Labelled requests, made up so that the truth about them is known."""

from __future__ import annotations

import numpy as np

from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.insight.train.rows import Rows
from turnout.types.features import Features
from turnout.types.request import Outline, Said

EASY = ["reset", "password", "login", "account", "hours", "opening", "delivery", "parcel", "invoice", "address"]
HARD = [
    "derive",
    "integral",
    "clause",
    "liability",
    "statute",
    "theorem",
    "jurisdiction",
    "proof",
    "covenant",
    "damages",
]
WORDS = ["please", "how", "what", "when", "the", "my", "for", "with", "about", "today", "order", "number", "question"]
COST = {"small": 0.0002, "large": 0.004}


def features_of(text: str) -> Features:
    return read_features(Outline(said=(Said("user", text),)), lists=PhraseLists())


def traffic(n: int, *, seed: int = 0, gap: float = 0.6) -> Rows:
    """Requests of two kinds: `small` answers the easy ones as well as `large` does, and fails at the hard ones.

    Args:
        n: how many.
        seed: of the draws.
        gap: by how much `large` is better at the hard ones.
    """
    draws = np.random.default_rng(seed)
    hard = draws.uniform(size=n) < 0.4
    texts = []
    for each in hard:
        words = [*draws.choice(HARD if each else EASY, 3), *draws.choice(WORDS, int(draws.integers(4, 12)))]
        texts.append(" ".join(draws.permutation(words)))
    small = draws.uniform(size=n) < np.where(hard, 0.9 - gap, 0.92)
    large = draws.uniform(size=n) < np.where(hard, 0.9, 0.93)
    tokens = np.stack([draws.integers(50, 150, n), draws.integers(80, 300, n)], axis=1).astype(float)
    return Rows(
        names=("small", "large"),
        texts=texts,
        features=[features_of(text) for text in texts],
        acceptable=np.stack([small, large], axis=1).astype(float),
        cost_usd=np.tile([COST["small"], COST["large"]], (n, 1)),
        latency_ms=tokens * np.array([5.0, 20.0]),
        output_tokens=tokens,
        groups=texts,
        times=[f"2026-03-{1 + place * 28 // n:02d}T{place % 24:02d}:00:00Z" for place in range(n)],
        segments=["de" if place % 3 == 0 else "en" for place in range(n)],
        topics=["law" if each else "shop" for each in hard],
    )
