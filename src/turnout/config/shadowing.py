"""Shadows, as a route writes them: `shadow: {share: 5%, to: [sonnet], daily_usd: 5}`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from turnout.config.policies import PolicySpec
from turnout.config.shares import ShareOfRequests
from turnout.config.values import Section


class ShadowConfig(Section):
    """A share of the requests is asked again of others, beside the answer that the caller gets, to compare them."""

    share: ShareOfRequests = Field(description="Of the route's requests that were answered, at random.")
    to: list[PolicySpec] = Field(min_length=1, description="Targets or policies; each is asked.")
    daily_usd: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] = Field(
        description="The most that it may cost in a day (UTC), in USD, over all processes of the data directory. What "
        "might exceed it is not asked."
    )
