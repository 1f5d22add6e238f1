"""Turns labelled answers into a calibration and a threshold that does what is wanted, and says what it promises.

Whatever is promised is measured on answers that the calibration was not fitted to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from turnout.confidence.blend import grouped_folds
from turnout.confidence.bounds import least_labels
from turnout.confidence.calibration import Calibration, fit_calibration
from turnout.confidence.numbers import numpy
from turnout.confidence.threshold import NEVER, certify, labels_to_tighten
from turnout.insight.aims import ORDERS, Aim, By, Error, Escalations, Point, QualityLoss, Spend, Unseen, choose, know
from turnout.insight.labels import STRONG, STRONG_COST, Labels

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

LOST: Final = 0.05
"""The share of the acceptable answers that a gate may stop at their beginning, of those that were labelled."""
POINTS: Final = 21
"""On a curve: from everything escalated to everything kept."""


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration with its threshold.

    Attributes:
        calibration: as it is to be saved.
        aim: what was wanted.
        chosen: what the threshold does, on answers that the calibration was not fitted to.
        promise: in words.
        holds: whether the aim can be met at all; else everything is escalated.
        needed: how many labels it would take to certify anything; 0 where that is not what is missing.
        more: about how many labels would bring the threshold near to where it could be; 0 where none.
        curve: what other thresholds would do.
        checked: on how many answers.
        strong: the share of the next stage's answers that is acceptable; None if not known.
        always_usd: what a request costs where the next stage answers everything, in USD; None if not known.
        otherwise_usd: what a request costs where the same quality is had in the other order (`by`); None if not known.
        stop: of a beginning, the confidence below which the rest is not waited for; None for whole answers.
        stopped: the share of the answers that is below it.
    """

    calibration: Calibration
    aim: Aim
    chosen: Point
    promise: str
    holds: bool = True
    needed: int = 0
    more: int = 0
    curve: tuple[Point, ...]
    checked: int
    strong: float | None
    always_usd: float | None
    otherwise_usd: float | None = None
    stop: float | None = None
    stopped: float = 0.0

    @property
    def by(self) -> By:
        """What the threshold is one of: confidences, or with `gain` prices of one more acceptable answer, in USD."""
        return "confidence" if isinstance(self.aim, Error) else self.aim.by

    @property
    def cost_ratio(self) -> float | None:
        """The cost of the cascade over that of always asking the next stage; above 1 it loses money."""
        if self.chosen.cost_usd is None or not self.always_usd:
            return None
        return self.chosen.cost_usd / self.always_usd


def calibrate(
    labels: Labels,
    aim: Aim,
    *,
    target: str,
    provenance: Mapping[str, Any] | None = None,
    seed: int = 0,
    step: Callable[[str], None] = lambda _: None,
) -> Calibrated:
    """Fit a calibration and choose its threshold.

    Args:
        labels: what is known.
        aim: what is wanted. `Error` is certified by Learn-then-Test on half of the labels, none of which the
            calibration is fitted to; the others are aimed at on cross-fitted confidences, with a margin for chance.
        target: whose answers they are.
        provenance: where the labels come from, kept in the artefact.
        seed: of the split.
        step: told what is done next, for whoever waits.

    Raises:
        ArtefactError: there are too few labels, or only of one kind.
        ConfigError: the labels do not tell what the aim is about.
    """
    about = {"source": labels.source, **(provenance or {})}
    if isinstance(aim, Error):
        step("fitting on one half of the labels")
        first, second = halves(labels, seed)
        fitted = fit_calibration(first.labelled, target=target, provenance=about, seed=seed)
        fitted = msgspec.structs.replace(fitted, prefix=labels.prefix)
        step("testing thresholds on the other half")
        return _certified(fitted, aim, Unseen(fitted.confidences(second.labelled.columns), second))
    if aim.by == "gain":
        told = "what the next stage's answer brings and costs, which --by gain weighs"
        labelled = labels.labelled
        know(labelled.strong is not None and labelled.strong_cost_usd is not None, f"{STRONG} and {STRONG_COST}", told)
    step("fitting on all labels")
    fitted = fit_calibration(labels.labelled, target=target, provenance=about, seed=seed)
    return _chosen(fitted, aim, cross_ranked(labels, seed=seed, step=step))


def cross_ranked(labels: Labels, *, seed: int = 0, step: Callable[[str], None] = lambda _: None) -> Mapping[By, Unseen]:
    """The answers in each order that the labels allow, ranked by calibrations that were fitted without their fold.

    Args:
        labels: what is known.
        seed: of the folds.
        step: told what is done next.
    """
    np = numpy()
    folds = grouped_folds(labels.labelled.groups, seed=seed)
    both = labels.labelled.strong is not None and labels.labelled.strong_cost_usd is not None
    ranks: dict[By, Numbers] = {by: np.zeros(len(labels)) for by in ORDERS if both or by == "confidence"}
    for number, fold in enumerate(np.unique(folds), 1):
        step(f"checking on part {number} of {len(np.unique(folds))}")
        out = folds == fold
        without = fit_calibration(labels.labelled.rows(~out), target="", seed=seed)
        for by, found in ranks.items():
            found[out] = ranks_of(without, labels.rows(out), by)
    return {by: Unseen(found, labels) for by, found in ranks.items()}


