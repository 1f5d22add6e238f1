"""Hedging, as a route writes it: `hedge: {after: p95, max_share: 5%}`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from turnout.config.durations import PATTERN, parse_duration
from turnout.config.values import Section, Wrong
from turnout.types.hedge import Hedge

_QUANTILE: Final = re.compile(r"p([5-9][0-9])")
_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*%")


def _delay(value: Any) -> str:
    text = str(value).strip()
    if _QUANTILE.fullmatch(text) is None:
        try:
            parse_duration(text)
        except ValueError as error:
            fix = "Write a quantile of the target's own latency (p50 to p99), or a duration like 800ms."
            raise Wrong("it is no quantile and no duration.", fix) from error
    return text


def _share(value: Any) -> float:
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    share = float(match[1]) / 100 if match else value
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise Wrong("it is no share of the requests.", "Write a percentage above 0 % and up to 100 %, like 5%.")
    return float(share)


Share = Annotated[
    float,
    BeforeValidator(_share),
    PlainSerializer(lambda share: f"{share * 100:g}%", return_type=str),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9.]+\s*%$"}]}),
]
"""A share of the requests, above 0."""


class HedgeConfig(Section):
    """A second call at the next candidate while the first is silent; the first to answer wins."""

    after: Annotated[
        str,
        BeforeValidator(_delay),
        WithJsonSchema({"type": "string", "pattern": rf"^p[5-9][0-9]$|{PATTERN}", "examples": ["p95", "800ms"]}),
    ] = Field(
        "p95",
        description="After how long a silence: a quantile of the target's own time to the first token (`p50` to "
        "`p99`), or a duration. Without enough recent calls there is no quantile, and no second call.",
    )
    max_share: Share = Field(0.05, description="At most this share of the route's requests gets a second call.")

    def for_route(self, name: str) -> Hedge:
        """What it means for the route of that name."""
        quantile = _QUANTILE.fullmatch(self.after)
        if quantile is None:
            return Hedge(route=name, after_s=parse_duration(self.after), max_share=self.max_share)
        return Hedge(route=name, quantile=int(quantile[1]) / 100, max_share=self.max_share)
