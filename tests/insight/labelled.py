"""Labelled answers whose truth is known, since they are drawn from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FIELDS = "group,mean_logprob,tokens,acceptable,strong,cost_usd,strong_cost_usd"


def write_labels(file: Path, number: int, *, seed: int = 0, price_ratio: float = 10.0, long: float = 0.0) -> Path:
    """Answers of which about three quarters are acceptable, the surer the likelier; the strong ones are at 0.9.

    A share `long` of the questions is ten times as long, and as dear.
    """
    draw = np.random.default_rng(seed)
    sure = draw.beta(4, 1.2, number)
    tokens = draw.integers(50, 500, number)
    times = np.where(draw.random(number) < long, 10, 1) if long else np.ones(number, int)
    right = draw.random(number) < sure
    strong = draw.random(number) < 0.9
    rows = [
        f"q{place},{np.log(sure[place]):.6f},{tokens[place] * times[place]},{int(right[place])},{int(strong[place])},"
        f"{0.001 * times[place]},{0.001 * price_ratio * times[place]}"
        for place in range(number)
    ]
    file.write_text("\n".join([FIELDS, *rows]) + "\n")
    return file
