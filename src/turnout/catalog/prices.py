"""What models charge, and since when: the dated price list that the `genai-prices` package ships.

The list is read from the installed package and never fetched: a price changes when its pin does, and the record
names the version it was computed with.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import msgspec

from turnout.types.money import Price, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genai_prices.types import (
        ConditionalPrice,
        ModelInfo,
        ModelPrice,
        Provider,
        StartDateConstraint,
        TieredPrices,
        TimeOfDateConstraint,
    )

_TOKENS = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok")


class DatedPrice(msgspec.Struct, frozen=True):
    """A price (None if unknown) and when it holds: from a day on, or between two times of day; else always."""

    price: Price | None
    limit: StartDateConstraint | TimeOfDateConstraint | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it is the price at that moment."""
        return self.limit is None or self.limit.active(at)


def price_of(provider: str, model: str, at: datetime) -> Price | None:
    """What `model` charged at `provider` at that moment, in USD per million tokens.

    Names are matched as leniently as genai-prices does: case, dated and `-latest` suffixes, aliases. Where a price
    rises with the length of the prompt, it has tiers, whose `version` says from which length on; where a call costs a
    fee on top of its tokens, it says "without the fee per request".

    Args:
        provider: the price list's own key of the provider (`KnownProvider.price_provider`).
        model: the provider's name of the model.
        at: the moment of the call, aware.

    Returns:
        The price, or None if the list has none for it: then the cost is unknown, which is not the same as 0.
    """
    prices = dated_prices(provider, model)
    for dated in reversed(prices):  # the list goes from the oldest to the newest
        if dated.holds(at):
            return dated.price
    return prices[0].price if prices else None


@lru_cache(maxsize=4096)
def dated_prices(provider: str, model: str) -> tuple[DatedPrice, ...]:
    """Every price of a model, oldest first; none if it, or its provider, is not on the list.

    Kept for the names asked for most recently: a caller chooses the name where a target passes it on.
    """
    info = find_model(provider, model)
    if info is None:
        return ()
    return tuple(DatedPrice(_price(row.prices, row.constraint), row.constraint) for row in _rows(info))


def find_model(provider: str, model: str) -> ModelInfo | None:
    """The list's entry of a model, where it has one."""
    found = _providers().get(provider)
    # `Provider.find_model` and not the package's own look-up, which remembers every name it is ever asked for.
    return found.find_model(model, all_providers=list(_providers().values())) if found else None


def listed_providers() -> frozenset[str]:
    """The keys that `price_of` knows."""
    return frozenset(_providers())


@cache
def _providers() -> dict[str, Provider]:
    # Imported when the first price is wanted: it takes longer than all of turnout.
    from genai_prices.data_snapshot import get_snapshot

    return {provider.id: provider for provider in get_snapshot().providers}


def _rows(info: ModelInfo) -> Sequence[ConditionalPrice]:
    from genai_prices.types import ConditionalPrice

    return info.prices if isinstance(info.prices, list) else [ConditionalPrice(prices=info.prices)]


def _price(prices: ModelPrice, limit: StartDateConstraint | TimeOfDateConstraint | None) -> Price | None:
    given: dict[str, Any] = {name: value for name, value in vars(prices).items() if value is not None}
    notes = [_since(limit)] + (["without the fee per request"] if "requests_kcount" in given else [])
    starts = sorted({tier.start for name in _TOKENS for tier in getattr(given.get(name), "tiers", ())})
    longer = [(start, _flat(given, start, [*notes, f"over {start} input tokens"])) for start in starts]
    short = _flat(given, None, notes)
    tiers = tuple(Tier(start, price) for start, price in longer if price is not None)
    return short and msgspec.structs.replace(short, tiers=tiers)


def _flat(given: dict[str, Any], start: int | None, notes: list[str]) -> Price | None:
    """The price of prompts that are longer than `start` tokens, and no longer than the next tier's."""
    read, cached, written, hour, out = (_amount(given.get(name), start) for name in _TOKENS)
    if read is None:
        return None
    version = ", ".join(notes)
    return Price(
        input=read, output=out, cached_input=cached, cache_write=written, cache_write_hour=hour, version=version
    )


def _amount(price: Decimal | TieredPrices | None, start: int | None) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if start is not None and tier.start <= start]
    return reached[-1] if reached else price.base


def _since(limit: StartDateConstraint | TimeOfDateConstraint | None) -> str:
    since: date | None = getattr(limit, "start_date", None)
    return f"genai-prices {metadata.version('genai-prices')}" + (f" since {since}" if since else "")
