"""What a route is written as, and what it decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.config.configs import loaded
from tests.policy.deciding import a_context, a_target, drive, proposed
from turnout.config.compile import RouteTable, compile_routes
from turnout.config.conditions import parse_hours
from turnout.errors import ConfigErrors
from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.types.candidate import Candidate, Considered
from turnout.types.request import Caller
from turnout.types.target import Target
from turnout.types.timeouts import Commit

TARGETS = ("sonnet", "haiku", "gpt-4o")


def route_of(routes: str, name: str = "r") -> Route:
    found = compile_routes(loaded(routes)).find(name)
    assert found is not None
    return found


def candidates(routes: str, context: Context | None = None) -> list[Candidate]:
    steps, _ = drive(route_of(routes).policy, context or a_context(targets=TARGETS))
    return [step for step in steps if isinstance(step, Candidate)]


def test_a_name_is_one_target() -> None:
    assert candidates("r: {policy: haiku}") == [Candidate(target="haiku", reason="single")]


@pytest.mark.parametrize(
    "policy", ["[haiku, gpt-4o]", "{fallback: [haiku, gpt-4o]}", "[[haiku], {fallback: [gpt-4o]}]"]
)
def test_a_list_is_a_chain_that_says_whether_more_may_follow(policy: str) -> None:
    assert candidates(f"r: {{policy: {policy}}}") == [
        Candidate(target="haiku", reason="primary", more=True),
        Candidate(target="gpt-4o", reason="fallback:1"),
    ]


def test_reasons_tell_the_way_through_nested_policies() -> None:
    routes = """\
        r:
          policy:
            - rules:
                - name: split
                  use: {weighted: [{use: [haiku, sonnet], weight: 1}]}
            - gpt-4o
    """
    assert [each.rule for each in candidates(routes)] == ["split", "split", None]
    assert [(each.target, each.reason, each.more) for each in candidates(routes)] == [
        ("haiku", "primary/rule:split/weighted:1", True),
        ("sonnet", "primary/rule:split/weighted:1/fallback:1", True),
        ("gpt-4o", "fallback:1", False),
    ]


def test_a_rule_and_a_share_are_named_in_the_reason() -> None:
    (faq,) = candidates("r: {policy: {rules: [{name: faq/1, use: haiku}]}}")
    assert (faq.reason, faq.rule) == ("rule:faq/1", "faq/1")
    weighted = "r: {policy: {weighted: [{use: haiku, weight: 3}, {use: gpt-4o, weight: 7}]}}"
    assert candidates(weighted)[0].reason in {"weighted:0.3", "weighted:0.7"}


def test_what_is_explored_is_followed_by_the_policy_and_says_so() -> None:
    explore = "r: {policy: {explore: {share: 1, among: [sonnet], use: [haiku, gpt-4o]}}}"
    assert [(each.target, each.reason, each.more) for each in candidates(explore)] == [
        ("sonnet", "explore", True),
        ("haiku", "primary", True),
        ("gpt-4o", "fallback:1", False),
    ]


def chosen(when: str, context: Context) -> bool:
    routes = f"""\
        r:
          lists: {{faq: [hours], complex: [legal]}}
          policy: {{rules: [{{name: it, when: {{{when}}}, use: haiku}}, {{name: rest, use: gpt-4o}}]}}
    """
    steps, _ = drive(route_of(routes).policy, context)
    return next(step for step in steps if isinstance(step, Considered)).chosen


def at(hour: int) -> datetime:
    return datetime(2026, 1, 15, hour, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "fits", "does_not"),
    [
        ("tokens: {max: 5}", {"tokens": 5}, {"tokens": 6}),
        ("chars: {min: 5, max: 6}", {"chars": 6}, {"chars": 7}),
        ("turns: {min: 2}", {"turns": 2}, {"turns": 1}),
        ("context_tokens: {min: 100}", {"context_tokens": 100}, {"context_tokens": 99}),
        ("matches: faq", {"matches": {"faq": "hours"}}, {"matches": {"complex": "legal"}}),
        ("matches: [faq, complex]", {"matches": {"complex": "legal"}}, {}),
        ("matches: faq, not: {matches: complex}", {"matches": {"faq": "x"}}, {"matches": {"faq": "x", "complex": "y"}}),
        ("source: 'web-*'", {"caller": Caller(source="web-shop")}, {"caller": Caller(source="app")}),
        ("user: [ann, bob]", {"caller": Caller(user="bob")}, {"caller": Caller(user="eve")}),
        ("tenant: default", {}, {"caller": Caller(tenant="other")}),
        ("tools: true", {"tools": 1}, {"tools": 0}),
        ("tools: false", {"tools": 0}, {"tools": 1}),
        ("images: {max: 2}", {"images": 2}, {"images": 3}),
        ("language: [de, fr]", {"language": "fr"}, {"language": None}),
        ("header: {X-Team: 'gro*'}", {"caller": Caller(headers={"x-team": "growth"})}, {"caller": Caller()}),
        ("latency_budget: {max: 800ms}", {"caller": Caller(latency_budget_s=0.8)}, {"caller": Caller()}),
        ("hour: 22-6", {"now": at(5)}, {"now": at(6)}),
        ("hour: [9-12, 13]", {"now": at(13)}, {"now": at(12)}),
        ("hour: {in: 9-17, timezone: Europe/Berlin}", {"now": at(8)}, {"now": at(16)}),
        ("any: [{tools: true}, {images: true}]", {"images": 1}, {}),
        ("all: [{tools: true}, {images: true}]", {"images": 1, "tools": 1}, {"images": 1}),
        ("not: {tools: true, images: true}", {"tools": 1}, {"tools": 1, "images": 1}),
    ],
)
def test_each_condition_holds_of_what_it_says(
    when: str, fits: dict, does_not: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The language itself is a feature here; the model that tells it is an extra.
    monkeypatch.setattr("turnout.config.compile.load_language_model", lambda: None)
    assert chosen(when, a_context(targets=TARGETS, **fits))
    assert not chosen(when, a_context(targets=TARGETS, **does_not))


@given(st.integers(0, 23), st.integers(0, 24))
def test_a_range_of_hours_starts_at_its_start_and_ends_before_its_end(first: int, end: int) -> None:
    assume(first != end)
    hours: set[int] = set()
    clock = datetime(2026, 1, 1, first, tzinfo=UTC)
    while not hours or clock.hour != end % 24:
        hours.add(clock.hour)
        clock += timedelta(hours=1)
    assert parse_hours([f"{first}-{end}"]) == hours


@pytest.mark.parametrize(
    ("written", "commit"),
    [("first_token", Commit(1)), ("finish", Commit(None)), ("{tokens: 40}", Commit(40))],
)
def test_the_commit_point_is_what_is_written(written: str, commit: Commit) -> None:
    assert route_of(f"r: {{policy: haiku, commit: {written}}}").commit == commit


def test_filters_stand_around_every_route() -> None:
    lacking: list[Target | str] = [a_target("sonnet", lacks=frozenset({"tools"})), "haiku", "gpt-4o"]
    context = a_context(targets=lacking, needs=("tools",))
    assert proposed(drive(route_of("r: {policy: [sonnet, haiku]}").policy, context)[0]) == ["haiku"]


def test_a_calibration_that_is_not_there_is_told_with_its_line() -> None:
    routes = """\
        a: {policy: haiku}
        b:
          policy:
            rules:
              - name: hard
                use: {cascade: [{use: haiku, accept: {confidence: 0.85, by: none.json}}, {use: sonnet}]}
    """
    config = loaded(routes)
    with pytest.raises(ConfigErrors) as raised:
        compile_routes(config)
    (error,) = raised.value.errors
    assert (error.line, error.key) == (14, "routes.b.policy.rules.0.use.cascade.0.accept.by")
    assert "none.json" in str(error)


def names_found(table: RouteTable, *asked: str) -> list[str | None]:
    return [route.name if (route := table.find(name)) else None for name in asked]


def test_exact_names_come_before_patterns_and_the_more_particular_pattern_first() -> None:
    table = compile_routes(
        loaded(
            """\
            "*-latest": {policy: haiku}
            "gpt-*": {policy: gpt-4o}
            "gpt-4*": {policy: [gpt-4o, sonnet]}
            gpt-4.1: {policy: sonnet}
            """
        )
    )
    asked = ("gpt-4.1", "gpt-4.1-mini", "gpt-3", "claude-latest", "sonnet", "gpt-4o", "nothing", "GPT-3")
    expected = ["gpt-4.1", "gpt-4*", "gpt-*", "*-latest", "sonnet", "gpt-4*", None, None]
    assert names_found(table, *asked) == expected
    assert table.names() == ("gpt-4.1", "sonnet", "haiku", "gpt-4o")


def test_a_targets_own_name_is_a_route_of_that_target() -> None:
    route = compile_routes(loaded("r: {policy: haiku}")).find("sonnet")
    assert route is not None
    assert route.policy.targets == ("sonnet",)
