"""Labelled answers, made up so that the truth about them is known."""

from __future__ import annotations

import numpy as np

from turnout.confidence.calibration import Labelled


def answers(n: int, *, seed: int = 0, strong: bool = True, shift: float = 0.0) -> Labelled:
    """Answers whose log-probability tells most of how good they are, and the length of the question the rest.

    Args:
        n: how many.
        seed: of the draws.
        strong: whether the next stage's answers are known too.
        shift: by how much the questions are longer than usual, in log tokens.
    """
    draws = np.random.default_rng(seed)
    logprob = -draws.exponential(0.5, size=n)
    tokens = np.exp(draws.normal(4.5 + shift, 0.6, size=n))
    truth = chance(logprob, tokens)
    return Labelled(
        columns={"mean_logprob": logprob, "tokens": tokens},
        acceptable=(draws.uniform(size=n) < truth).astype(float),
        strong=(draws.uniform(size=n) < 0.7 + 0.3 * truth).astype(float) if strong else None,
        strong_cost_usd=1e-5 * tokens if strong else None,
        groups=[f"prompt {place}" for place in range(n)],
    )


def chance(logprob: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The true probability that an answer is acceptable."""
    odds = 3.0 + 4.0 * logprob - 0.8 * (np.log(tokens) - 4.5)
    chances: np.ndarray = 1 / (1 + np.exp(-odds))
    return chances
