"""How a caller stands, in the headers in which Anthropic says it."""

from __future__ import annotations

from datetime import datetime, timedelta

from turnout.types.rate import Standing


def rate_headers(standing: Standing) -> list[tuple[str, str]]:
    """`anthropic-ratelimit-requests-limit: 60`, `-remaining: 59`, `-reset: 2026-03-01T09:31:00Z`; of tokens as well."""
    told = []
    for what, allowance in (("requests", standing.requests), ("tokens", standing.tokens)):
        if allowance is not None:
            told += [
                (f"anthropic-ratelimit-{what}-limit", str(allowance.limit)),
                (f"anthropic-ratelimit-{what}-remaining", str(allowance.remaining)),
                (f"anthropic-ratelimit-{what}-reset", _moment(standing.at, allowance.resets_s)),
            ]
    return told


def _moment(at: datetime, after_s: float) -> str:
    """The first whole second by then, as RFC 3339 writes it."""
    moment = at + timedelta(seconds=after_s, microseconds=999_999)
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
