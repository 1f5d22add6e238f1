"""Tokens a day and their growth, and how unequal tenants are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from turnout.insight.advise.fact import Fact
from turnout.insight.advise.figures import quantity
from turnout.insight.student import student

_FEWEST: Final = 4
"""With fewer days, how far they differ says nothing."""
_WEEK: Final = 7
_MONTH: Final = 30


def per_day(days: Sequence[float], what: str) -> Fact:
    """The mean of whole days, with the 95 % interval of Student's distribution from four days on."""
    mean = math.fsum(days) / len(days)
    how = f"{what} of {len(days)} whole days"
    if len(days) < _FEWEST:
        return Fact(value=mean, how=how)
    variance = math.fsum((day - mean) ** 2 for day in days) / (len(days) - 1)
    reach = student(len(days) - 1) * math.sqrt(variance / len(days))
    return Fact(value=mean, low=max(mean - reach, 0.0), high=mean + reach, how=how)


def part_of_a_day(seen: float, hours: float, busy_hours: float) -> Fact:
    """A day of which some hours were seen: at least what was seen, at most as busy as that from end to end."""
    rate = seen / hours
    how = f"{quantity(seen)} in {hours:.2g} h; a day has {busy_hours:g} such hours (busy_hours), at most 24"
    low, high = seen, max(rate * 24, seen)
    return Fact(value=min(max(rate * busy_hours, low), high), low=low, high=high, origin="reckoned", how=how)


def growth(days: Sequence[float]) -> Fact | None:
    """Growth in a month: the slope of the logarithms of whole weeks' days; None with fewer than four weeks.

    Whole weeks, so that a weekend at one end is no trend; days without traffic say nothing to a logarithm, and there
    is no growth to be told from a period that has one.
    """
    weeks = len(days) // _WEEK
    if weeks < 4 or min(days[-weeks * _WEEK :]) <= 0:
        return None
    logs = [
        math.log(math.fsum(days[end - _WEEK : end])) for end in range(len(days) - (weeks - 1) * _WEEK, len(days) + 1, 7)
    ]
    middle, mean = (weeks - 1) / 2, math.fsum(logs) / weeks
    squares = math.fsum((place - middle) ** 2 for place in range(weeks))
    slope = math.fsum((place - middle) * (log - mean) for place, log in enumerate(logs)) / squares
    errors = math.fsum((log - mean - slope * (place - middle)) ** 2 for place, log in enumerate(logs))
    reach = student(weeks - 2) * math.sqrt(errors / (weeks - 2) / squares)
    low, value, high = (math.expm1(each * _MONTH / _WEEK) for each in (slope - reach, slope, slope + reach))
    if low <= 0 <= high:
        return Fact(value=0.0, low=low, high=high, how=f"no trend in {weeks} weeks that could not be chance")
    return Fact(value=value, low=low, high=high, how=f"the trend of {weeks} weeks")


def gini(amounts: Iterable[float]) -> float:
    """How unequal amounts are: 0 where all are alike, near 1 where one has everything.

    G = Σ (2 i − n − 1) xᵢ / (n Σ xᵢ), for x in rising order (Gini, "Variabilità e mutabilità", 1912).
    """
    rising = sorted(amounts)
    total, number = math.fsum(rising), len(rising)
    if not total:
        return 0.0
    return math.fsum((2 * place - number - 1) * each for place, each in enumerate(rising, 1)) / (number * total)
