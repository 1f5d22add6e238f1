"""Who pays: a tenant, what it may spend, and how fast it may ask."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

DEFAULT_TENANT = "default"
"""Whose account a request is on where no key names another."""


class Period(StrEnum):
    """How long a budget lasts before it begins anew."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What may be spent in a period.

    Attributes:
        name: what refusals, records and reports call it; unique in the configuration.
        usd: the most that may be spent in a period, in USD.
        per: how long the period is; it begins on the clock, in `timezone`.
        timezone: an IANA name.
        hard: whether a request that does not fit is refused; a soft budget is only counted and reported.
        of: what it is counted for: `tenant`, `user`, `project`, `route`, `provider`; each value has its own. `all`
            share one.
        only: the value that it holds for; None for every one.
        revenue: whether `usd` is not a bound, but what the tenant pays: it is counted for policies to read.
        alone: the share of `usd` that a process may let in while the shared counts cannot be reached; 0 refuses.
    """

    name: str
    usd: Decimal
    per: Period = Period.MONTH
    timezone: str = "UTC"
    hard: bool = True
    of: str = "tenant"
    only: str | None = None
    revenue: bool = False
    alone: float = 0.1


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a key or a tenant may ask; None is no limit.

    Attributes:
        requests_per_minute: requests.
        tokens_per_minute: tokens, of input and output.
        concurrent: requests under way at the same time.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """An account.

    Attributes:
        name: its name, as records and reports have it.
        tier: what it has bought, for rules; None where tiers are not used.
        tags: labels.
        budgets: what it may spend.
        limit: how fast it may ask, over all of its keys.
        routes: what its keys may ask for, as names and globs; empty for everything.
        revenue_usd: what it pays in a month, in USD; None where that is not told.
    """

    name: str
    tier: str | None = None
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    limit: RateLimit = RateLimit()
    routes: tuple[str, ...] = ()
    revenue_usd: Decimal | None = None
