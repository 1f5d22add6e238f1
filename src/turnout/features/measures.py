"""A request's shape as numbers that a model can weigh: how long, how deep, how much of it is no prose."""

from __future__ import annotations

import math
import string
from typing import Final

from turnout.types.features import Features

MEASURES: Final = (
    "tokens",
    "over_50_tokens",
    "over_150_tokens",
    "context",
    "turns",
    "tools",
    "images",
    "lines",
    "digits",
    "symbols",
    "capitals",
)
"""What `measure` reads, in its order: lengths and counts by their logarithm, the last three as shares of the bytes."""

_DIGITS: Final = string.digits.encode()
_CAPITALS: Final = string.ascii_uppercase.encode()
_PROSE: Final = (string.ascii_letters + string.digits + string.whitespace + ".,;:?!'\"()-").encode()


def measure(features: Features, query: str) -> tuple[float, ...]:
    """The measures of a request.

    Args:
        features: what is known of it.
        query: what its user said last.
    """
    tokens = math.log1p(features.tokens)
    raw = query.encode("utf-8", "surrogatepass")
    size = len(raw) or 1
    return (
        tokens,
        max(tokens - _LONG, 0.0),
        max(tokens - _VERY_LONG, 0.0),
        math.log1p(features.context_tokens),
        math.log1p(features.turns),
        math.log1p(features.tools),
        math.log1p(features.images),
        math.log1p(query.count("\n")),
        (len(raw) - len(raw.translate(None, _DIGITS))) / size,
        len(raw.translate(None, _PROSE)) / size,
        (len(raw) - len(raw.translate(None, _CAPITALS))) / size,
    )


_LONG: Final = math.log1p(50)
_VERY_LONG: Final = math.log1p(150)
