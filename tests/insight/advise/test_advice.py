"""Advice follows from facts alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.insight.advise.advice import Advice, Verdict, advise
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.change import changes
from turnout.insight.advise.fact import Fact, Facts
from turnout.insight.advise.figures import read_range
from turnout.insight.advise.prices import Pair, priced
from turnout.insight.advise.reckoning import completed, split
from turnout.insight.advise.table import Approach
from turnout.insight.advise.traffic import gini

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PAIR = Pair(priced("3/15", NOW), priced("0.80/4", NOW))
ORDER = list(Verdict)
SHARES = st.floats(0, 1)


def facts(**known: float | None) -> Facts:
    return Facts(known={name: Fact(value=value) for name, value in known.items() if value is not None})


def advised(**known: float | None) -> Advice:
    return advise(facts(**known), Assumptions(), PAIR)


@given(
    tokens=st.floats(1, 1e10),
    more=st.floats(1, 1e3),
    share=st.none() | SHARES,
    critical=st.none() | SHARES,
    budget=st.none() | st.floats(1, 1e6),
    changes=st.none() | st.floats(0, 5),
    dimensions=st.none() | st.integers(1, 3),
)
def test_more_tokens_never_ask_for_less_routing(
    tokens: float, more: float, share: float, critical: float, budget: float, changes: float, dimensions: int
) -> None:
    others = {"cheaper_share": share, "latency_share": critical, "budget_per_month": budget}
    others |= {"rule_changes": changes, "dimensions": dimensions}
    less, most = advised(tokens_per_day=tokens, **others), advised(tokens_per_day=tokens * more, **others)
    assert ORDER.index(less.verdict) <= ORDER.index(most.verdict)


@given(share=SHARES, ratio=SHARES)
def test_a_cascade_loses_money_exactly_where_more_escalate_than_the_cheaper_target_spares(
    share: float, ratio: float
) -> None:
    known = completed(facts(cheaper_share=share, cheap_cost=ratio), Assumptions(), PAIR)
    found = split(Approach.CASCADE, known, Assumptions())
    assert found is not None
    assert (found.saving.value < 0) == (found.cheap.value < ratio)


def test_traffic_that_nobody_knows_is_observed() -> None:
    found = advised(cheaper_share=0.9)
    assert found.verdict is Verdict.UNKNOWN
    assert found.recommended.approach is Approach.OBSERVE


def test_a_fallback_chain_goes_on_top_of_what_pays() -> None:
    found = advised(tokens_per_day=60e6, cheaper_share=0.9, outage_critical=1)
    assert found.approaches == (Approach.CASCADE, Approach.FALLBACK)


def test_what_changes_the_answer_does_change_it() -> None:
    given_facts = facts(tokens_per_day=20e6, cheaper_share=0.8)
    advice = advise(given_facts, Assumptions(), PAIR)
    found = changes(given_facts, Assumptions(), PAIR, advice)
    assert {"tokens_per_day", "cheaper_share", "outage_critical"} <= {each.fact for each in found}
    for each in found:
        other = advise(given_facts.but(**{each.fact: Fact(value=each.value)}), Assumptions(), PAIR)
        assert other.approaches != advice.approaches


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("50M", (None, 5e7, None)),
        ("yes", (None, 1.0, None)),
        ("82%", (None, 0.82, None)),
        ("$1,200", (None, 1200.0, None)),
        ("0.5..0.7", (0.5, pytest.approx(0.6), 0.7)),
        ("1..2..4", (1.0, 2.0, 4.0)),
    ],
)
def test_figures_are_read_as_people_write_them(text: str, found: tuple[float | None, float, float | None]) -> None:
    assert read_range(text) == found


def test_an_interval_the_wrong_way_round_is_none() -> None:
    with pytest.raises(ValueError, match="no interval"):
        read_range("3..2")


def test_one_tenant_that_has_all_is_as_unequal_as_can_be() -> None:
    assert gini([1, 1, 1, 1]) == 0
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)
    assert gini([0, 0]) == 0
