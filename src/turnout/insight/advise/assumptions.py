"""What advice takes for granted: each a parameter with a name, printed with the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from turnout.insight.advise.table import Approach


class Range(NamedTuple):
    """A share between two ends, and what is expected."""

    low: float
    value: float
    high: float


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """Every assumption that is a number; its meaning is in `MEANINGS`."""

    day_rate: float = 800.0
    months: int = 12
    growth: float = 0.0
    input_share: float = 0.75
    busy_hours: float = 12.0
    judge_cost: float = 0.0
    upkeep_low: float = 1.0
    upkeep_low_to_medium: float = 2.0
    upkeep_medium: float = 3.0
    upkeep_medium_to_high: float = 5.0
    rules_finds: Range = Range(0.4, 0.6, 0.8)
    rules_slips: Range = Range(0.05, 0.1, 0.2)
    classifier_finds: Range = Range(0.6, 0.75, 0.85)
    classifier_slips: Range = Range(0.03, 0.08, 0.15)
    cascade_finds: Range = Range(0.7, 0.8, 0.9)
    cascade_slips: Range = Range(0.02, 0.05, 0.1)

    def upkeep_days(self, load: str) -> float:
        """Working days a month that an upkeep of the guide's takes; none where there is none."""
        if load == "none":
            return 0.0
        days: float = getattr(self, f"upkeep_{load.replace(' ', '_')}")
        return days

    def finds(self, approach: Approach) -> Range:
        """Which share of the easy requests it sends to the cheaper target."""
        found: Range = getattr(self, f"{_SKILL[approach]}_finds")
        return found

    def slips(self, approach: Approach) -> Range:
        """Which share of the others it takes for easy."""
        found: Range = getattr(self, f"{_SKILL[approach]}_slips")
        return found


_SKILL: Final[Mapping[Approach, str]] = {
    Approach.RULES: "rules",
    Approach.COST_AWARE: "rules",
    Approach.CLASSIFIER: "classifier",
    Approach.WEIGHED: "classifier",
    Approach.CASCADE: "cascade",
}

MEANINGS: Final[Mapping[str, str]] = {
    "day_rate": "a working day of an engineer, in USD",
    "months": "months within which an approach has to pay for itself",
    "growth": "growth of the traffic in a month, where it was not measured",
    "input_share": "share of the tokens that are input, where it was not measured",
    "busy_hours": "hours of a day as busy as a trace that is shorter than a day",
    "judge_cost": "what a cascade pays to judge a cheap answer, as a share of the strong one's cost",
    "upkeep_low": "working days a month of the guide's low upkeep",
    "upkeep_low_to_medium": "of its low to medium upkeep",
    "upkeep_medium": "of its medium upkeep",
    "upkeep_medium_to_high": "of its medium to high upkeep",
    "rules_finds": "share of the easy requests that rules recognise",
    "rules_slips": "share of the others that rules take for easy",
    "classifier_finds": "share of the easy requests that a classifier recognises",
    "classifier_slips": "share of the others that a classifier takes for easy",
    "cascade_finds": "share of the good cheap answers that a cascade keeps",
    "cascade_slips": "share of the bad cheap answers that a cascade keeps",
}
"""What each means. `turnout evaluate` and `turnout calibrate` narrow the ranges, on one's own traffic."""


def assumed(given: Mapping[str, tuple[float | None, float, float | None]]) -> Assumptions:
    """The assumptions, with some of one's own.

    Args:
        given: by name, the low end, the value and the high end; ends of None are the value.

    Raises:
        ValueError: there is no such assumption, or a value makes no sense.
    """
    whole: dict[str, float | int | Range] = {}
    for name, (low, value, high) in given.items():
        if name not in MEANINGS:
            raise ValueError(f"there is no assumption '{name}'. There are: {', '.join(MEANINGS)}, strong, cheap.")
        default = getattr(Assumptions(), name)
        if isinstance(default, Range):
            whole[name] = Range(value if low is None else low, value, value if high is None else high)
        else:
            whole[name] = round(value) if isinstance(default, int) else value
    found = Assumptions(**whole)  # type: ignore[arg-type] # each is of its field's type, as above
    _check(found)
    return found


def _check(found: Assumptions) -> None:
    for name in MEANINGS:
        value = getattr(found, name)
        shares = value if isinstance(value, Range) else (value,) if name in {"input_share", "judge_cost"} else ()
        if any(not 0 <= share <= 1 for share in shares):
            raise ValueError(f"'{name}' is a share: from 0 to 1, or from 0 % to 100 %.")
    if min(found.day_rate, found.months - 1, found.busy_hours) < 0 or found.growth <= -1 or found.busy_hours > 24:
        raise ValueError("a day rate is 0 or more, months are 1 or more, busy hours 0 to 24, growth more than -100 %.")
    for skill in set(_SKILL.values()):
        finds, slips = getattr(found, f"{skill}_finds"), getattr(found, f"{skill}_slips")
        if slips.high > finds.low:
            raise ValueError(f"'{skill}_finds' must be above '{skill}_slips': else it tells nothing apart.")
