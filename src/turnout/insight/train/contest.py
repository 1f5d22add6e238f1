"""Which way to choose is the cheapest at the same quality: the classifier, the rules, or the length of a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.features.ngrams import numpy
from turnout.insight.train.frontier import Curve, Interval, Worth, by_chance, by_length, cost_at, draws_of, interval
from turnout.insight.train.rows import Rows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

SHARE: Final = 0.8
"""Without rules to be measured by, ways are compared where they keep this share of what the dearest target gains."""
BAR: Final = 0.8
"""The chance of an acceptable answer that is asked for where labels cannot tell what a bar costs."""
_NEVER: Final = 0.99
"""A gain that no target has."""
LENGTH: Final = "length"
RULES: Final = "rules"
CLASSIFIER: Final = "classifier"


class Standing(NamedTuple):
    """How a way to choose did.

    Attributes:
        name: of the way.
        cost: at the quality that all are compared at, as a share of always asking the dearest target.
        saves: how much less that is than the length rule's, as a share of the same.
    """

    name: str
    cost: Interval
    saves: Interval

    @property
    def beats_length(self) -> bool:
        """Whether it is cheaper than the length rule, by more than chance explains."""
        return self.saves.low > 0


class Contest(NamedTuple):
    """What requests say that nothing was fitted to.

    Attributes:
        quality: the share of acceptable answers that all ways are compared at.
        at: what quality that is: the rules', or a share of what the dearest target gains.
        dearest, cheapest: the quality of always asking one.
        standings: the classifier, the rules where there are any, and the length rule.
        requests: how many.
    """

    quality: Interval
    at: str
    dearest: float
    cheapest: float
    standings: tuple[Standing, ...]
    requests: int

    @property
    def winner(self) -> str:
        """The classifier, where it beats the length rule and the rules do not beat it; else who is cheapest of them."""
        found = {standing.name: standing for standing in self.standings}
        others = [standing for standing in self.standings if standing.name != CLASSIFIER]
        best = min(others, key=lambda standing: standing.cost.value)
        beaten = found[CLASSIFIER].beats_length and found[CLASSIFIER].cost.value <= best.cost.value
        return CLASSIFIER if beaten else best.name


def worth_of(rows: Rows) -> Worth:
    """What every choice would have come to; a cost that is not known is the target's mean, or else its rank."""
    np = numpy()
    cost = rows.cost_usd
    if priced(rows):
        cost = np.where(np.isnan(cost), np.nanmean(cost, axis=0), cost)
    else:
        cost = np.tile(np.arange(len(rows.names), dtype=float), (len(rows), 1))
    return Worth(rows.acceptable, cost, rows.groups)


def hold(rows: Rows, chances: Array, rules: Sequence[int | None] | None, *, seed: int) -> Contest:
    """Compare ways to choose.

    Args:
        rows: requests of which every target's worth is known, and that nothing was fitted to.
        chances: what the classifier says of each.
        rules: the place of the target that the rules choose for each; None where they choose none of these.
        seed: of the draws.
    """
    np = numpy()
    worth = worth_of(rows)
    weights = draws_of(rows.groups, seed=seed)
    curves: dict[str, Curve] = {
        CLASSIFIER: by_chance(chances, worth.cost),
        LENGTH: by_length(np.array([each.tokens for each in rows.features]), len(rows.names)),
    }
    ruled = _ruled(rules)
    quality, at = _quality(worth, ruled, weights)
    if ruled is not None:
        curves[RULES] = Curve(ruled[None, :])
    dearest = weights @ worth.cost[:, -1] / weights.sum(axis=1)
    costs = {name: cost_at(curve, worth, quality, weights) / dearest for name, curve in curves.items()}
    standings = tuple(Standing(name, interval(cost), interval(costs[LENGTH] - cost)) for name, cost in costs.items())
    always = worth.acceptable.mean(axis=0)
    return Contest(interval(quality), at, float(always[-1]), float(always[0]), standings, len(rows))


