"""What a threshold is to do, and the one that does it on labelled answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

import msgspec

from turnout.confidence.numbers import numpy
from turnout.errors import ConfigError
from turnout.insight.labels import COST, STRONG, STRONG_COST, Labels

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

By = Literal["confidence", "gain"]
"""In which order answers are escalated: the least sure first, or where one more acceptable answer costs the least."""

ORDERS: Final[tuple[By, ...]] = get_args(By)

SURE: Final = 0.8
"""With which probability an aim that is not certified should be met: the margin that is kept for chance."""


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """Of the answers that are kept, at most `alpha` are unacceptable, with a probability of 1 − `delta`."""

    alpha: float
    delta: float = 0.1


class QualityLoss(msgspec.Struct, frozen=True, kw_only=True):
    """The answers are acceptable as often as the next stage's, but for a share `most` of that.

    Attributes:
        most: the share.
        sure: with which probability that should come true; 0.5 keeps no margin for chance.
        by: in which order answers are escalated.
    """

    most: float
    sure: float = SURE
    by: By = "confidence"


class Escalations(msgspec.Struct, frozen=True, kw_only=True):
    """At most a share `most` of the requests is escalated."""

    most: float
    by: By = "confidence"


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """The route costs at most `usd` for so many `requests`."""

    usd: float
    requests: int
    by: By = "confidence"


Aim = Error | QualityLoss | Escalations | Spend


class Point(NamedTuple):
    """What a threshold does.

    Attributes:
        threshold: the least rank that is kept: a confidence, or where it is by gain a price in USD.
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


class Unseen(NamedTuple):
    """Answers in the order in which they are escalated, by what was not fitted to them.

    Attributes:
        ranks: the lower, the sooner an answer is escalated.
        labels: what is known of them.
    """

    ranks: Numbers
    labels: Labels

    def at(self, threshold: float) -> Point:
        """What it comes to where ranks of at least `threshold` are kept."""
        np = numpy()
        labels, labelled = self.labels, self.labels.labelled
        kept = self.ranks >= threshold
        good, strong = labelled.acceptable, labelled.strong
        spent = np.where(kept, 0.0, labels.strong_cost_usd) + labels.cost_usd if labels.priced else None
        return Point(
            threshold=threshold,
            kept=float(kept.mean()),
            error=float(1 - good[kept].mean()) if kept.any() else 0.0,
            quality=None if strong is None else float(np.where(kept, good, strong).mean()),
            cost_usd=None if spent is None else float(spent.mean()),
        )


def choose(aim: QualityLoss | Escalations | Spend, unseen: Unseen) -> float | None:
    """The threshold that meets an aim at the least escalation, or with the most where that is what is bounded.

    Returns:
        None where none does.

    Raises:
        ConfigError: the labels do not tell what the aim is about.
    """
    rising = numpy().unique(unseen.ranks)
    match aim:
        case QualityLoss():
            know(unseen.labels.labelled.strong is not None, STRONG, "whether the next stage's answer was acceptable")
            return _first(rising, _within_quality(aim, unseen))
        case Escalations():
            return _first(rising[::-1], lambda threshold: 1 - unseen.at(threshold).kept <= aim.most)
        case Spend():
            know(unseen.labels.priced, f"{COST} and {STRONG_COST}", "what either answer costs")
            return _first(
                rising[::-1], lambda threshold: (unseen.at(threshold).cost_usd or 0) * aim.requests <= aim.usd
            )


def know(known: bool, column: str, what: str) -> None:  # noqa: FBT001 - it reads as what it asks
    """Raise `ConfigError` where the labels do not tell something."""
    if not known:
        raise ConfigError(f"the labels do not say {what}.", fix=f"Give {column}, or choose another aim.")


def _first(thresholds: Numbers, fits: Callable[[float], bool]) -> float | None:
    """The first that fits; once one does, so do those that follow, but for noise that the margin is for."""
    low, high = 0, len(thresholds)
    while low < high:
        middle = (low + high) // 2
        if fits(float(thresholds[middle])):
            high = middle
        else:
            low = middle + 1
    return float(thresholds[low]) if low < len(thresholds) else None


def _within_quality(aim: QualityLoss, unseen: Unseen) -> Callable[[float], bool]:
    np = numpy()
    labelled = unseen.labels.labelled
    wanted = (1 - aim.most) * labelled.strong
    z = NormalDist().inv_cdf(aim.sure)

    def fits(threshold: float) -> bool:
        gained = np.where(unseen.ranks >= threshold, labelled.acceptable, labelled.strong) - wanted
        margin = z * float(gained.std()) / math.sqrt(len(gained))
        return float(gained.mean()) >= margin

    return fits
