"""Shares, as a configuration writes them: `10%`, or 0.1."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from turnout.config.values import Wrong

_PERCENT: Final = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,4})?)\s*%")


def share(value: Any, of: str, *, most: float = 1.0, zero: bool = True) -> float:
    """The share that `10%` or 0.1 is.

    Raises:
        Wrong: it is none, is above `most`, or is nothing where that makes no sense.
    """
    match = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    found = float(match[1]) / 100 if match else value
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or not 0 <= found <= most or (found == 0 and not zero):
        least = "from 0 %" if zero else "above 0 %"
        upto = "" if math.isinf(most) else f" {'to' if zero else 'and up to'} {most * 100:g} %"
        raise Wrong(f"it is no share of {of}.", f"Write a percentage {least}{upto}, like 10%.")
    return float(found)


_WRITTEN: Final = PlainSerializer(lambda value: f"{value * 100:g}%", return_type=str)
_SCHEMA: Final = WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9.]+\s*%$"}]})

ShareOfBudget = Annotated[float, BeforeValidator(lambda value: share(value, "the budget")), _WRITTEN, _SCHEMA]
ShareOfRequests = Annotated[
    float, BeforeValidator(lambda value: share(value, "the requests", zero=False)), _WRITTEN, _SCHEMA
]
ShareOfPace = Annotated[
    float, BeforeValidator(lambda value: share(value, "an even pace", most=math.inf)), _WRITTEN, _SCHEMA
]
ShareOfRevenue = Annotated[float, BeforeValidator(lambda value: share(value, "the revenue")), _WRITTEN, _SCHEMA]
