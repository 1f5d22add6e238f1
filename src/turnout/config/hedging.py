"""Hedging, as a route writes it: `hedge: {after: p95, max_share: 5%}`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from turnout.config.durations import PATTERN, parse_duration
from turnout.config.shares import ShareOfRequests
from turnout.config.values import Section, Wrong
from turnout.types.hedge import Hedge

_QUANTILE: Final = re.compile(r"p([5-9][0-9])")


def _delay(value: Any) -> str:
    text = str(value).strip()
    if _QUANTILE.fullmatch(text) is None:
        try:
            parse_duration(text)
        except ValueError as error:
            fix = "Write a quantile of the target's own latency (p50 to p99), or a duration like 800ms."
            raise Wrong("it is no quantile and no duration.", fix) from error
    return text


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
    max_share: ShareOfRequests = Field(
        0.05, description="At most this share of the route's requests gets a second call."
    )

    def for_route(self, name: str) -> Hedge:
        """What it means for the route of that name."""
        quantile = _QUANTILE.fullmatch(self.after)
        if quantile is None:
            return Hedge(route=name, after_s=parse_duration(self.after), max_share=self.max_share)
        return Hedge(route=name, quantile=int(quantile[1]) / 100, max_share=self.max_share)
