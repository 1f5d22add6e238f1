"""Rate limits, as a configuration writes them: `limit: {requests_per_minute: 600}`."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from turnout.config.values import Section
from turnout.types.tenant import RateLimit

_MOST: Final = 1_000_000_000_000


class RateLimitConfig(Section):
    """How fast somebody may ask. What is left out is not limited."""

    requests_per_minute: int | None = Field(None, gt=0, le=_MOST, description="Requests in a minute.")
    tokens_per_minute: int | None = Field(
        None, gt=0, le=_MOST, description="Tokens in a minute, of input and output together."
    )
    concurrent: int | None = Field(None, gt=0, le=_MOST, description="Requests under way at a time.")

    def limit(self) -> RateLimit:
        """What it means."""
        return RateLimit(
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            concurrent=self.concurrent,
        )
