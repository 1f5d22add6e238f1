"""Why did the cost change between two periods? An exact decomposition into causes.

The cost of a period is a sum of products: requests × share of the tenant and route × share not served by a cache ×
share of the target × tokens × price of a token, and the same for what failed, was escalated or shadowed. Each product's
change is divided among its factors by their Shapley values: each factor gets the change that it makes, on average
over all orders in which the factors could have changed one after another. So no order is preferred, nothing is left
over, and a factor that has not changed gets nothing. (Shapley, "A Value for n-Person Games", 1953; for
decompositions: Shorrocks, "Decomposition procedures for distributional analysis", J. Econ. Inequality 11, 2013.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import factorial
from typing import Final, NamedTuple, TypeVar

import msgspec

from turnout.insight.spend import Period, Prices, Spend, Traffic, prices_of, traffic_of
from turnout.ledger.store import Store

VOLUME: Final = "volume"
MIX: Final = "mix of tenants and routes"
CACHE: Final = "response cache"
INPUT: Final = "length of input"
OUTPUT: Final = "length of output"
ROUTING: Final = "choice of target"
PRICE: Final = "prices"
CACHED_TOKENS: Final = "cached and other tokens"
FAILED: Final = "failed calls and fallbacks"
ESCALATED: Final = "escalations and judges"
SHADOWS: Final = "shadows"
CAUSES: Final = (VOLUME, MIX, INPUT, OUTPUT, ROUTING, PRICE, CACHED_TOKENS, FAILED, ESCALATED, SHADOWS, CACHE)

_PICO: Final = 10**12
T = TypeVar("T")


class Change(NamedTuple):
    """A factor of a product, in the one period and in the other."""

    cause: str
    before: Fraction
    after: Fraction


class Contribution(msgspec.Struct, frozen=True):
    """What one tenant, route and target contributes to a cause; the target is "" where it plays no part.

    Attributes:
        tenant, route, target: whose calls.
        usd: the change, in USD.
    """

    tenant: str
    route: str
    target: str
    usd: Decimal


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A change of cost, explained.

    Attributes:
        before, after: the two periods.
        cost_before, cost_after: what they cost, in USD: every call whose price is known.
        causes: the change that each cause made, in USD; together they are the whole change, exactly.
        contributions: of each cause the parts that it is made of, the largest first.
        unpriced_before, unpriced_after: calls of unknown price, which nothing here is about.
    """

    before: Period
    after: Period
    cost_before: Decimal
    cost_after: Decimal
    causes: dict[str, Decimal]
    contributions: dict[str, list[Contribution]]
    unpriced_before: int = 0
    unpriced_after: int = 0

    @property
    def change_usd(self) -> Decimal:
        """The whole change."""
        return self.cost_after - self.cost_before


def explain_change(store: Store, before: Period, after: Period) -> Explained:
    """Explain the change of cost from one period to another, both of whole days in UTC.

    Raises:
        LedgerError: the store cannot be read.
    """
    return compare(traffic_of(store, before), traffic_of(store, after), (before, after))


def compare(before: Traffic, after: Traffic, periods: tuple[Period, Period]) -> Explained:
    """Explain the change from one period's traffic to another's."""
    effects: dict[str, dict[tuple[str, str, str], Fraction]] = {cause: defaultdict(Fraction) for cause in CAUSES}
    for whose, product in _products(before, after):
        for cause, effect in shapley(product):
            effects[cause][whose] += effect
    cost_before, cost_after = (_usd(Fraction(each.cost, _PICO)) for each in (before, after))
    return Explained(
        before=periods[0],
        after=periods[1],
        cost_before=cost_before,
        cost_after=cost_after,
        causes=_rounded(
            {cause: sum(each.values(), Fraction(0)) for cause, each in effects.items()}, cost_after - cost_before
        ),
        contributions={cause: _largest(each) for cause, each in effects.items()},
        unpriced_before=before.unpriced,
        unpriced_after=after.unpriced,
    )


