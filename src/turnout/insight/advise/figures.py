"""How figures are read and written."""

from __future__ import annotations

import re
from typing import Final

from turnout.insight.advise.fact import DEFINITIONS, Fact, Unit

_SCALES: Final = ((1e9, " G"), (1e6, " M"), (1e3, " k"))
_FACTORS: Final = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}
_YES: Final = {"yes": 1.0, "y": 1.0, "true": 1.0, "no": 0.0, "n": 0.0, "false": 0.0}
_BETWEEN: Final = ".."
_MANY: Final = 1000


def read_range(text: str) -> tuple[float | None, float, float | None]:
    """A figure as people write it: `50M`, `82%`, `yes`; with its interval, `0.6..0.7..0.75`, or `0.6..0.8`.

    Returns:
        The low end, the value (half-way, where only ends are given) and the high end; None for ends not given.

    Raises:
        ValueError: it is no figure, or its ends are the wrong way round.
    """
    parts = [_read(part) for part in text.split(_BETWEEN)]
    if len(parts) > 3 or sorted(parts) != parts:
        raise ValueError(f"'{text}' is no interval. Write LOW..HIGH or LOW..VALUE..HIGH.")
    if len(parts) == 1:
        return None, parts[0], None
    return parts[0], parts[1] if len(parts) == 3 else (parts[0] + parts[1]) / 2, parts[-1]


def _read(text: str) -> float:
    bare = text.strip().lower().replace(",", "").replace("_", "").removeprefix("$")
    if bare in _YES:
        return _YES[bare]
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?(?:e\d+)?)\s*([kmgb%]?)", bare)
    if found is None:
        raise ValueError(f"'{text.strip()}' is no figure. Write 50M, 82%, 1200 or yes.")
    return float(found[1]) / 100 if found[2] == "%" else float(found[1]) * _FACTORS[found[2]]


def written(value: float, unit: Unit) -> str:
    """A figure for people: `50 M`, `82 %`, `$1,200`, `yes`."""
    if unit == "yes":
        return "yes" if value >= 1 else "no"
    if unit == "share":
        return percent(value)
    if unit == "usd":
        return dollars(value)
    if unit == "hours":
        return f"{value:.1f} h"
    return quantity(value)


def fact_words(name: str, fact: Fact) -> str:
    """A fact's value, with its interval where there is one."""
    unit = DEFINITIONS[name].unit
    shown = written(fact.value, unit)
    if fact.low is None or fact.high is None:
        return shown
    low, high = written(fact.low, unit), written(fact.high, unit)
    return shown if low == high == shown else f"{shown} ({low} to {high})"


def percent(share: float) -> str:
    """`82 %`; one digit after the point below 10 %."""
    digits = 0 if abs(share) >= 0.0995 or not share else 1
    return f"{share * 100:.{digits}f} %"


def dollars(amount: float) -> str:
    """`$1,234`; cents below 100; a minus before the sign."""
    if not amount:
        return "$0"
    shown = f"{abs(amount):,.0f}" if abs(amount) >= 100 else f"{abs(amount):,.2f}"
    return f"{'-' if amount < 0 and float(shown.replace(',', '')) else ''}${shown}"


def quantity(number: float) -> str:
    """`50 M`, `1.25 k`, `7`."""
    for scale, name in _SCALES:
        if abs(number) >= scale:
            return f"{_plain(number / scale)}{name}"
    return _plain(number)


def _plain(number: float) -> str:
    if abs(number) >= 100 or number == round(number):
        return f"{number:.0f}"
    return f"{number:.3g}"
