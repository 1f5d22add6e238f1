"""Prices and costs, in USD."""

from __future__ import annotations

from decimal import Decimal

import msgspec

MILLION = Decimal(1_000_000)


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a target charges, in USD per million tokens.

    Attributes:
        input: an ordinary input token's.
        output: an output token's, reasoning included; None if unknown, as for a model that only reads (embeddings).
        cached_input: an input token's that is read from the provider's cache; None means as `input`.
        cache_write: an input token's that is written to the provider's cache; None means as `input`.
        cache_write_hour: the same of one that is kept there for an hour; None means as `cache_write`.
        version: where the price comes from and since when ("genai-prices 2026-09-01", "config"); the record's
            `price_version`.
        tiers: what a long prompt costs instead, all of its tokens and the answer's, the shortest first.
    """

    input: Decimal
    output: Decimal | None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_hour: Decimal | None = None
    version: str = "config"
    tiers: tuple[Tier, ...] = ()

    def at(self, input_tokens: int) -> Price:
        """The price of a call whose prompt has so many tokens, cached ones included; it has no tiers any more."""
        if not self.tiers:
            return self
        reached = [tier.price for tier in self.tiers if input_tokens > tier.over]
        return reached[-1] if reached else msgspec.structs.replace(self, tiers=())


class Tier(msgspec.Struct, frozen=True):
    """The price of prompts of more than `over` tokens."""

    over: int
    price: Price
