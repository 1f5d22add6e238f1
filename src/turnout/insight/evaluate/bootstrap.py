"""Intervals by drawing users anew: what one user says is not independent of what else that user says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.features.ngrams import numpy
from turnout.insight.evaluate.parts import Parts

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

DRAWS: Final = 999
LEVEL: Final = 0.95
MOST_BLOCKS: Final = 1_000
"""More users than this are drawn in random groups of several, which costs hardly any precision and much less time."""

FEW: Final = 20.0
"""Where fewer users than this carry the variance, they are not drawn anew."""


class Interval(NamedTuple):
    """A figure, and where it lies with a probability of 95 %."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2

    def scaled(self, factor: float) -> Interval:
        """The same in another unit."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)

    def within(self, low: float, high: float) -> Interval:
        """The same where nothing outside of two bounds is possible."""
        return Interval(*(min(max(each, low), high) for each in self))


class Bootstrap:
    """Draws users with replacement, the same draws for all that is estimated of them.

    Args:
        clusters: whose each request is.
        seed: makes it repeatable.
    """

    def __init__(self, clusters: Sequence[str], *, seed: int = 0) -> None:
        np = numpy()
        generator = np.random.default_rng(seed)
        distinct, members = np.unique(np.asarray(clusters), return_inverse=True)
        if len(distinct) > MOST_BLOCKS:
            members = (generator.permutation(len(distinct)) % MOST_BLOCKS)[members]
        self.clusters = len(distinct)
        self._members, self._blocks = members, min(len(distinct), MOST_BLOCKS)
        even = np.full(self._blocks, 1 / self._blocks)
        self._counts = generator.multinomial(self._blocks, even, size=DRAWS).astype(float)

    def of(self, parts: Parts, *, shares: bool = False) -> Interval:
        """The interval of an estimate; `shares` says that the outcomes lie between 0 and 1."""
        found = self._interval([parts], [1.0], shares=shares)
        return found.within(0.0, 1.0) if shares else found

    def difference(self, one: Parts, other: Parts, *, shares: bool = False) -> Interval:
        """The interval of `one` − `other`, both of the same requests."""
        return self._interval([one, other], [1.0, -1.0], shares=shares)

    def _interval(self, parts: Sequence[Parts], signs: Sequence[float], *, shares: bool) -> Interval:
        """A bootstrap-t interval of Σ s_j A_j / B_j.

        B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), section 12.5; by clusters as in A. C.
        Cameron, J. B. Gelbach and D. L. Miller, "Bootstrap-Based Improvements for Inference with Clustered Errors",
        The Review of Economics and Statistics 90 (2008). Its standard errors are those of a ratio's linear part.

        It is never narrower than Student's interval with as many degrees of freedom as there are users who carry the
        variance (F. E. Satterthwaite, Biometrics Bulletin 2, 1946); where those are few, to draw them anew tells too
        little, and it is that interval.
        """
        np = numpy()
        sums = np.stack([self._sums(each) for pair in parts for each in pair], axis=1)
        value, error = (float(each[0]) for each in _ratio(np.ones((1, self._blocks)), sums, np.array(signs)))
        if not np.isfinite(value):
            return Interval(value, value, value)
        scale = float(np.abs(sums[:, 0::2]).sum() / np.abs(sums[:, 1::2]).sum())
        if error <= scale * _ROUNDING:  # nothing varies
            return _rule_of_three(value, parts[0]) if shares else Interval(value, value, value)
        moved = _influence(sums, np.array(signs))
        carried = float((moved**2).sum() ** 2 / (moved**4).sum())
        reach = _student(carried) * error
        student = Interval(value, value - reach, value + reach)
        if carried < FEW:
            return student
        drawn, errors = _ratio(self._counts, sums, np.array(signs))
        usable = np.isfinite(drawn) & (errors > error * _TINY)
        low, high = np.quantile((drawn[usable] - value) / errors[usable], ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return Interval(
            value, min(student.low, value - float(high) * error), max(student.high, value - float(low) * error)
        )

    def _sums(self, values: Array) -> Array:
        sums: Array = numpy().bincount(self._members, weights=values, minlength=self._blocks)
        return sums


_ROUNDING: Final = 1e-12
_TINY: Final = 1e-6


def _ratio(counts: Array, sums: Array, signs: Array) -> tuple[Array, Array]:
    """Of each draw the signed sum of ratios, and its standard error by the linear part of each ratio.

    Args:
        counts: how often each cluster is in each draw.
        sums: of each cluster: the numerator and denominator of the first ratio, of the second, ...
        signs: of each ratio.
    """
    np = numpy()
    totals = counts @ sums
    above, below = totals[:, 0::2], totals[:, 1::2]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = above / below
        slopes = np.empty_like(totals)
        slopes[:, 0::2], slopes[:, 1::2] = signs / below, -signs * ratios / below
        products = (sums[:, :, None] * sums[:, None, :]).reshape(len(sums), -1)
        size = sums.shape[1]
        moments = (counts @ products).reshape(-1, size, size)
        squares = np.einsum("bi,bij,bj->b", slopes, moments, slopes)
    number = len(sums)
    correction = number / max(number - 1, 1)
    return ratios @ signs, np.sqrt(np.maximum(squares, 0.0) * correction)


def _influence(sums: Array, signs: Array) -> Array:
    """How much each cluster moves the signed sum of ratios: its linear part."""
    np = numpy()
    totals = sums.sum(axis=0)
    above, below = totals[0::2], totals[1::2]
    parts: Array = (sums[:, 0::2] - (above / below) * sums[:, 1::2]) / below
    moved: Array = np.asarray(parts @ signs)
    return moved


def _student(freedom: float) -> float:
    """The 97.5 % quantile of Student's distribution, interpolated in 1 / its degrees of freedom."""
    at = numpy().interp(1 / max(freedom, 2.0), [1 / each for each in (30, 15, 10, 7, 5, 4, 3, 2)], _QUANTILES)
    return float(at)


_QUANTILES: Final = (2.042, 2.131, 2.228, 2.365, 2.571, 2.776, 3.182, 4.303)


def _rule_of_three(value: float, parts: Parts) -> Interval:
    """Where nothing varies: three of n might have been otherwise and were not.

    J. A. Hanley and A. Lippman-Hand, "If Nothing Goes Wrong, Is Everything All Right?", JAMA 249 (1983).
    """
    seen = float((parts.below > 0).sum())
    margin = min(1.0, 3.0 / max(seen, 1.0))
    return Interval(value, value - margin, value + margin)
