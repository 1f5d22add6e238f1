"""What a month of traffic costs, reckoned from a sample of it and from prices."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from turnout.catalog.cost import cost
from turnout.types.money import Price
from turnout.types.usage import Usage

_CENT = Decimal("0.01")


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request in a sample: those that one rule sent to one target.

    Attributes:
        name: what to call it; the rule's name, mostly.
        requests: how many there are in the sample.
        usage: the tokens of all of them together.
        price: what their target charges; None if unknown.
    """

    name: str
    requests: int
    usage: Usage
    price: Price | None


class CostPart(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request in a month.

    Attributes:
        name: as in `Traffic`.
        request_share: its share of the requests, 0 to 1.
        token_share: its share of the tokens, 0 to 1.
        requests: how many a month has.
        usd: what they cost, in USD; None if the price is unknown.
    """

    name: str
    request_share: float
    token_share: float
    requests: int
    usd: Decimal | None


class MonthlyCost(msgspec.Struct, frozen=True, kw_only=True):
    """A month, as the sum of its parts; `usd` is None where any part's is."""

    parts: tuple[CostPart, ...]
    requests: int
    usd: Decimal | None


def monthly_cost(sample: Sequence[Traffic], tokens_per_day: int, *, days: int = 30) -> MonthlyCost:
    """What `days` days of traffic like the sample cost, at `tokens_per_day` tokens of input and output together.

    The sample is scaled as a whole: cost(month) = cost(sample) × tokens(month) / tokens(sample), part by part.
    Each part is rounded to a cent, and the total is the sum of what is shown.

    Raises:
        ValueError: the sample has no tokens, so that nothing follows from it.
    """
    sampled_tokens = sum(_tokens(kind.usage) for kind in sample)
    if not sampled_tokens:
        raise ValueError("a sample without tokens says nothing about a month")
    scale = Fraction(tokens_per_day * days, sampled_tokens)
    sampled_requests = sum(kind.requests for kind in sample) or 1
    parts = tuple(
        CostPart(
            name=kind.name,
            request_share=kind.requests / sampled_requests,
            token_share=_tokens(kind.usage) / sampled_tokens,
            requests=round(kind.requests * scale),
            usd=_scaled(cost(kind.usage, _usual(kind)), scale),
        )
        for kind in sample
    )
    known = [part.usd for part in parts if part.usd is not None]
    total = sum(known, Decimal(0)) if len(known) == len(parts) else None
    return MonthlyCost(parts=parts, requests=sum(part.requests for part in parts), usd=total)


def at_one_price(sample: Sequence[Traffic], price: Price | None) -> tuple[Traffic, ...]:
    """The same traffic with every request sent to one target: the baseline to measure savings against."""
    return tuple(msgspec.structs.replace(kind, price=price) for kind in sample)


def _usual(kind: Traffic) -> Price | None:
    """The price of a prompt of the mean length, where long ones cost more."""
    return kind.price and kind.price.at(kind.usage.input_tokens // max(kind.requests, 1))


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens


def _scaled(usd: Decimal | None, scale: Fraction) -> Decimal | None:
    if usd is None:
        return None
    exact = Fraction(usd) * scale
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_CENT)
