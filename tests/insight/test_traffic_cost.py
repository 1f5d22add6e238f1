from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.insight.traffic_cost import Traffic, at_one_price, monthly_cost
from turnout.types.money import Price, Tier
from turnout.types.usage import Usage

SMALL = Price(input=Decimal("0.20"), output=Decimal("0.20"))
STRONG = Price(input=Decimal(3), output=Decimal(15))

counts = st.integers(min_value=1, max_value=1000)
samples = st.lists(
    st.builds(
        Traffic,
        name=st.text(max_size=5),
        requests=counts,
        usage=st.builds(Usage, input_tokens=counts, output_tokens=counts),
        price=st.sampled_from([SMALL, STRONG]),
    ),
    min_size=1,
    max_size=6,
)


def test_a_month_is_the_sample_scaled_to_its_tokens() -> None:
    usage = Usage(input_tokens=900_000, output_tokens=100_000)  # 2.70 + 1.50 USD for a million tokens
    month = monthly_cost([Traffic(name="all", requests=500, usage=usage, price=STRONG)], 50_000_000)
    assert month.usd == Decimal("6300.00")  # 4.20 USD × 50 × 30
    assert month.requests == 750_000


def test_many_short_prompts_are_no_long_one() -> None:
    tiered = Price(input=Decimal(3), output=Decimal(15), tiers=(Tier(200_000, Price(input=Decimal(6), output=None)),))
    usage = Usage(input_tokens=900_000, output_tokens=100_000)
    short, flat = (Traffic(name="all", requests=500, usage=usage, price=price) for price in (tiered, STRONG))
    assert monthly_cost([short], 50_000_000) == monthly_cost([flat], 50_000_000)


def test_shares_are_those_of_the_sample() -> None:
    cheap = Traffic(name="faq", requests=3, usage=Usage(input_tokens=200, output_tokens=100), price=SMALL)
    dear = Traffic(name="escalation", requests=1, usage=Usage(input_tokens=400, output_tokens=300), price=STRONG)
    faq, escalation = monthly_cost([cheap, dear], 1_000_000).parts
    assert (faq.request_share, escalation.request_share) == (0.75, 0.25)
    assert (faq.token_share, escalation.token_share) == (0.3, 0.7)


@given(samples, st.integers(min_value=1, max_value=10**9))
def test_the_total_is_the_sum_of_the_parts(sample: list[Traffic], tokens: int) -> None:
    month = monthly_cost(sample, tokens)
    assert month.usd == sum(part.usd for part in month.parts if part.usd is not None)


@given(samples, st.integers(min_value=1, max_value=10**9))
def test_the_dearest_target_for_everything_is_never_cheaper(sample: list[Traffic], tokens: int) -> None:
    routed = monthly_cost(sample, tokens).usd
    baseline = monthly_cost(at_one_price(sample, STRONG), tokens).usd
    assert routed is not None
    assert baseline is not None
    assert routed <= baseline


def test_an_unknown_price_makes_the_total_unknown() -> None:
    known = Traffic(name="a", requests=1, usage=Usage(input_tokens=1), price=SMALL)
    unknown = Traffic(name="b", requests=1, usage=Usage(input_tokens=1), price=None)
    month = monthly_cost([known, unknown], 1000)
    assert month.usd is None
    assert [part.usd is None for part in month.parts] == [False, True]


def test_a_sample_without_tokens_says_nothing() -> None:
    with pytest.raises(ValueError, match="without tokens"):
        monthly_cost([Traffic(name="a", requests=1, usage=Usage(), price=SMALL)], 1000)