def ranks_of(calibration: Calibration, labels: Labels, by: By) -> Numbers:
    """What answers are escalated by, the lowest first: confidences or prices."""
    columns = labels.labelled.columns
    return calibration.prices(columns) if by == "gain" else calibration.confidences(columns)


def halves(labels: Labels, seed: int) -> tuple[Labels, Labels]:
    """The labels in two, no group in both."""
    first = grouped_folds(labels.labelled.groups, folds=2, seed=seed) == 0
    return labels.rows(first), labels.rows(~first)


def _certified(fitted: Calibration, aim: Error, unseen: Unseen) -> Calibrated:
    losses = 1.0 - unseen.labels.labelled.acceptable
    found = certify(unseen.ranks, losses, alpha=aim.alpha, delta=aim.delta, among_kept=True)
    prefix = unseen.labels.prefix
    kept = "kept" if prefix is None else f"released after their first {prefix} tokens"
    told = (
        f"Of the answers that are {kept}, at most {aim.alpha:.3g} are unacceptable, with a probability of "
        f"{1 - aim.delta:.3g}: for traffic like that of the labels."
    )
    if not found.keeps_any:
        fewest = 2 * least_labels(aim.alpha, aim.delta)
        told = (
            f"Nothing can be certified from {len(unseen.labels):,} answers: for an error of at most {aim.alpha:.3g} it "
            f"takes {fewest:,} labels at the very least, and more where some of the surest answers are wrong."
        )
        return _result(fitted, aim, unseen, NEVER, told, holds=False, needed=fewest)
    more = labels_to_tighten(found, alpha=aim.alpha, delta=aim.delta)
    return _result(fitted, aim, unseen, found.threshold, told, more=max(0, 2 * more - 2 * len(unseen.labels)))


def _chosen(fitted: Calibration, aim: QualityLoss | Escalations | Spend, ranked: Mapping[By, Unseen]) -> Calibrated:
    unseen = ranked[aim.by]
    found, told = choose(aim, unseen), _promised(aim)
    if found is None:
        told = f"No threshold does this, so every answer is escalated: {told[0].lower()}{told[1:]}."
        return _result(fitted, aim, unseen, math.inf, told, holds=False)
    others = [_otherwise_usd(aim, other) for by, other in ranked.items() if by != aim.by]
    told = f"{told}: for traffic like that of the labels."
    return _result(fitted, aim, unseen, found, told, otherwise_usd=min((each for each in others if each), default=None))


def _otherwise_usd(aim: QualityLoss | Escalations | Spend, unseen: Unseen) -> float | None:
    """What a request costs where answers are escalated in another order; None where that is not what is asked."""
    found = choose(aim, unseen) if isinstance(aim, QualityLoss) else None
    return None if found is None else unseen.at(found).cost_usd


def _promised(aim: QualityLoss | Escalations | Spend) -> str:
    """An aim in words; a sentence without its end."""
    match aim:
        case QualityLoss():
            return (
                f"The route's answers are acceptable at least {1 - aim.most:.3g} times as often as the next stage's, "
                f"with a probability of about {aim.sure:.0%}"
            )
        case Escalations():
            which = "the least sure ones" if aim.by == "confidence" else "those where a better answer costs the least"
            return f"About {aim.most:.3g} of the requests are escalated, {which}"
        case Spend():
            return f"{aim.requests:,} requests cost at most about {aim.usd:,.2f} USD"


def _result(fitted: Calibration, aim: Aim, unseen: Unseen, threshold: float, promise: str, **known: Any) -> Calibrated:
    np = numpy()
    labels = unseen.labels
    quantiles = np.quantile(unseen.ranks, np.linspace(0, 1, POINTS)[:-1], method="lower")
    never = NEVER if isinstance(aim, Error) or aim.by == "confidence" else math.inf
    thresholds = sorted({*(float(each) for each in quantiles), never}, reverse=True)
    stop = None if labels.prefix is None else min(_stop(unseen), threshold)
    return Calibrated(
        calibration=fitted,
        aim=aim,
        stop=stop,
        stopped=0.0 if stop is None else float((unseen.ranks < stop).mean()),
        chosen=unseen.at(threshold),
        promise=promise,
        curve=tuple(unseen.at(each) for each in thresholds),
        checked=len(labels),
        strong=None if labels.labelled.strong is None else float(labels.labelled.strong.mean()),
        always_usd=float(labels.strong_cost_usd.mean()) if labels.priced else None,
        **known,
    )


def _stop(unseen: Unseen) -> float:
    """The confidence below which at most a share `LOST` of the acceptable answers is."""
    good = numpy().sort(unseen.ranks[unseen.labels.labelled.acceptable > 0])
    return float(good[int(LOST * len(good))]) if len(good) else NEVER
