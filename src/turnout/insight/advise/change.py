"""What would change the advice: one figure at a time, moved until the recommendation is another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from turnout.insight.advise.advice import Advice, advise
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.fact import DEFINITIONS, Fact, Facts
from turnout.insight.advise.prices import Pair
from turnout.insight.advise.table import SITUATIONS, Approach

_STEPS: Final = 50
_FACTORS: Final = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_JUST: Final = 1e-6


class Change(NamedTuple):
    """A figure's value from which on the advice is another.

    Attributes:
        fact: the figure.
        rises: whether it has to rise; None where it is not known today.
        value: to what.
        approach: what would be recommended then.
        title: what that is called.
    """

    fact: str
    rises: bool | None
    value: float
    approach: Approach
    title: str


def changes(given: Facts, taken: Assumptions, pair: Pair, advice: Advice) -> tuple[Change, ...]:
    """Every figure that can change the advice by itself, with the nearest value that does, upwards and downwards.

    Args:
        given: the facts as they were measured or told, before anything was reckoned from them.
        taken: the assumptions.
        pair: the prices.
        advice: the advice on them.
    """
    found: list[Change] = []
    for name, definition in DEFINITIONS.items():
        if definition.question:
            now = advice.facts.value(name)
            tried = [value for value in _values(name, now) if value != now]
            for side in _sides(tried, now):
                found += _first(name, side, (given, taken, pair, advice))
    return tuple(found)


def _first(name: str, values: Sequence[float], about: tuple[Facts, Assumptions, Pair, Advice]) -> Iterator[Change]:
    """The nearest of the values at which the advice is another, if any is."""
    given, taken, pair, advice = about
    now = advice.facts.value(name)
    for value in values:
        other = advise(_moved(given, advice, name, value), taken, pair)
        if other.approaches != advice.approaches:
            rises = None if now is None else value > now
            yield Change(name, rises, value, other.recommended.approach, other.title)
            return


def _moved(given: Facts, advice: Advice, name: str, value: float) -> Facts:
    """The facts with one of them moved; what is counted by the token moves with the tokens."""
    moved = given.but(**{name: Fact(value=value, origin="told")})
    now = advice.facts.value(name)
    if name != "tokens_per_day" or not now:
        return moved
    for amount in ("cost_per_month", "baseline_per_month"):
        if fact := given.get(amount):
            moved = moved.but(**{amount: msgspec.structs.replace(fact, value=fact.value * value / now)})
    return moved


def _values(name: str, now: float | None) -> list[float]:
    unit = DEFINITIONS[name].unit
    edges = [edge for row in SITUATIONS for bound in row.tests if bound.fact == name for edge in bound.edges]
    around = [edge * factor for edge in edges for factor in (1 - _JUST, 1.0, 1 + _JUST)]
    if unit == "count":
        return sorted({max(edge + step, 0.0) for edge in edges for step in (-1.0, 0.0, 1.0)})
    if unit == "yes":
        return [0.0, 1.0]
    if unit == "share":
        return around + [step / _STEPS for step in range(_STEPS + 1)]
    if now is None:
        return around
    return around + [now * factor for factor in _FACTORS] + [now / factor for factor in _FACTORS]


def _sides(values: Sequence[float], now: float | None) -> tuple[list[float], ...]:
    """The values above and below, the nearest first."""
    if now is None:
        return (sorted(values),)
    return sorted(each for each in values if each > now), sorted((each for each in values if each < now), reverse=True)
