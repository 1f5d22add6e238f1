"""Thresholds that keep a promise: from labelled confidences to the least confidence at which an answer is kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import msgspec

from turnout.confidence.bounds import hoeffding_bentkus, least_labels, relative_entropy
from turnout.confidence.numbers import numpy

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

NEVER: Final = 1.01
"""A threshold that no confidence reaches: every answer is escalated."""

GRID: Final = tuple(round(1 / (1 + math.exp(-odds / 10)), 9) for odds in range(140, -41, -1))
"""The thresholds that are tried, from the safest on: 0.999999 to 0.018, a tenth of a log-odd apart, since confidences
crowd near 1. Fixed before any label is seen, as the test requires."""


class Certified(msgspec.Struct, frozen=True, kw_only=True):
    """What labels say about thresholds.

    Attributes:
        threshold: the lowest that is certified; `NEVER` where none is.
        risk: the risk observed at it.
        kept: the share of the answers that is kept at it.
        labels: on how many labels that stands.
        needed: how many labels it would take to certify anything at all; 0 where something is certified.
    """

    threshold: float
    risk: float
    kept: float
    labels: int
    needed: int = 0

    @property
    def keeps_any(self) -> bool:
        """Whether any answer is kept."""
        return self.threshold < NEVER


def certify(
    confidences: Numbers, losses: Numbers, *, alpha: float, delta: float, among_kept: bool = False
) -> Certified:
    """The lowest threshold whose risk is at most `alpha`, wrong about it with a probability of at most `delta`.

    Learn-then-Test by fixed-sequence testing: thresholds are tested from the safest on, each at level `delta`, up to
    the first that cannot be told from one that breaks the promise. Angelopoulos, Bates, Candès, Jordan and Lei,
    "Learn then Test: Calibrating Predictive Algorithms to Achieve Risk Control" (2021), sections 2 and 3, with the
    p-values of `hoeffding_bentkus`. The risk among the kept is tested in two sequences, each at half of `delta` (ibid.,
    "multi-start"): from the few surest answers on, and from where there are enough to tell anything. It holds for
    independent labels from the traffic that the threshold is then used on, and none of which the confidences were
    fitted to.

    Args:
        confidences: of each labelled answer, 0 to 1.
        losses: what keeping it would cost, 0 (nothing) to 1.
        alpha: the bound on the risk, above 0 and below 1.
        delta: the probability with which the bound may be broken, above 0 and below 1.
        among_kept: whether the risk is the mean loss of the answers that are kept; else it is that of all requests,
            where one that is escalated has none.
    """
    if not among_kept:
        found = _lowest(confidences, losses, alpha, delta)
    else:
        starts = (least_labels(alpha, delta / 2), _telling(alpha, delta / 2))
        tried = [_lowest(confidences, losses, alpha, delta / 2, fewest=fewest) for fewest in starts]
        found = min(tried, key=lambda each: each.threshold)
    return found if found.keeps_any else msgspec.structs.replace(found, needed=least_labels(alpha, delta))


def _lowest(
    confidences: Numbers, losses: Numbers, alpha: float, delta: float, *, fewest: int | None = None
) -> Certified:
    """One sequence of tests: down to the first threshold that fails.

    `fewest` begins where so many answers are kept, and counts the loss among those; without it, among all.
    """
    best = Certified(threshold=NEVER, risk=0.0, kept=0.0, labels=len(losses))
    for threshold in GRID:
        kept = confidences >= threshold
        count = int(kept.sum())
        if fewest is not None and count < fewest:
            continue  # untested: that depends on confidences alone, and on no label
        of = len(losses) if fewest is None else count
        risk = float(losses[kept].sum()) / of if of else 0.0
        if hoeffding_bentkus(risk, of, alpha) > delta:
            break
        best = Certified(threshold=threshold, risk=risk, kept=count / len(losses), labels=len(losses))
    return best


def _telling(alpha: float, delta: float) -> int:
    """How many answers it takes to certify a risk of half of `alpha`: fewer of them fail by chance alone."""
    return math.ceil(math.log(1 / delta) / relative_entropy(alpha / 2, alpha))


def naive(confidences: Numbers, losses: Numbers, *, alpha: float, among_kept: bool = False) -> float:
    """The lowest threshold whose observed risk is at most `alpha`: what breaks its promise about half of the time."""
    found = NEVER
    for threshold in GRID:
        kept = confidences >= threshold
        of = int(kept.sum()) if among_kept else len(losses)
        if not of or float(losses[kept].sum()) / of <= alpha:
            found = threshold
        else:
            break
    return found


def labels_to_tighten(found: Certified, *, alpha: float, delta: float) -> int:
    """About how many labels in all it would take to certify a threshold of half the distance between risk and bound.

    From the normal approximation of the number at which a risk that stays as observed has a p-value of `delta`.
    """
    np = numpy()
    gap = (alpha - found.risk) / 2
    if gap <= 0:
        return 0
    spread = alpha * (1 - alpha)
    return int(np.ceil(-2 * spread * np.log(delta) / gap**2))
