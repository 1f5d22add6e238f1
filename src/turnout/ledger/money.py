"""Amounts in the store: whole pico-USD (1e-12 USD), so that sums are exact and quick.

Prices are in USD per million tokens, mostly with up to six digits after the point, and a token at such a price costs a
whole number of pico-USD. A finer amount is rounded to the nearest one in the columns that are summed, while the
decision's own record keeps every digit. 64 bits hold 9.2 million USD.
"""

from __future__ import annotations

from decimal import Decimal
from typing import overload

_DIGITS = 12
MOST = (1 << 63) - 1
"""The largest amount, in pico-USD; larger ones count as this."""


@overload
def to_pico(usd: Decimal) -> int: ...
@overload
def to_pico(usd: Decimal | None) -> int | None: ...
def to_pico(usd: Decimal | None) -> int | None:
    """Whole pico-USD of an amount in USD; unknown stays unknown."""
    if usd is None:
        return None
    pico = round(usd.scaleb(_DIGITS))
    return pico if -MOST <= pico <= MOST else (MOST if pico > 0 else -MOST)


@overload
def to_usd(pico: int) -> Decimal: ...
@overload
def to_usd(pico: int | None) -> Decimal | None: ...
def to_usd(pico: int | None) -> Decimal | None:
    """The amount in USD, without trailing zeros."""
    if pico is None:
        return None
    usd = Decimal(pico).scaleb(-_DIGITS).normalize()
    return usd.quantize(Decimal(1)) if usd == usd.to_integral_value() else usd