def shapley(product: Sequence[Change]) -> Iterator[tuple[str, Fraction]]:
    """What each factor contributes to the change of their product; together exactly that change.

    The marginal contributions of a factor to a product depend on which others have changed only through a product
    again, so their average over all orders is read off the coefficients of Π (before + after · x).
    """
    number = len(product)
    weights = [Fraction(factorial(k) * factorial(number - 1 - k), factorial(number)) for k in range(number)]
    for place, factor in enumerate(product):
        if factor.before == factor.after:
            continue
        coefficients = [Fraction(1)]
        for other in (*product[:place], *product[place + 1 :]):
            low = [each * other.before for each in coefficients] + [Fraction(0)]
            high = [Fraction(0)] + [each * other.after for each in coefficients]
            coefficients = [one + more for one, more in zip(low, high, strict=True)]
        average = sum((weight * each for weight, each in zip(weights, coefficients, strict=True)), Fraction(0))
        yield factor.cause, (factor.after - factor.before) * average


def _products(before: Traffic, after: Traffic) -> Iterator[tuple[tuple[str, str, str], list[Change]]]:
    """Every product that costs are sums of, and whose it is."""
    old_prices, new_prices = prices_of(before, after)
    prices = {target: _either(old_prices.get(target), new_prices.get(target)) for target in {*old_prices, *new_prices}}
    for tenant, route in sorted({*before.spends, *after.spends}):
        old, new = before.spends.get((tenant, route)), after.spends.get((tenant, route))
        asked = [
            Change(VOLUME, Fraction(before.requests), Fraction(after.requests)),
            Change(MIX, *_shares(old, before, new, after)),
        ]
        one, other = _either(old, new)
        for cause, kind in ((FAILED, "failed"), (ESCALATED, "escalated"), (SHADOWS, "shadow")):
            yield (tenant, route, ""), [*asked, Change(cause, one.per_request(kind), other.per_request(kind))]
        answered = [*asked, Change(CACHE, one.uncached, other.uncached)]
        for target in sorted({*one.answers, *other.answers}):
            chosen = [*answered, Change(ROUTING, one.chosen(target), other.chosen(target))]
            for part in _answer_parts(target, one, other, prices[target]):
                yield (tenant, route, target), [*chosen, *part]


def _answer_parts(target: str, one: Spend, other: Spend, price: tuple[Prices, Prices]) -> Iterator[list[Change]]:
    """What an answer costs, as products: input, output, and what prices of plain tokens do not explain."""
    old, new = (each.answers.get(target) for each in (one, other))
    first, last = _either(old, new)
    (old_price, new_price) = price
    yield [Change(INPUT, first.input, last.input), Change(PRICE, old_price.input, new_price.input)]
    yield [Change(OUTPUT, first.output, last.output), Change(PRICE, old_price.output, new_price.output)]
    yield [
        Change(CACHED_TOKENS, first.rest(old_price if old else new_price), last.rest(new_price if new else old_price))
    ]


def _either(old: T | None, new: T | None) -> tuple[T, T]:
    """Both; where one is missing it is as the other, so that its coming or going is a matter of shares alone."""
    found = old if old is not None else new
    if found is None:
        raise ValueError("neither period has it")
    return found, new if new is not None else found


def _shares(old: Spend | None, before: Traffic, new: Spend | None, after: Traffic) -> tuple[Fraction, Fraction]:
    """The share of the requests in each period; in one without any requests it is as in the other."""
    shares = [
        Fraction(spend.requests if spend else 0, traffic.requests) if traffic.requests else None
        for spend, traffic in ((old, before), (new, after))
    ]
    return _either(*shares)


def _rounded(effects: Mapping[str, Fraction], change: Decimal) -> dict[str, Decimal]:
    """In pico-USD; what rounding leaves over goes to the largest, so that the sum is the change to the last digit."""
    rounded = {cause: _usd(effect) for cause, effect in effects.items()}
    largest = max(rounded, key=lambda cause: abs(rounded[cause]))
    rounded[largest] += change - sum(rounded.values(), Decimal(0))
    return rounded


def _largest(effects: Mapping[tuple[str, str, str], Fraction]) -> list[Contribution]:
    found = [Contribution(*whose, _usd(effect)) for whose, effect in effects.items() if effect]
    return sorted(found, key=lambda each: (-abs(each.usd), each.tenant, each.route, each.target))


def _usd(amount: Fraction) -> Decimal:
    return Decimal(round(amount * _PICO)).scaleb(-12)
