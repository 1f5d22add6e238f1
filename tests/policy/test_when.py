"""Every condition says whether it holds and because of what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.policy.deciding import a_context, drive, proposed, single
from turnout.policy.rules import Rule, Rules
from turnout.policy.when import ALWAYS, AllOf, AnyOf, Condition, Header, HourIn, Matches, Named, Not, Within
from turnout.types.candidate import Considered, Declined
from turnout.types.request import Caller

CONTEXT = a_context(
    tokens=240,
    images=1,
    language="de",
    matches={"faq": "opening hours"},
    now=datetime(2026, 7, 1, 21, 30, tzinfo=UTC),
    caller=Caller(source="checkout-web", headers={"x-team": "growth"}, latency_budget_s=0.8),
)


@pytest.mark.parametrize(
    ("condition", "holds", "because"),
    [
        (Within("tokens", high=200), False, "tokens 240 > max 200"),
        (Within("tokens", high=240), True, "tokens 240 ≤ max 240"),
        (Within("tokens", low=241), False, "tokens 240 < min 241"),
        (Within("tokens", low=100), True, "tokens 240 ≥ min 100"),
        (Within("images", low=1), True, "images 1 ≥ min 1"),
        (Within("tools", low=1), False, "tools 0 < min 1"),
        (Within("latency_budget", high=1.0), True, "latency_budget 0.8 ≤ max 1"),
        (Matches(("faq",)), True, "matches faq: 'opening hours'"),
        (Matches(("complex", "faq")), True, "matches faq: 'opening hours'"),
        (Matches(("complex", "legal")), False, "matches no phrase of complex or legal"),
        (Named("source", ("checkout-*",)), True, "source is checkout-web"),
        (Named("source", ("checkout",)), False, "source checkout-web is not checkout"),
        (Named("user", ("*",)), False, "no user"),
        (Named("tenant", ("default",)), True, "tenant is default"),
        (Named("language", ("en", "de")), True, "language is de"),
        (Header("x-team", ("gro*",)), True, "header x-team is gro*"),
        (Header("x-team", ("infra",)), False, "header x-team is not infra"),
        (Header("x-none", ("*",)), False, "no header x-none"),
        (HourIn(frozenset({21}), said="21"), True, "hour 21 UTC is in 21"),
        (HourIn(frozenset({21}), "Europe/Berlin", "21"), False, "hour 23 Europe/Berlin is not in 21"),
        (Not(Matches(("faq",))), False, "matches faq: 'opening hours'"),
        (
            AllOf((Within("tokens", high=300), Not(Matches(("x",))))),
            True,
            "tokens 240 ≤ max 300; matches no phrase of x",
        ),
        (AllOf((Within("tokens", high=200), Matches(("faq",)))), False, "tokens 240 > max 200"),
        (AnyOf((Within("tokens", high=200), Matches(("faq",)))), True, "matches faq: 'opening hours'"),
        (AnyOf((Within("tokens", high=200), Named("user", ("x",)))), False, "tokens 240 > max 200; no user"),
        (ALWAYS, True, "no condition"),
    ],
)
def test_a_verdict_states_the_fact_that_it_rests_on(condition: Condition, holds: bool, because: str) -> None:
    assert condition.judge(CONTEXT) == (holds, because)
    assert Not(condition).judge(CONTEXT)[0] is not holds


def test_any_of_nothing_never_holds() -> None:
    assert AnyOf(()).judge(CONTEXT)[0] is False


def test_a_latency_budget_that_nobody_gave_is_in_no_range() -> None:
    assert Within("latency_budget", low=0).judge(a_context()) == (False, "no latency_budget")


def test_a_headers_value_is_never_repeated() -> None:
    secret = a_context(caller=Caller(headers={"x-session": "s3cret"}))
    for condition in (Header("x-session", ("other",)), Header("x-session", ("s3*",))):
        assert "s3cret" not in condition.judge(secret)[1]


def test_rules_show_each_verdict_up_to_the_first_that_holds() -> None:
    rules = Rules(
        (
            Rule("long", single("a"), Within("tokens", low=1_000)),
            Rule("faq", single("b"), Matches(("faq",))),
            Rule("rest", single("c")),
        )
    )
    steps, _ = drive(rules, CONTEXT)
    assert steps[:2] == [
        Considered("long", False, "tokens 240 < min 1000"),
        Considered("faq", True, "matches faq: 'opening hours'"),
    ]
    assert proposed(steps) == ["b"]


def test_where_no_rule_holds_the_policy_declines() -> None:
    steps, accepted = drive(Rules((Rule("x", single("a"), Matches(("none",))),)), CONTEXT)
    assert steps[-1] == Declined("rules", "no_rule_holds")
    assert accepted is None
