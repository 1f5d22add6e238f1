"""How good a classifier's chances are, target by target, and what its choices come to, segment by segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.confidence.quality import calibration_error, log_loss
from turnout.features.ngrams import numpy
from turnout.insight.train.contest import chosen_by, worth_of
from turnout.insight.train.frontier import Interval, draws_of, interval
from turnout.insight.train.rows import Rows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

ALL: Final = "all"


class OfTarget(NamedTuple):
    """How good the chances of one target are, on later requests.

    Attributes:
        target: its name.
        labels: on how many.
        acceptable: the share of them that was acceptable.
        auc: the chance that of two answers, one acceptable and one not, the acceptable one was given the higher
            probability.
        over_length: by how much that is more than what the length of the query alone would tell.
        brier, calibration_error, log_loss: see `turnout.confidence.quality`.
    """

    target: str
    labels: int
    acceptable: float
    auc: Interval
    over_length: Interval
    brier: Interval
    calibration_error: float
    log_loss: float


class OfSegment(NamedTuple):
    """What the classifier's choice came to for a part of the later requests.

    Attributes:
        segment: which part; `ALL` for all of them.
        requests: how many.
        acceptable: the share of acceptable answers by the classifier's choice.
        dearest, cheapest: by always asking one.
        cost: of the choice, as a share of always asking the dearest.
    """

    segment: str
    requests: int
    acceptable: Interval
    dearest: float
    cheapest: float
    cost: Interval


def of_targets(rows: Rows, chances: Array, *, seed: int) -> tuple[OfTarget, ...]:
    """Each target that has labels of either kind among some requests.

    Args:
        rows: the requests; nothing was fitted to them.
        chances: what the classifier says of each.
        seed: of the draws.
    """
    np = numpy()
    places = range(len(rows.names))
    labelled = [place for place in places if (~np.isnan(rows.acceptable[:, place])).any()]
    return tuple(_of_target(rows, chances, place, seed) for place in labelled)


def of_segments(rows: Rows, chances: Array, settings: Mapping[str, Any], *, seed: int) -> Iterator[OfSegment]:
    """All requests, then each segment of them.

    Args:
        rows: requests of which every target's worth is known, and that nothing was fitted to.
        chances: what the classifier says of each.
        settings: how it chooses.
        seed: of the draws.
    """
    np = numpy()
    worth = worth_of(rows)
    chosen = chosen_by(settings, rows.names, chances, worth.cost.mean(axis=0))
    good, cost = (each[0] for each in worth.of(chosen[None, :]))
    names = np.array(rows.segments)
    distinct = sorted(set(rows.segments)) if any(rows.segments) else []
    parts = [(ALL, np.ones(len(rows), bool)), *((name, names == name) for name in distinct)]
    for name, own in parts:
        weights = draws_of([rows.groups[place] for place in np.flatnonzero(own)], seed=seed)
        dearest = np.maximum(weights @ worth.cost[own, -1], 1e-12)
        always = rows.acceptable[own].mean(axis=0)
        yield OfSegment(
            segment=name,
            requests=int(own.sum()),
            acceptable=interval(weights @ good[own] / weights.sum(axis=1)),
            dearest=float(always[-1]),
            cheapest=float(always[0]),
            cost=interval(weights @ cost[own] / dearest),
        )


def _of_target(rows: Rows, chances: Array, place: int, seed: int) -> OfTarget:
    np = numpy()
    known = np.flatnonzero(~np.isnan(rows.acceptable[:, place]))
    labels, said = rows.acceptable[known, place], chances[known, place]
    tokens = np.array([rows.features[each].tokens for each in known], float)
    weights = draws_of([rows.groups[each] for each in known], seed=seed)
    auc, by_length = auc_of(said, labels, weights), auc_of(tokens, labels, weights)
    if by_length[0] < 0.5:  # mostly the longer a query, the harder
        by_length = 1 - by_length
    return OfTarget(
        target=rows.names[place],
        labels=len(labels),
        acceptable=float(labels.mean()),
        auc=interval(auc),
        over_length=interval(auc - by_length),
        brier=interval(weights @ (said - labels) ** 2 / weights.sum(axis=1)),
        calibration_error=calibration_error(said, labels),
        log_loss=log_loss(said, labels),
    )


def auc_of(said: Array, labels: Array, weights: Array) -> Array:
    """The area under the receiver's curve in each draw; a half where all labels are alike.

    Args:
        said: the higher, the likelier acceptable.
        labels: 1 or 0.
        weights: how often each counts, a row for each draw.
    """
    np = numpy()
    order = np.argsort(said, kind="stable")
    starts = np.flatnonzero(np.concatenate(([True], np.diff(said[order]) != 0)))
    good = np.add.reduceat((labels * weights)[:, order], starts, axis=1)
    bad = np.add.reduceat(((1 - labels) * weights)[:, order], starts, axis=1)
    below = np.cumsum(bad, axis=1) - bad / 2
    pairs = good.sum(axis=1) * bad.sum(axis=1)
    areas: Array = np.where(pairs > 0, (good * below).sum(axis=1) / np.maximum(pairs, 1e-12), 0.5)
    return areas