def share_of_cost(rows: Rows, chances: Array) -> float:
    """What a classifier costs at the quality that ways are compared at without rules, as a share of the dearest's."""
    np = numpy()
    worth, once = worth_of(rows), np.ones((1, len(rows)))
    quality, _ = _quality(worth, None, once)
    found = cost_at(by_chance(chances, worth.cost), worth, quality, once) / worth.cost[:, -1].mean()
    return float(found[0])


def bar_at(rows: Rows, chances: Array, rules: Sequence[int | None] | None) -> dict[str, Any]:
    """The settings of the policy at which a classifier keeps the quality that ways are compared at the most cheaply.

    Args:
        rows: requests of which every target's worth is known.
        chances: what is said of each by classifiers that were not fitted to it.
        rules: as of `hold`.
    """
    np = numpy()
    worth = worth_of(rows)
    means = worth.cost.mean(axis=0)
    quality, _ = _quality(worth, _ruled(rules), np.ones((1, len(rows))))
    if len(rows.names) == 2:
        gains = chances[:, 1] - chances[:, 0]
        bounds = np.append(np.floor(np.quantile(gains, np.linspace(1, 0, 201)) * 1e4) / 1e4, 0.0)
        offered: list[dict[str, Any]] = [{"gain": float(bound)} for bound in np.minimum(bounds[bounds >= 0], _NEVER)]
    elif priced(rows):
        offered = [
            {"utility": {"answer": float(f"{price:.4g}")}} for price in np.geomspace(1e-2, 1e6, 400) * means.max()
        ]
    else:
        return {"at_least": BAR}
    curve = Curve(np.stack([chosen_by(settings, rows.names, chances, means) for settings in offered]))
    good, cost = (each.mean(axis=1) for each in worth.of(curve.choices))
    enough = np.where(good >= quality[0] - 1e-12, cost, np.inf)
    return offered[int(np.argmin(enough)) if np.isfinite(enough).any() else int(np.argmax(good))]


def chosen_by(settings: Mapping[str, Any], names: Sequence[str], chances: Array, cost: Array) -> Array:
    """The place of the target that the policy chooses for each request, when nothing is too near to decide.

    Args:
        settings: as they are written into the policy.
        names: of the targets, the cheapest first.
        chances: what the classifier says of each request.
        cost: what each target's answers cost on average.
    """
    np = numpy()
    if "utility" in settings:
        chosen: Array = np.argmax(chances * settings["utility"]["answer"] - cost, axis=1)
    elif "gain" in settings:
        chosen = np.argmax([_gains_less(chances, place, settings["gain"]) for place in range(len(names))], axis=0)
    else:
        enough = chances >= settings["at_least"]
        chosen = np.where(enough.any(axis=1), enough.argmax(axis=1), chances.argmax(axis=1))
    return chosen


def _gains_less(chances: Array, place: int, gain: float) -> Array:
    """Whether no dearer target than that at a place gains so much; of the last there is none."""
    np = numpy()
    less: Array = np.all(chances[:, place + 1 :] - chances[:, [place]] < gain, axis=1)
    return less


def priced(rows: Rows) -> bool:
    """Whether of each target some cost is known."""
    return bool((~numpy().isnan(rows.cost_usd)).any(axis=0).all())


def _ruled(rules: Sequence[int | None] | None) -> Array | None:
    """The rules' choices; None where there are no rules, or where they often choose what nobody labelled."""
    np = numpy()
    if rules is None or any(each is None for each in rules):
        return None
    places: Array = np.array(rules)
    return places


def _quality(worth: Worth, ruled: Array | None, weights: Array) -> tuple[Array, str]:
    """The quality to compare at, in each draw."""
    total = weights.sum(axis=1)
    if ruled is not None:
        good, _ = worth.of(ruled[None, :])
        return weights @ good[0] / total, "that of the rules"
    cheapest, dearest = (weights @ worth.acceptable[:, place] / total for place in (0, -1))
    return cheapest + SHARE * (dearest - cheapest), f"{SHARE:.0%} of the way from the cheapest target to the dearest"
