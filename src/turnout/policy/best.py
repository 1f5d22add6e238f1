"""The best of several targets, by quality, cost and latency at once.

A weighted sum of the three, each scaled to [0, 1] between the worst and the best of those that may be chosen (the
simple additive weighting of C.-L. Hwang and K. Yoon, "Multiple Attribute Decision Making", 1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from turnout.policy.base import Context
from turnout.policy.cheapest import cost_words
from turnout.policy.expected_cost import expected_cost
from turnout.policy.filters import unfit_because
from turnout.policy.in_order import Where, in_order
from turnout.types.candidate import Considered, Declined, Plan

NAME: Final = "best"
OVER: Final = "over_ceiling"
_MIDDLE: Final = 0.5
"""The place of a latency that nothing tells: neither a reason to choose the target nor one against it."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each matters, in proportion; none below 0, one above it."""

    quality: float = 1.0
    cost: float = 1.0
    latency: float = 1.0


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What an answer may cost and take at most.

    Attributes:
        cost_usd: of the request, in USD; None for any.
        latency_ms: until the answer is there, or until the first token of a stream; None for any.
    """

    cost_usd: float | None = None
    latency_ms: float | None = None


class _Known(NamedTuple):
    quality: float
    cost_usd: float | None
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class Best:
    """Asks the target with the highest score first, and after it the others within the ceilings, the best first.

    What cannot serve the request has no part in the scales. A target over a ceiling is not asked. An unknown price
    counts as the dearest and is over any ceiling of cost; an unknown latency counts as a middling one, until the target
    has been called. Where none is within the ceilings it declines, and the next policy decides.

    Attributes:
        quality: what each target is worth, in [0, 1].
        weights: how much each dimension matters.
        ceilings: what is too much, whatever the weights.
        where: where it stands.
    """

    quality: Mapping[str, float]
    weights: Weights
    ceilings: Ceilings
    where: Where

    @property
    def targets(self) -> tuple[str, ...]:
        """All that may be asked."""
        return tuple(self.quality)

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        known = {target: self._known(target, context) for target in self.quality}
        fit = [target for target in known if unfit_because(context.targets[target], context) is None]
        unfit = [target for target in known if target not in fit]
        within = [target for target in fit if not self._over(known[target])]
        scores = _scores({target: known[target] for target in within}, self.weights)
        order = sorted(within, key=lambda target: -scores[target])
        for target in fit:
            score = f"score {scores[target]:.2f}" if target in scores else "over a ceiling"
            yield Considered(target, target in order[:1], f"{_told(known[target])}: {score}")
        if fit and not within:
            yield Declined(NAME, OVER)
            return None
        return (yield from in_order([*order, *unfit], NAME, self.where))

    def _known(self, target: str, context: Context) -> _Known:
        return _Known(self.quality[target], expected_cost(target, context), context.predicted_ms(target))

    def _over(self, known: _Known) -> bool:
        cost, latency = self.ceilings.cost_usd, self.ceilings.latency_ms
        too_dear = cost is not None and (known.cost_usd is None or known.cost_usd > cost)
        too_slow = latency is not None and known.latency_ms is not None and known.latency_ms > latency
        return too_dear or too_slow


def _scores(known: Mapping[str, _Known], weights: Weights) -> dict[str, float]:
    """Of each target, in [0, 1]."""
    each = list(known.values())
    quality = _scaled([one.quality for one in each], _MIDDLE)
    cheap = _scaled([None if one.cost_usd is None else -one.cost_usd for one in each], 0.0)
    quick = _scaled([None if one.latency_ms is None else -one.latency_ms for one in each], _MIDDLE)
    total = weights.quality + weights.cost + weights.latency
    sums = (
        (weights.quality * good + weights.cost * less + weights.latency * soon) / total
        for good, less, soon in zip(quality, cheap, quick, strict=True)
    )
    return dict(zip(known, sums, strict=True))


def _scaled(values: Sequence[float | None], unknown: float) -> list[float]:
    """1 for the highest, 0 for the lowest; all alike are 1."""
    told = [value for value in values if value is not None]
    low, span = (min(told), max(told) - min(told)) if told else (0.0, 0.0)
    return [unknown if value is None else (value - low) / span if span else 1.0 for value in values]


def _told(known: _Known) -> str:
    latency = "no recent call to go by" if known.latency_ms is None else f"{known.latency_ms:.0f} ms"
    return f"quality {known.quality:g}, {cost_words(known.cost_usd)}, {latency}"
