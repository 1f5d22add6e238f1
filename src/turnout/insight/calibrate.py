"""Turns labelled answers into a calibration and a threshold that does what is wanted, and says what it promises.

Whatever is promised is measured on answers that the calibration was not fitted to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from turnout.confidence.blend import grouped_folds
from turnout.confidence.bounds import least_labels
from turnout.confidence.calibration import Calibration, Labelled, fit_calibration
from turnout.confidence.numbers import numpy
from turnout.confidence.threshold import NEVER, certify, labels_to_tighten
from turnout.errors import ConfigError
from turnout.insight.labels import COST, STRONG, STRONG_COST, Labels

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

SURE: Final = 0.8
"""With which probability an aim that is not certified should be met: the margin that is kept for chance."""
LOST: Final = 0.05
"""The share of the acceptable answers that a gate may stop at their beginning, of those that were labelled."""
POINTS: Final = 21
"""On a curve: from everything escalated to everything kept."""


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """Of the answers that are kept, at most `alpha` are unacceptable, with a probability of 1 − `delta`."""

    alpha: float
    delta: float = 0.1


class QualityLoss(msgspec.Struct, frozen=True, kw_only=True):
    """The answers are acceptable as often as the next stage's, but for a share `most` of that."""

    most: float


class Escalations(msgspec.Struct, frozen=True, kw_only=True):
    """At most a share `most` of the requests is escalated."""

    most: float


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """The route costs at most `usd` for so many `requests`."""

    usd: float
    requests: int


Aim = Error | QualityLoss | Escalations | Spend


class Point(NamedTuple):
    """What a threshold does.

    Attributes:
        threshold: the least confidence that is kept.
        kept: the share of the answers that is.
        error: the share of the kept ones that is unacceptable; 0 where none is kept.
        quality: the share of all requests with an acceptable answer, the next stage's included; None if not known.
        cost_usd: of a request, on average; None if not known.
    """

    threshold: float
    kept: float
    error: float
    quality: float | None
    cost_usd: float | None


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
    stop: float | None = None
    stopped: float = 0.0

    @property
    def cost_ratio(self) -> float | None:
        """The cost of the cascade over that of always asking the next stage; above 1 it loses money."""
        if self.chosen.cost_usd is None or not self.always_usd:
            return None
        return self.chosen.cost_usd / self.always_usd


class _Unseen(NamedTuple):
    """Confidences in answers that they were not fitted to, with what is known of these."""

    confidences: Numbers
    labels: Labels


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
        first, second = _halves(labels, seed)
        fitted = fit_calibration(first.labelled, target=target, provenance=about, seed=seed)
        fitted = msgspec.structs.replace(fitted, prefix=labels.prefix)
        step("testing thresholds on the other half")
        unseen = _Unseen(fitted.confidences(second.labelled.columns), second)
        return _certified(fitted, aim, unseen)
    step("fitting on all labels")
    fitted = fit_calibration(labels.labelled, target=target, provenance=about, seed=seed)
    return _chosen(fitted, aim, _Unseen(_cross_confidences(labels.labelled, target, seed, step), labels))


def _certified(fitted: Calibration, aim: Error, unseen: _Unseen) -> Calibrated:
    losses = 1.0 - unseen.labels.labelled.acceptable
    found = certify(unseen.confidences, losses, alpha=aim.alpha, delta=aim.delta, among_kept=True)
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


def _chosen(fitted: Calibration, aim: QualityLoss | Escalations | Spend, unseen: _Unseen) -> Calibrated:
    rising = numpy().unique(unseen.confidences)
    match aim:
        case QualityLoss():
            _know(unseen.labels.labelled.strong is not None, STRONG, "whether the next stage's answer was acceptable")
            fits, thresholds = _within_quality(aim, unseen), rising
            told = (
                f"The route's answers are acceptable at least {1 - aim.most:.3g} times as often as the next stage's, "
                f"with a probability of about {SURE:.0%}"
            )
        case Escalations():
            fits, thresholds = _within_escalations(aim), rising[::-1]
            told = f"About {aim.most:.3g} of the requests are escalated, the least sure ones"
        case _:
            _know(unseen.labels.priced, f"{COST} and {STRONG_COST}", "what either answer costs")
            fits, thresholds = _within_spend(aim), rising[::-1]
            told = f"{aim.requests:,} requests cost at most about {aim.usd:,.2f} USD"
    found = _first(thresholds, fits, unseen)
    if found is None:
        told = f"No threshold does this, so every answer is escalated: {told[0].lower()}{told[1:]}."
        return _result(fitted, aim, unseen, NEVER, told, holds=False)
    return _result(fitted, aim, unseen, found, f"{told}: for traffic like that of the labels.")


