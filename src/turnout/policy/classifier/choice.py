"""What to do with a prediction: the cheapest that will do, the best value, or the category's own chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

NEAR: Final = "near_boundary"


class Option(NamedTuple):
    """Something that may be chosen.

    Attributes:
        name: of the target or category.
        chance: of an acceptable answer; of a category, that the request is of it.
        cost_usd: what the answer will cost; None where the price is unknown.
        latency_ms: how long it will take; None where nothing tells.
    """

    name: str
    chance: float
    cost_usd: float | None = None
    latency_ms: float | None = None


class Choice(Protocol):
    """Chooses one of several options."""

    def of(self, options: Sequence[Option]) -> Option | None:
        """The choice among `options`, the cheapest first; None where it is too near to another."""
        ...


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The cheapest that clears a bar, or that no dearer one betters by enough.

    A dearer target is chosen for what it gains, not for what the cheaper one lacks: where both will fail, or the
    dearer is hardly likelier to answer well, its price buys nothing.

    Attributes:
        at_least: the chance from which a target will do; None for no bar, so that only the gain decides.
        gain: a dearer target must be likelier by this to be chosen instead.
        margin: where a bar that much higher or lower would have decided otherwise, nothing is chosen.
    """

    at_least: float | None
    gain: float
    margin: float

    def of(self, options: Sequence[Option]) -> Option | None:
        """See `Choice`."""
        strict, lax = self._at(options, self.margin), self._at(options, -self.margin)
        return strict if strict is lax else None

    def _at(self, options: Sequence[Option], shift: float) -> Option:
        """The choice with a bar higher, and a gain asked for lower, by `shift`: both lean to the dearer."""
        return next(
            option
            for place, option in enumerate(options)
            if (self.at_least is not None and option.chance >= self.at_least + shift)
            or all(dearer.chance - option.chance < self.gain - shift for dearer in options[place + 1 :])
        )


@dataclass(frozen=True, slots=True)
class BestValue:
    """The one whose answer is worth the most, less what it costs and less the wait.

    Attributes:
        answer_usd: what an acceptable answer is worth, in USD.
        second_usd: what a second of waiting costs, in USD.
        margin: where the next best is worth less than this share of an answer less, nothing is chosen.
    """

    answer_usd: float
    second_usd: float
    margin: float

    def of(self, options: Sequence[Option]) -> Option | None:
        """See `Choice`."""
        best, *others = sorted(options, key=self.value, reverse=True)
        near = bool(others) and self.value(best) - self.value(others[0]) < self.margin * self.answer_usd
        return None if near else best

    def value(self, option: Option) -> float:
        """What choosing it is worth, in USD; an unknown price or latency counts as none."""
        waited_s = (option.latency_ms or 0.0) / 1000
        return option.chance * self.answer_usd - (option.cost_usd or 0.0) - waited_s * self.second_usd


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The category that a request most probably is of.

    Attributes:
        at_least: the chance that it must have.
        margin: it must be likelier than the next by this.
    """

    at_least: float
    margin: float

    def of(self, options: Sequence[Option]) -> Option | None:
        """See `Choice`."""
        best, *others = sorted(options, key=lambda option: option.chance, reverse=True)
        near = bool(others) and best.chance - others[0].chance < self.margin
        return None if near or best.chance < self.at_least else best
