"""Self-consistency: what further samples of the same answer tell, on 369 questions about dates.

The cheap model's first sample is its answer; how many of the next samples say the same is the signal `agreement`, by
the gateway's own comparison. Thresholds for 98 % of the dearer model's quality are chosen on one half of the questions
and measured on the other.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.quality.data import read
from bench.quality.held import split
from turnout.confidence.calibration import Labelled
from turnout.confidence.signals.normal import normal_form
from turnout.insight.aims import QualityLoss, Unseen, choose
from turnout.insight.labels import Labels

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    Array = np.ndarray[Any, np.dtype[Any]]

RUNS: Final = (
    ("GPT3", "date_cot1_t=0.4"),
    ("GPT3", "date_cot1"),
    ("GPT3", "date_cot1_t=0.8"),
    ("llama2_13B", "date_cot1"),
)
"""Cheap models, with how they were asked."""
STRONG: Final = ("GPT4", "date_greedy_cot1")
SAMPLES: Final = (1, 3, 5, 10, 19)
LOST: Final = 0.02


def run(given: argparse.Namespace) -> None:
    """Measure and print."""
    columns = read(given.data, "mot_cascade_samples")
    _, dear = forms(columns, *STRONG)
    print(f"\nShare escalated at {1 - LOST:.0%} of the quality of {STRONG[0]} ({dear.mean():.1%} right), by samples")
    heads = " | ".join(f"{samples} more" for samples in SAMPLES)
    print(f"\n| first | right | {heads} | wrong where {SAMPLES[-1]} agree |\n| --- |" + " ---: |" * (len(SAMPLES) + 2))
    for model, how in RUNS:
        said, right = forms(columns, model, how)
        shares = [escalated(agreement(said, samples), right, dear, given.seeds or 40) for samples in SAMPLES]
        sure = agreement(said, SAMPLES[-1]) == 1
        told = " | ".join(f"{share:.0%}" for share in shares)
        print(f"| {model}, {how} | {right.mean():.1%} | {told} | {1 - right[sure].mean():.1%} of {sure.mean():.0%} |")


def forms(columns: dict[str, list[Any]], model: str, how: str) -> tuple[list[list[str]], Array]:
    """What each sample comes down to, for each question; and whether the first one is right."""
    chosen = [
        place for place, told in enumerate(zip(columns["model"], columns["run"], strict=True)) if told == (model, how)
    ]
    chosen.sort(key=lambda place: columns["row"][place])
    said = [[normal_form(sample) for sample in json.loads(columns["samples"][place])] for place in chosen]
    gold = [normal_form(columns["gold"][place]) for place in chosen]
    return said, np.array([float(samples[0] == wanted) for samples, wanted in zip(said, gold, strict=True)])


def agreement(said: Sequence[Sequence[str]], samples: int) -> Array:
    """The share of so many further samples that say what the first one says."""
    return np.array([np.mean([other == first for other in rest[:samples]]) for first, *rest in said])


def escalated(ranks: Array, right: Array, dear: Array, seeds: int) -> float:
    """The share that is escalated on unseen halves."""
    questions = [str(place) for place in range(len(right))]
    labels = Labels(labelled=Labelled(columns={"agreement": ranks}, acceptable=right, strong=dear, groups=questions))
    shares = []
    for seed in range(seeds):
        train, test = split(labels, 0.5, seed)
        unseen = Unseen(train.labelled.columns["agreement"], train)
        threshold = choose(QualityLoss(most=LOST, sure=0.5), unseen)
        kept = test.labelled.columns["agreement"] >= (np.inf if threshold is None else threshold)
        shares.append(1 - kept.mean())
    return float(np.mean(shares))