def _first(thresholds: Numbers, fits: Callable[[Point], bool], unseen: _Unseen) -> float | None:
    """The first that fits; once one does, so do those that follow, but for noise that the margin is for."""
    low, high = 0, len(thresholds)
    while low < high:
        middle = (low + high) // 2
        if fits(_point(float(thresholds[middle]), unseen)):
            high = middle
        else:
            low = middle + 1
    return float(thresholds[low]) if low < len(thresholds) else None


def _within_quality(aim: QualityLoss, unseen: _Unseen) -> Callable[[Point], bool]:
    np = numpy()
    labelled = unseen.labels.labelled
    wanted = (1 - aim.most) * labelled.strong
    z = NormalDist().inv_cdf(SURE)

    def fits(point: Point) -> bool:
        kept = unseen.confidences >= point.threshold
        gained = np.where(kept, labelled.acceptable, labelled.strong) - wanted
        margin = z * float(gained.std()) / math.sqrt(len(gained))
        return float(gained.mean()) >= margin

    return fits


def _within_escalations(aim: Escalations) -> Callable[[Point], bool]:
    return lambda point: 1 - point.kept <= aim.most


def _within_spend(aim: Spend) -> Callable[[Point], bool]:
    return lambda point: point.cost_usd is not None and point.cost_usd * aim.requests <= aim.usd


def _result(fitted: Calibration, aim: Aim, unseen: _Unseen, threshold: float, promise: str, **known: Any) -> Calibrated:
    np = numpy()
    labels = unseen.labels
    quantiles = np.quantile(unseen.confidences, np.linspace(0, 1, POINTS)[:-1])
    thresholds = sorted({*(float(each) for each in quantiles), NEVER}, reverse=True)
    stop = None if labels.prefix is None else min(_stop(unseen), threshold)
    return Calibrated(
        calibration=fitted,
        aim=aim,
        stop=stop,
        stopped=0.0 if stop is None else float((unseen.confidences < stop).mean()),
        chosen=_point(threshold, unseen),
        promise=promise,
        curve=tuple(_point(each, unseen) for each in thresholds),
        checked=len(labels),
        strong=None if labels.labelled.strong is None else float(labels.labelled.strong.mean()),
        always_usd=float(labels.strong_cost_usd.mean()) if labels.priced else None,
        **known,
    )


def _stop(unseen: _Unseen) -> float:
    """The confidence below which at most a share `LOST` of the acceptable answers is."""
    good = numpy().sort(unseen.confidences[unseen.labels.labelled.acceptable > 0])
    return float(good[int(LOST * len(good))]) if len(good) else NEVER


def _point(threshold: float, unseen: _Unseen) -> Point:
    np = numpy()
    labels, labelled = unseen.labels, unseen.labels.labelled
    kept = unseen.confidences >= threshold
    cost = None
    if labels.priced:
        cost = float((labels.cost_usd + np.where(kept, 0.0, labels.strong_cost_usd)).mean())
    return Point(
        threshold=threshold,
        kept=float(kept.mean()),
        error=float(1 - labelled.acceptable[kept].mean()) if kept.any() else 0.0,
        quality=None if labelled.strong is None else float(np.where(kept, labelled.acceptable, labelled.strong).mean()),
        cost_usd=cost,
    )


def _halves(labels: Labels, seed: int) -> tuple[Labels, Labels]:
    """The labels in two, no group in both."""
    first = grouped_folds(labels.labelled.groups, folds=2, seed=seed) == 0
    return _rows(labels, first), _rows(labels, ~first)


def _rows(labels: Labels, chosen: Any) -> Labels:
    return msgspec.structs.replace(
        labels,
        labelled=labels.labelled.rows(chosen),
        cost_usd=None if labels.cost_usd is None else labels.cost_usd[chosen],
        strong_cost_usd=None if labels.strong_cost_usd is None else labels.strong_cost_usd[chosen],
    )


def _cross_confidences(labelled: Labelled, target: str, seed: int, step: Callable[[str], None]) -> Numbers:
    """The confidence in each answer by a calibration that was fitted without its fold."""
    np = numpy()
    folds = grouped_folds(labelled.groups, seed=seed)
    confidences: Numbers = np.zeros(len(labelled))
    for number, fold in enumerate(np.unique(folds), 1):
        step(f"checking on part {number} of {len(np.unique(folds))}")
        out = folds == fold
        without = fit_calibration(labelled.rows(~out), target=target, seed=seed)
        confidences[out] = without.confidences(labelled.rows(out).columns)
    return confidences


def _know(known: object, column: str, what: str) -> None:
    if not known:
        raise ConfigError(f"the labels do not say {what}.", fix=f"Give the column {column}, or choose another aim.")
