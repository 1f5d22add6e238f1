"""What an attempt cost: exact, in USD."""

from __future__ import annotations

from decimal import Context, Decimal

from turnout.errors import ConfigError
from turnout.types.money import Price
from turnout.types.usage import Usage

# Wide enough for any product of a token count and a price to be exact, whatever the caller's own context.
_EXACT = Context(prec=60)
_NOTHING = Decimal(0)


def cost(usage: Usage, price: Price | None) -> Decimal | None:
    """What `usage` costs at `price`, in USD; None where the price is unknown.

    The parts of the prompt read from and written to the provider's cache are charged at their own prices, the rest
    at `input`. Reasoning tokens are output tokens and charged as such. `usage` is one call's, whose prompt's length
    decides the tier of a price that has some; for many calls together, give `Price.at` the length that they have.
    """
    price = price and price.at(usage.input_tokens)
    if price is None or (price.output is None and usage.output_tokens):
        return None
    cached, written = usage.cached_tokens, usage.cache_write_tokens
    total = _NOTHING if price.output is None else _EXACT.multiply(price.output, usage.output_tokens)
    # A provider that reports more cached than input tokens is not owed a negative amount.
    plain = max(usage.input_tokens - cached - written, 0)
    total = _EXACT.fma(price.input, plain, total)
    if cached:
        at = price.input if price.cached_input is None else price.cached_input
        total = _EXACT.fma(at, cached, total)
    if written:
        hour = min(usage.cache_write_hour_tokens, written)
        at = price.input if price.cache_write is None else price.cache_write
        total = _EXACT.fma(at, written - hour, total)
        total = _EXACT.fma(at if price.cache_write_hour is None else price.cache_write_hour, hour, total)
    return total.scaleb(-6, _EXACT)


def checked(price: Price, *, key: str | None = None) -> Price:
    """`price`, if every part of it is an amount.

    Args:
        price: a price as someone wrote it.
        key: the dotted path of the setting it comes from.

    Raises:
        ConfigError: a part is negative, infinite or not a number.
    """
    for part in ("input", "output", "cached_input", "cache_write", "cache_write_hour"):
        amount: Decimal | None = getattr(price, part)
        if amount is not None and not (amount.is_finite() and amount >= 0):
            raise ConfigError(
                f"a price of {amount} is no amount",
                fix="Give USD per million tokens, 0 or more; leave `price` out if it is unknown.",
                key=f"{key}.{part}" if key else part,
            )
    return price
