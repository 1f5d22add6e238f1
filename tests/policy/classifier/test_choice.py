"""The cheapest that will do is chosen, the dearer only for what it gains, and nothing where it is too near to call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.policy.classifier.choice import BestValue, Cheapest, Likeliest, Option


def options(*chances: float) -> list[Option]:
    """Targets, each ten times as dear as the one before."""
    return [Option(f"t{place}", chance, 0.001 * 10**place, 100.0) for place, chance in enumerate(chances)]


@pytest.mark.parametrize(
    ("chances", "chosen"),
    [
        ((0.9, 0.99), "t0"),  # the cheapest clears the bar
        ((0.5, 0.9), "t1"),
        ((0.5, 0.6, 0.9), "t2"),
        ((0.2, 0.21), "t0"),  # both will fail: the dearer buys nothing
        ((0.2, 0.6), "t1"),  # below the bar as well, and much likelier
        ((0.79, 0.95), None),  # so near to the bar that it might be over it
    ],
)
def test_the_cheapest_that_clears_the_bar(chances: tuple[float, ...], chosen: str | None) -> None:
    found = Cheapest(at_least=0.8, gain=0.1, margin=0.02).of(options(*chances))
    assert (found and found.name) == chosen


def test_without_a_bar_the_gain_alone_decides() -> None:
    by_gain = Cheapest(at_least=None, gain=0.2, margin=0.0)
    assert by_gain.of(options(0.95, 0.99)) == options(0.95)[0]
    assert by_gain.of(options(0.7, 0.95)) == options(0.7, 0.95)[1]


def test_the_best_value_is_worth_its_price_and_its_wait() -> None:
    cheap, dear = Option("cheap", 0.6, 0.001, 500.0), Option("dear", 0.9, 0.02, 3_000.0)
    assert BestValue(answer_usd=0.05, second_usd=0.0, margin=0.0).of([cheap, dear]) is cheap  # 0.029 against 0.025
    assert BestValue(answer_usd=0.10, second_usd=0.0, margin=0.0).of([cheap, dear]) is dear  # 0.059 against 0.070
    assert BestValue(answer_usd=0.10, second_usd=0.01, margin=0.0).of([cheap, dear]) is cheap  # 0.054 against 0.040
    assert BestValue(answer_usd=0.10, second_usd=0.0, margin=0.2).of([cheap, dear]) is None  # within two cents


def test_the_likeliest_category_must_be_likely_and_alone() -> None:
    choice = Likeliest(at_least=0.5, margin=0.1)
    assert choice.of([Option("faq", 0.7), Option("legal", 0.3)]) == Option("faq", 0.7)
    assert choice.of([Option("faq", 0.45), Option("legal", 0.3)]) is None
    assert choice.of([Option("faq", 0.52), Option("legal", 0.48)]) is None


CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=5)


@given(CHANCES, st.floats(0.01, 0.99), st.floats(0, 0.5))
def test_a_dearer_one_is_never_chosen_where_a_cheaper_one_is_as_likely(
    chances: list[float], at_least: float, gain: float
) -> None:
    listed = options(*chances)
    found = Cheapest(at_least, gain, margin=0.0).of(listed)
    assert found is not None
    cheaper = listed[: listed.index(found)]
    assert all(each.chance < found.chance or gain == 0 for each in cheaper)
    assert all(each.chance < at_least for each in cheaper)
