from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.catalog.cost import checked, cost
from turnout.errors import ConfigError
from turnout.types.money import MILLION, Price
from turnout.types.usage import Usage

amounts = st.decimals(min_value=0, max_value=10_000, places=6)
counts = st.integers(min_value=0, max_value=10_000_000)
prices = st.builds(
    Price, input=amounts, output=amounts, cached_input=st.none() | amounts, cache_write=st.none() | amounts
)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    plain, cached, written, out = (draw(counts) for _ in range(4))
    reasoning = draw(st.integers(min_value=0, max_value=out))
    return Usage(
        input_tokens=plain + cached + written,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=out,
        reasoning_tokens=reasoning,
    )


def together(one: Usage, other: Usage) -> Usage:
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        cache_write_tokens=one.cache_write_tokens + other.cache_write_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
    )


def known(usage: Usage, price: Price) -> Decimal:
    amount = cost(usage, price)
    assert amount is not None
    return amount


@given(usages(), usages(), prices)
def test_two_attempts_cost_what_they_cost_apart(one: Usage, other: Usage, price: Price) -> None:
    assert known(together(one, other), price) == known(one, price) + known(other, price)


@given(usages(), usages(), prices)
def test_more_tokens_never_cost_less(less: Usage, more: Usage, price: Price) -> None:
    assert known(together(less, more), price) >= known(less, price)


@given(prices)
def test_no_tokens_cost_nothing(price: Price) -> None:
    assert known(Usage(), price) == 0


@given(usages(), prices)
def test_a_cost_is_exact_even_where_the_caller_rounds(usage: Usage, price: Price) -> None:
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    plain = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    parts = (
        (price.input, plain),
        (cached, usage.cached_tokens),
        (written, usage.cache_write_tokens),
        (price.output or Decimal(0), usage.output_tokens),
    )
    with localcontext(prec=3):
        got = known(usage, price)
    assert Fraction(got) == sum(Fraction(each) * count for each, count in parts) / Fraction(MILLION)


@given(usages(), prices)
def test_reasoning_is_paid_once_as_output(usage: Usage, price: Price) -> None:
    without = Usage(
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    assert known(usage, price) == known(without, price)


def test_what_is_kept_for_an_hour_has_its_own_price_if_there_is_one() -> None:
    usage = Usage(input_tokens=300, cache_write_tokens=300, cache_write_hour_tokens=100)
    one = Price(input=Decimal(1), output=Decimal(1), cache_write=Decimal(2))
    assert known(usage, one) == Decimal("0.0006")
    assert known(usage, msgspec.structs.replace(one, cache_write_hour=Decimal(5))) == Decimal("0.0009")


def test_an_unknown_price_gives_an_unknown_cost() -> None:
    assert cost(Usage(input_tokens=1), None) is None


def test_more_cached_than_input_tokens_owe_nobody_money() -> None:
    price = Price(input=Decimal(1), output=Decimal(1), cached_input=Decimal("0.1"))
    assert known(Usage(input_tokens=10, cached_tokens=20), price) == Decimal("0.000002")


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity", "sNaN"])
@pytest.mark.parametrize("part", ["input", "output", "cached_input", "cache_write"])
def test_a_price_that_is_no_amount_is_refused_with_its_key(part: str, amount: str) -> None:
    price = msgspec.structs.replace(Price(input=Decimal(1), output=Decimal(1)), **{part: Decimal(amount)})
    with pytest.raises(ConfigError) as refused:
        checked(price, key="targets.x.price")
    assert refused.value.key == f"targets.x.price.{part}"


def test_a_price_of_nothing_is_an_amount() -> None:
    free = Price(input=Decimal(0), output=Decimal(0))
    assert checked(free) is free


def test_a_model_without_a_price_for_output_costs_its_input_alone_and_is_unknown_where_it_wrote_something() -> None:
    price = Price(input=Decimal("0.02"), output=None)
    assert cost(Usage(input_tokens=1_000_000), price) == Decimal("0.02")
    assert cost(Usage(input_tokens=1, output_tokens=1), price) is None
