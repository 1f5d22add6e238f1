"""What choosing costs for the quality that it keeps: the measure by which classifiers and rules are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.features.ngrams import numpy

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

POINTS: Final = 101
DRAWS: Final = 400
"""How many times requests are drawn anew for an interval."""
_LEVEL: Final = 0.95


class Interval(NamedTuple):
    """A figure, and where 95 of 100 others like it would lie: a bootstrap over groups (Efron, 1979)."""

    value: float
    low: float
    high: float


class Curve(NamedTuple):
    """A way to choose, from sparing to lavish.

    Attributes:
        choices: at each point, the target that each request would go to.
    """

    choices: Array


class Worth(NamedTuple):
    """What every choice would have come to.

    Attributes:
        acceptable: of each request and target, 1 or 0.
        cost: of each request and target, in any unit.
        groups: what is drawn together.
    """

    acceptable: Array
    cost: Array
    groups: Sequence[str]

    def of(self, choices: Array) -> tuple[Array, Array]:
        """Whether each request's answer is acceptable, and its cost, at each point of a curve."""
        rows = numpy().arange(len(self.acceptable))
        return self.acceptable[rows, choices], self.cost[rows, choices]


def by_chance(chances: Array, cost: Array) -> Curve:
    """Chooses by predicted chance and mean cost: the best of chance − price · cost, at many prices."""
    np = numpy()
    means = cost.mean(axis=0)
    dearer = np.maximum(means[1:] - means[:-1], 1e-12)
    prices = np.sort(np.quantile((chances[:, 1:] - chances[:, :-1]) / dearer, np.linspace(0, 1, POINTS)))[::-1]
    edges = [prices[0] + 1 / dearer.min(), *prices, prices[-1] - 1 / dearer.min()]
    return Curve(np.stack([np.argmax(chances - price * means, axis=1) for price in edges]))


def by_length(tokens: Array, targets: int) -> Curve:
    """The length rule: the dearest target for what is longer than a bound, else the cheapest."""
    np = numpy()
    bounds = np.concatenate(([np.inf], np.quantile(tokens, np.linspace(1, 0, POINTS)), [-np.inf]))
    return Curve(np.stack([np.where(tokens > bound, targets - 1, 0) for bound in bounds]))


def cost_at(curve: Curve, worth: Worth, quality: Array, weights: Array) -> Array:
    """The least mean cost at which a curve keeps a quality; where it never does, what the dearest costs.

    Args:
        curve: how is chosen.
        worth: what every choice comes to.
        quality: to be kept, one for each row of weights.
        weights: how often each request counts, in each of several draws.
    """
    np = numpy()
    good, cost = worth.of(curve.choices)
    total = weights.sum(axis=1, keepdims=True)
    kept, paid = weights @ good.T / total, weights @ cost.T / total
    reached = np.where(kept >= quality[:, None] - 1e-12, paid, np.inf).min(axis=1)
    dearest = weights @ worth.cost[:, -1] / total[:, 0]
    least: Array = np.where(np.isfinite(reached), reached, dearest)
    return least


def draws_of(groups: Sequence[str], *, seed: int) -> Array:
    """How often each request counts: first once, then in each of `DRAWS` samples of the groups with replacement."""
    np = numpy()
    distinct, members = np.unique(np.asarray(groups), return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(distinct), np.full(len(distinct), 1 / len(distinct)), size=DRAWS)
    weights: Array = np.concatenate((np.ones((1, len(groups))), counts[:, members])).astype(float)
    return weights


def interval(values: Array) -> Interval:
    """Of a figure and its draws, the figure first."""
    np = numpy()
    low, high = np.quantile(values[1:], ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    return Interval(float(values[0]), float(low), float(high))
