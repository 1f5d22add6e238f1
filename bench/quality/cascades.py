"""Cascades at 98 % of the dearer model's quality: what they cost by the order in which answers are escalated.

By raw confidence, by calibrated confidence and by gain, each through the code behind `turnout calibrate`. Thresholds
are chosen on one half of the prompts, which is all that is fitted to, and measured on the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from bench.quality.held import Answers, split
from bench.quality.picture import write_curves
from turnout.confidence.calibration import fit_calibration
from turnout.insight.aims import By, QualityLoss, Unseen, choose
from turnout.insight.calibrate import calibrate, cross_ranked, ranks_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from turnout.insight.labels import Labels

    Array = np.ndarray[Any, np.dtype[Any]]
    Pairs = Sequence[tuple[str, str]]

PAIRS: Final = (("gpt-4o-mini", "gpt-4o"), ("llama3.1-8b", "llama3.1-405b"), ("llama3.1-8b", "llama3.1-70b"))
LOST: Final = 0.02
"""The share of the dearer model's quality that may be lost."""
EXACTLY: Final = 0.5
"""How sure to be of the quality: without a margin for chance."""
SURELY: Final = 0.9
"""The same, with one."""
WAYS: Final[dict[str, By | None]] = {"raw confidence": None, "calibrated confidence": "confidence", "gain": "gain"}
DEAR: Final = (*PAIRS, ("llama3.1-70b", "llama3.1-405b"), ("qwen2.5-32b-coder-instruct", "qwen2.5-72b-instruct"))
LOSSES: Final = (0.02, 0.01, 0.005)
POINTS: Final = 51
"""Of a curve in the picture."""
_CLEAR: Final = 1.645
"""Beyond so many standard errors a miss is not chance: one in twenty (one-sided)."""


class Run(NamedTuple):
    """What a threshold came to on prompts that it was not chosen on.

    Attributes:
        cost: over the cost of always asking the dearer model.
        quality: over the dearer model's.
        escalated: the share of the requests.
        missed: whether the quality is below the one that was wanted.
        clearly: the same, by more than chance explains.
    """

    cost: float
    quality: float
    escalated: float
    missed: bool
    clearly: bool


def run(given: argparse.Namespace) -> None:
    """Measure and print what cascades cost and where they lose money, and draw the first where a picture is wanted."""
    answers = Answers(given.data)
    costs(answers, given.seeds or 40)
    losing(answers)
    if given.picture is not None:
        picture(answers, given.picture)


def costs(answers: Answers, seeds: int, pairs: Pairs = PAIRS) -> None:
    """The cost of each pair of models by each way to order."""
    print(f"\nCost over always the dearer model, at {1 - LOST:.0%} of its quality; {seeds} splits in halves")
    print("\n| cascade | by | cost | escalated | quality | cost, surely | quality | missed | ... clearly |")
    print("| --- | --- |" + " ---: |" * 7)
    for weak, strong in pairs:
        labels = answers.labels(weak, strong)
        runs: dict[tuple[str, float], list[Run]] = {}
        for seed in track(range(seeds), f"{weak} → {strong}", console=Console(stderr=True), transient=True):
            for key, found in _runs(*split(labels, 0.5, seed), seed):
                runs.setdefault(key, []).append(found)
        for way in WAYS:
            exact, sure = (np.array(runs[way, each]).mean(axis=0) for each in (EXACTLY, SURELY))
            told = f"{exact[0]:.3f} | {exact[2]:.0%} | {exact[1]:.4f} | {sure[0]:.3f} | {sure[1]:.4f}"
            print(f"| {weak} → {strong} | {way} | {told} | {sure[3]:.0%} | {sure[4]:.0%} |")


def _runs(train: Labels, test: Labels, seed: int) -> Iterator[tuple[tuple[str, float], Run]]:
    """Every way to order, without a margin and with one."""
    fitted, ranked = fit_calibration(train.labelled, target="", seed=seed), cross_ranked(train, seed=seed)
    for way, by in WAYS.items():
        if by is None:
            unseen, ranks = Unseen(train.labelled.columns["mean_logprob"], train), test.labelled.columns["mean_logprob"]
        else:
            unseen, ranks = ranked[by], ranks_of(fitted, test, by)
        for sure in (EXACTLY, SURELY):
            threshold = choose(QualityLoss(most=LOST, sure=sure), unseen)
            yield (way, sure), measured(Unseen(ranks, test), np.inf if threshold is None else threshold)


def measured(unseen: Unseen, threshold: float) -> Run:
    """What a threshold comes to."""
    labels, labelled = unseen.labels, unseen.labels.labelled
    point = unseen.at(threshold)
    quality = np.where(unseen.ranks >= threshold, labelled.acceptable, labelled.strong)
    short = (1 - LOST) * labelled.strong - quality
    chance = _CLEAR * float(short.std()) / len(short) ** 0.5
    return Run(
        cost=(point.cost_usd or 0.0) / float(labels.strong_cost_usd.mean()),
        quality=float(quality.mean() / labelled.strong.mean()),
        escalated=1 - point.kept,
        missed=bool(short.mean() > 0),
        clearly=bool(short.mean() > chance),
    )


def losing(answers: Answers, pairs: Pairs = DEAR, losses: Sequence[float] = LOSSES) -> None:
    """What `turnout calibrate` says a cascade costs, from all labels: above 1 it loses money."""
    print("\nCost over always the dearer model as `turnout calibrate --quality-loss` tells it, by confidence / by gain")
    print("\n| cascade | prices | " + " | ".join(f"{1 - lost:.1%} of the quality" for lost in losses) + " |")
    print("| --- |" + " ---: |" * (1 + len(losses)))
    for weak, strong in pairs:
        labels = answers.labels(weak, strong)
        cells = [" / ".join(_ratio(labels, lost, by) for by in ("confidence", "gain")) for lost in losses]
        ratio = labels.strong_cost_usd.mean() / labels.cost_usd.mean()
        print(f"| {weak} → {strong} | 1 : {ratio:.1f} | " + " | ".join(cells) + " |", flush=True)


def _ratio(labels: Labels, lost: float, by: By) -> str:
    found = calibrate(labels, QualityLoss(most=lost, by=by), target="")
    ratio = found.cost_ratio or 0.0
    return f"{'**' if ratio >= 1 else ''}{ratio:.2f}{'**' if ratio >= 1 else ''}" if found.holds else "none does"


def picture(answers: Answers, file: Path, pair: tuple[str, str] = PAIRS[0], seeds: int = 10) -> None:
    """Draw what of the gap between the models each order recovers for its money, on the unseen halves."""
    labels, curves = answers.labels(*pair), {way: np.zeros(POINTS) for way in WAYS}
    shares = np.linspace(0.0, 1.0, POINTS)
    for seed in range(seeds):
        train, test = split(labels, 0.5, seed)
        fitted = fit_calibration(train.labelled, target="", seed=seed)
        for way, by in WAYS.items():
            ranks = test.labelled.columns["mean_logprob"] if by is None else ranks_of(fitted, test, by)
            order = np.argsort(ranks, kind="stable")
            gained = np.cumsum((test.labelled.strong - test.labelled.acceptable)[order])
            spent = np.cumsum(test.strong_cost_usd[order])
            curves[way] += np.interp(shares, spent / spent[-1], gained / gained[-1]) / seeds
    drawn = {way: curve.tolist() for way, curve in reversed(curves.items())} | {"chance": shares.tolist()}
    write_curves(file, drawn, across="spent on escalating, of what all would cost", up="share of the gap recovered")
