"""How a caller stands, in the headers in which OpenAI says it; those of the Responses API are the same."""

from __future__ import annotations

from typing import Final

from turnout.types.rate import Standing

_MINUTE_MS: Final = 60_000
_SECOND_MS: Final = 1000


def rate_headers(standing: Standing) -> list[tuple[str, str]]:
    """`x-ratelimit-limit-requests: 60`, `x-ratelimit-remaining-requests: 59`, `x-ratelimit-reset-requests: 1m1.5s`."""
    told = []
    for what, allowance in (("requests", standing.requests), ("tokens", standing.tokens)):
        if allowance is not None:
            told += [
                (f"x-ratelimit-limit-{what}", str(allowance.limit)),
                (f"x-ratelimit-remaining-{what}", str(allowance.remaining)),
                (f"x-ratelimit-reset-{what}", _duration(allowance.resets_s)),
            ]
    return told


def _duration(seconds: float) -> str:
    """As Go writes it: `120ms`, `1.5s`, `1m1.5s`."""
    minutes, rest = divmod(round(seconds * _SECOND_MS), _MINUTE_MS)
    if not minutes and 0 < rest < _SECOND_MS:
        return f"{rest}ms"
    told = f"{rest / _SECOND_MS:g}s"
    return f"{minutes}m{told}" if minutes else told
