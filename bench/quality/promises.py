"""Do certified thresholds keep their promise? Violations over random splits, beside thresholds read off the labels.

Two risks are bounded. Of the kept answers, a share is wrong: this is what `turnout calibrate --error` promises, with a
calibration that is fitted to half of the labels. Of all requests, a share gets a wrong answer where the dearer model
was right: by raw confidence. A promise is broken where the answers that were not
among the labels break it. Then the same with labels of one data set and traffic of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console
from rich.progress import track

from bench.quality.held import SIGNALS, Answers, split
from turnout.confidence.calibration import fit_calibration
from turnout.confidence.shift_watch import ShiftWatch
from turnout.confidence.threshold import certify, naive
from turnout.insight.aims import Error
from turnout.insight.calibrate import calibrate, halves

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from turnout.confidence.calibration import Calibration
    from turnout.insight.labels import Labels

    Array = np.ndarray[Any, np.dtype[Any]]
    Pairs = Sequence[tuple[str, str]]

PAIRS: Final = (("gpt-4o-mini", "gpt-4o"), ("llama3.1-8b", "llama3.1-405b"))
ALPHAS: Final = (0.02, 0.05, 0.1)
DELTA: Final = 0.1
PROMISED: Final = 0.2
"""Of what is certified on one data set and used on another."""
SIZES: Final = (100, 300, 1_000)
"""Of the labels, all of them."""
AMONG: Final = ("the kept", "all requests")
SETS: Final = ("mmlu", "medmcqa", "gsm8k")


def run(given: argparse.Namespace) -> None:
    """Measure and print both."""
    answers = Answers(given.data)
    guarantee(answers, given.seeds or 300)
    shift(answers)


def guarantee(answers: Answers, seeds: int, pairs: Pairs = PAIRS, sizes: Sequence[int] = SIZES) -> None:
    """How often a threshold breaks its promise, and how many answers it keeps."""
    print(f"\nOf {seeds} splits, the percentage that breaks the promise / of the answers kept; delta {DELTA:g}")
    heads = " | ".join(f"{size:,} labels: certified | read off" for size in sizes)
    print(f"\n| answers of | a share of | bound | {heads} |\n| --- | --- | ---: |" + " ---: |" * 2 * len(sizes))
    for weak, strong in pairs:
        labels = answers.labels(weak, strong, SIGNALS)
        found = [_shares(labels, size, seeds, f"{weak}, {size:,} labels") for size in sizes]
        for place, (among, alpha) in enumerate((among, alpha) for among in AMONG for alpha in ALPHAS):
            shares = np.concatenate([each[place] for each in found]).reshape(-1, 2)
            cells = " | ".join(f"{100 * broken:.1f} / {100 * kept:.1f}" for broken, kept in shares)
            print(f"| {weak} | {among} | {alpha:g} | {cells} |", flush=True)


def _shares(labels: Labels, size: int, seeds: int, told: str) -> Array:
    """For each risk and bound: how often the promise is broken and how much is kept; certified, then read off."""
    splits = track(range(seeds), told, console=Console(stderr=True), transient=True)
    shares: Array = np.array([list(_broken(*split(labels, size, seed), seed)) for seed in splits]).mean(axis=0)
    return shares


def _broken(seen: Labels, rest: Labels, seed: int) -> Iterator[list[float]]:
    """For each risk and bound: is the promise broken, how much is kept; certified, then naive."""
    first, second = halves(seen, seed)
    fitted = fit_calibration(first.labelled, target="", seed=seed)
    yield from _both(
        (fitted.confidences(second.labelled.columns), 1 - second.labelled.acceptable),
        (fitted.confidences(rest.labelled.columns), 1 - rest.labelled.acceptable),
        among_kept=True,
    )
    yield from _both(*((np.exp(each.labelled.columns["mean_logprob"]), _regret(each)) for each in (seen, rest)))


def _regret(labels: Labels) -> Array:
    """Where the dearer model would have been right and the cheaper one is not."""
    missed: Array = (1 - labels.labelled.acceptable) * labels.labelled.strong
    return missed


def _both(seen: tuple[Array, Array], rest: tuple[Array, Array], *, among_kept: bool = False) -> Iterator[list[float]]:
    for alpha in ALPHAS:
        thresholds = (
            certify(*seen, alpha=alpha, delta=DELTA, among_kept=among_kept).threshold,
            naive(*seen, alpha=alpha, among_kept=among_kept),
        )
        found = []
        for threshold in thresholds:
            kept = rest[0] >= threshold
            risk = rest[1][kept].sum() / max(1, kept.sum() if among_kept else len(kept))
            found += [float(risk > alpha), float(kept.mean())]
        yield found


def shift(answers: Answers, pairs: Pairs = PAIRS) -> None:
    """A promise made on one data set and used on another, and after how many answers that is noticed."""
    print(f"\nCertified on one data set, at most {PROMISED:.0%} wrong of the kept, and used on another")
    print("\n| answers of | labels of | used on | kept | wrong of these | noticed after | by |")
    print("| --- | --- | --- | ---: | ---: | ---: | --- |")
    for weak, strong in pairs:
        labels = answers.labels(weak, strong, SIGNALS)
        for of in SETS[:2]:
            fitted_on, unseen = split(labels.rows(answers.topics == of), 0.5, 0)
            found = calibrate(fitted_on, Error(alpha=PROMISED, delta=DELTA), target="")
            for on in SETS:
                traffic = unseen if on == of else labels.rows(answers.topics == on)
                kept = found.calibration.confidences(traffic.labelled.columns) >= found.chosen.threshold
                wrong = f"{1 - traffic.labelled.acceptable[kept].mean():.1%}" if kept.any() else "–"
                after, why = _noticed(found.calibration, traffic)
                print(f"| {weak} | {of} | {on} | {kept.mean():.0%} | {wrong} | {after} | {why} |", flush=True)


def _noticed(calibration: Calibration, traffic: Labels) -> tuple[str, str]:
    """After how many answers the gateway withdraws the promise, and because of what."""
    watch = ShiftWatch(calibration.window)
    columns = traffic.labelled.columns
    order = np.random.default_rng(0).permutation(len(traffic))
    for number, place in enumerate(order, 1):
        watch.note({name: float(values[place]) for name, values in columns.items()})
        if watch.shifted:
            return f"{number:,}", ", ".join(watch.shifted)
    return f"never ({len(order):,})", ""
