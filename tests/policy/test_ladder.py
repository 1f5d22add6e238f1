"""Down the ladder: which step holds, by what was spent, by pace, by margin; and what is said where nobody is called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import NOON, a_context, drive, proposed, single
from turnout.policy.base import Context
from turnout.policy.ladder import From, Ladder, Rung
from turnout.types.candidate import Considered
from turnout.types.spend import BudgetState, Refusal, Refused

BEGAN = datetime(2026, 2, 19, 12, tzinfo=UTC)  # ten days before NOON
LADDER = Ladder(
    (
        Rung(single("a")),
        Rung(single("b"), From(used=0.5, pace=2.0, margin=0.3)),
        Rung(single("c"), From(used=0.8)),
        Rung(None, From(used=1.0), remembered=True),
    )
)


def state(used: float, **fields: Any) -> BudgetState:
    whole = {"budget": "acme/tenant-month", "subject": "acme", "per": "month", "usd": Decimal(100), **fields}
    return BudgetState(spent_usd=Decimal(str(used)) * 100, **whole)


def month(days: int) -> dict[str, Any]:
    """A period that began ten days ago and has so many days."""
    return {"began": BEGAN, "resets": BEGAN + timedelta(days=days)}


def asked(*states: BudgetState) -> Context:
    context = a_context(targets=("a", "b", "c"), now=NOON)
    context.conditions.budgets.update((each.budget, each) for each in states)
    return context


def first(*states: BudgetState, ladder: Ladder = LADDER) -> str | None:
    order = proposed(drive(ladder, asked(*states))[0])
    return order[0] if order else None


@pytest.mark.parametrize(
    ("used", "target"), [(0.0, "a"), (0.49, "a"), (0.5, "b"), (0.8, "c"), (1.0, None), (1.7, None)]
)
def test_the_last_step_that_is_reached_decides(used: float, target: str | None) -> None:
    assert first(state(used)) == target


def test_ahead_of_pace_is_a_reason_too_but_not_in_the_first_hours() -> None:
    assert first(state(0.3, **month(days=100))) == "b", "a tenth of the time, three tenths of the money"
    assert first(state(0.15, **month(days=100))) == "a"
    young = {"began": NOON - timedelta(hours=1), "resets": NOON + timedelta(days=30)}
    assert first(state(0.05, **young)) == "a", "an hour says nothing of a month"


def test_a_margin_below_the_floor_is_a_reason_too() -> None:
    calm = state(0.0)
    revenue = {"budget": "acme/revenue", "revenue": True, "hard": False, **month(days=20)}
    assert first(calm, state(0.34, **revenue)) == "a", "half of the month, 34 of 50 USD"
    assert first(calm, state(0.36, **revenue)) == "b"
    assert first(state(0.99, **revenue)) == "b", "revenue is no budget that is used up"


def test_who_gets_nobody_is_told_by_which_budget_and_until_when() -> None:
    steps, kept = drive(LADDER, asked(state(1.2, **month(days=20))))
    assert kept is None
    assert steps[-1] == Refusal(
        reason=Refused.LADDER, budget="acme/tenant-month", resets=BEGAN + timedelta(days=20), remembered=True
    )


def test_each_step_says_why() -> None:
    steps, _ = drive(LADDER, asked(state(0.83)))
    assert [step for step in steps if isinstance(step, Considered)] == [
        Considered("step 1", chosen=False, because="acme/tenant-month 83% used"),
        Considered("step 2", chosen=False, because="acme/tenant-month is 83% used, from 50%"),
        Considered("step 3", chosen=True, because="acme/tenant-month is 83% used, from 80%"),
        Considered("step 4", chosen=False, because="not reached"),
    ]


def test_without_any_budget_all_is_well_and_of_several_the_furthest_counts_unless_one_is_named() -> None:
    assert first() == "a"
    other = state(0.9, budget="acme/user-day")
    assert first(state(0.1), other) == "c"
    assert first(state(0.1), other, ladder=Ladder(LADDER.rungs, budget="acme/tenant-month")) == "a"


@given(st.lists(st.floats(0, 2), min_size=1, max_size=3), st.floats(0, 0.5))
def test_whoever_has_spent_more_is_never_on_a_higher_step(used: list[float], more: float) -> None:
    def step(spent: list[float]) -> int:
        steps, _ = drive(LADDER, asked(*(state(round(each, 4), budget=f"b{n}") for n, each in enumerate(spent))))
        return next(n for n, each in enumerate(s for s in steps if isinstance(s, Considered)) if each.chosen)

    assert step([each + more for each in used]) >= step(used)
