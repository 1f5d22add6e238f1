"""What the pages draw and write: policies as trees, calls to scale, periods, amounts and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest

from tests.config.configs import loaded
from tests.ledger import samples
from tests.policy.deciding import a_context
from turnout.config.compile_policy import Place, compile_policy
from turnout.config.policies import CascadeSpec
from turnout.config.schema import RouteConfig
from turnout.dashboard import words
from turnout.dashboard.diagram import draw
from turnout.dashboard.period import HOUR, Period, month
from turnout.dashboard.policy_tree import Node, policy_tree
from turnout.dashboard.story import story
from turnout.dashboard.tenants import forecast
from turnout.insight.amount_words import milliseconds, usd
from turnout.insight.drop_words import drop_words
from turnout.policy.walk import walk
from turnout.types.candidate import Candidate

POLICIES = [
    "{cascade: [{use: [haiku, sonnet], accept: {confidence: 0.8}}, {use: gpt-4o}]}",
    "sonnet",
    "[sonnet, haiku]",
    "{fallback: [sonnet, [haiku, gpt-4o]]}",
    "{rules: [{name: short, when: {tokens: {max: 9}}, use: [haiku, sonnet]}, {name: rest, use: gpt-4o}]}",
    "{weighted: [{use: [haiku, sonnet], weight: 7}, {use: [sonnet, haiku], weight: 3}]}",
    "[{weighted: [{use: haiku, weight: 1}, {use: sonnet, weight: 2}]}, gpt-4o]",
    (
        "{rules: [{name: a, when: {tokens: {min: 5}}, use: {weighted: [{use: [haiku, sonnet], weight: 1}]}}, "
        "{name: b, use: {rules: [{name: c, use: [gpt-4o, haiku]}]}}]}"
    ),
]


def a_route(policy: str) -> RouteConfig:
    return loaded(f"r: {{policy: {policy}}}").config.routes["r"]


def leaves(node: Node) -> list[Node]:
    return [node] if not node.children else [leaf for child in node.children for leaf in leaves(child)]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_way_that_a_policy_goes_is_in_its_tree(policy: str) -> None:
    """The tree names reasons as the compiled policy does: of each candidate it finds the branch, and counts it once."""
    route = a_route(policy)
    compiled = compile_policy(route.policy, Place("routes.r.policy"))
    contexts = [
        a_context(targets=("sonnet", "haiku", "gpt-4o"), draw=draw, tokens=tokens)
        for draw in (0.05, 0.35, 0.65, 0.95)
        for tokens in (3, 30)
    ]
    ways = {
        (step.reason, step.target)
        for context in contexts
        for step in walk(compiled, context)
        if isinstance(step, Candidate)
    }
    tree = policy_tree("r", route, dict.fromkeys(ways, 10))
    found = [leaf for leaf in leaves(tree) if leaf.requests]
    assert len(found) == len(ways)
    assert sorted(leaf.label for leaf in found) == sorted(target for _, target in ways)
    assert sum(child.requests for child in tree.children) == tree.requests == 10 * len(ways)


def test_a_drawing_places_every_box_apart_from_the_others() -> None:
    tree = policy_tree("r", a_route(POLICIES[-1]), {("rule:a/weighted:1/primary", "haiku"): 3})
    drawing = draw(tree)
    boxes = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in drawing.boxes]
    for index, one in enumerate(boxes):
        assert 0 <= one[0] < one[2] <= drawing.width
        assert 0 <= one[1] < one[3] <= drawing.height
        for other in boxes[index + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert len(drawing.lines) == len(drawing.boxes) - 1


def test_a_cascade_is_drawn_stage_by_stage() -> None:
    spec = CascadeSpec.model_validate(
        {"cascade": [{"use": "haiku", "accept": {"confidence": 0.85}}, {"use": "sonnet"}]}
    )
    tree = policy_tree("r", cast("RouteConfig", SimpleNamespace(policy=spec)), {})
    assert [(stage.label, stage.note, stage.children[0].label) for stage in tree.children] == [
        ("stage 1", "kept from confidence 0.85", "haiku"),
        ("stage 2", "kept in any case", "sonnet"),
    ]


def test_a_gate_is_told_beside_its_stage() -> None:
    accept = {"confidence": 0.85, "gate": {"by": "begun.json", "release": 0.9, "stop": 0.3}}
    spec = CascadeSpec.model_validate({"cascade": [{"use": "haiku", "accept": accept}, {"use": "sonnet"}]})
    tree = policy_tree("r", cast("RouteConfig", SimpleNamespace(policy=spec)), {})
    assert tree.children[0].note == "kept from confidence 0.85, streams settled between 0.3 and 0.9"


def test_a_stage_that_is_judged_by_gain_says_what_a_better_answer_may_cost() -> None:
    accept = {"worth": 0.004, "by": "calibrations/support.json"}
    policy = CascadeSpec.model_validate({"cascade": [{"use": "haiku", "accept": accept}, {"use": "sonnet"}]})
    tree = policy_tree("r", cast("RouteConfig", SimpleNamespace(policy=policy)), {})
    assert tree.children[0].note == "kept unless a better answer costs less than 0.004 USD"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("{tokens: {min: 5, max: 9}}", "tokens 5 to 9"),
        ("{chars: {min: 5}, source: [web, app]}", "chars ≥ 5, source web or app"),
        ("{not: {turns: {max: 2}}}", "not (turns ≤ 2)"),
        ("{any: [{user: a}, {user: b}]}", "(user a) or (user b)"),
        ("{all: [{user: a}, {tenant: b}]}", "(user a) and (tenant b)"),
        ("{header: {x-tier: gold}}", "header x-tier gold"),
    ],
)
def test_a_condition_reads_aloud(when: str, said: str) -> None:
    tree = policy_tree("r", a_route(f"{{rules: [{{name: a, when: {when}, use: haiku}}]}}"), {})
    assert tree.children[0].note == said


def test_calls_are_drawn_to_scale() -> None:
    begun = [samples.EPOCH, samples.EPOCH + timedelta(milliseconds=500)]
    first = samples.an_attempt(started=begun[0].isoformat(), outcome="failed", first_token_ms=None, latency_ms=500.0)
    second = samples.an_attempt(started=begun[1].isoformat(), first_token_ms=250.0, latency_ms=500.0)
    drawn = story(samples.a_decision(attempts=(first, second), latency_ms=1000.0, cost_usd=Decimal("0.0014272")))
    assert [(lane.left, lane.wait, lane.width, lane.offset_ms) for lane in drawn.lanes] == [
        (0, None, 50, 0),
        (50, 25, 50, 500),
    ]
    assert drawn.ticks == [0, 250, 500, 750, 1000]
    assert drawn.baseline == 100
    assert drawn.cost == pytest.approx(53.33, abs=0.01)


def test_a_record_that_makes_no_sense_is_drawn_all_the_same() -> None:
    odd = samples.an_attempt(started="yesterday", latency_ms=0.0)
    drawn = story(samples.a_decision(attempts=(odd,), latency_ms=0.0, cost_usd=None, baseline_cost_usd=None))
    assert (drawn.lanes[0].left, drawn.total_ms, drawn.cost) == (0, 1, 0)


def test_a_period_is_in_whole_steps_and_ends_with_the_one_that_runs() -> None:
    now = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)
    day = Period.of({"period": "24h"}, now)
    assert (day.since, day.until) == (datetime(2026, 2, 28, 13, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=UTC))
    assert day.before().until == day.since
    assert len(day.steps()) == 24
    assert day.steps()[-1] + HOUR == day.until
    assert Period.of({"period": "30d"}, now).until == datetime(2026, 3, 2, tzinfo=UTC)
    assert Period.of({}, now) == Period.of({"period": "a while"}, now) == day


def test_a_month_ends_where_the_next_begins() -> None:
    assert month(datetime(2026, 12, 31, 23, tzinfo=UTC)) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_a_forecast_goes_on_at_the_pace_of_late() -> None:
    start, now, end = (datetime(2026, 3, day, tzinfo=UTC) for day in (4, 11, 21))
    assert forecast(Decimal(100), Decimal(70), (start, now, end)) == Decimal(200)
    assert forecast(Decimal(1), Decimal(1), (now - timedelta(hours=3), now, end)) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (usd(None), "unknown"),
        (usd(Decimal(0)), "$0"),
        (usd(Decimal("1204.5")), "$1,204.50"),
        (usd(Decimal("-0.00071449")), "−$0.000714"),
        (milliseconds(0.421), "0.42 ms"),
        (milliseconds(842), "842 ms"),
        (milliseconds(999.6), "1.00 s"),
        (milliseconds(9994), "9.99 s"),
        (milliseconds(9996), "10.0 s"),
        (words.duration(0.2), "a moment"),
        (words.duration(42), "42 s"),
        (words.duration(185), "3 min 5 s"),
        (words.duration(7800), "2 h 10 min"),
        (words.share(1, 0), "–"),
        (words.share(1, 8), "12.5 %"),
        (words.share(1, 100_000), "< 0.1 %"),
        (words.share(99_999, 100_000), "> 99.9 %"),
        (words.share(5, 5), "100 %"),
        (words.moment("no time"), "no time"),
        (drop_words("lacks_tool_choice"), "it lacks tool choice"),
        (drop_words("anything_else"), "anything else"),
    ],
)
def test_values_read_with_their_units(said: str, expected: str) -> None:
    assert said == expected
