"""The cheapest for this request, and the best by quality, cost and latency: the order, the words, the ceilings."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import a_context, a_target, answers, drive, proposed
from turnout.policy.base import Context
from turnout.policy.best import Best, Ceilings, Weights
from turnout.policy.cheapest import Cheapest
from turnout.policy.in_order import Where
from turnout.types.candidate import Candidate, Considered, Declined
from turnout.types.conditions import BreakerState
from turnout.types.health import HealthRead, TargetHealth
from turnout.types.money import Price
from turnout.types.target import Target

HERE = Where("here")
USD = st.integers(1, 60).map(Decimal)
UNIT = st.floats(0, 1).map(lambda value: round(value, 3))


def priced(name: str, tokens_in: Decimal | int, tokens_out: Decimal | int) -> Target:
    return a_target(name, price=Price(input=Decimal(tokens_in), output=Decimal(tokens_out)))


def asked(*targets: Target, health: dict[str, TargetHealth] | None = None, tokens: int = 1_000) -> Context:
    context = a_context(targets=targets, context_tokens=tokens)
    context.conditions.health.update(HealthRead(lambda _: TargetHealth()), **(health or {}))
    return context


def waits(ms: float) -> TargetHealth:
    return TargetHealth(first_token_ms=ms / 2, tokens_per_s=1_000, output_tokens=ms / 2)


def test_what_is_cheapest_depends_on_the_request() -> None:
    reader, writer = priced("reader", 1, 20), priced("writer", 5, 5)
    policy = Cheapest(("reader", "writer"), HERE)
    assert proposed(drive(policy, asked(reader, writer, tokens=20_000))[0]) == ["reader", "writer"]
    assert proposed(drive(policy, asked(reader, writer, tokens=10))[0]) == ["writer", "reader"]
    long = {"reader": TargetHealth(output_tokens=5_000), "writer": TargetHealth(output_tokens=5_000)}
    assert proposed(drive(policy, asked(reader, writer, health=long, tokens=10_000))[0]) == ["writer", "reader"]


@given(st.lists(st.tuples(USD, USD), min_size=2, max_size=5), st.integers(1, 100_000))
def test_each_is_proposed_once_and_none_is_dearer_than_the_next(prices: list[tuple[Decimal, Decimal]], n: int) -> None:
    targets = [priced(f"t{place}", *each) for place, each in enumerate(prices)]
    steps, _ = drive(Cheapest(tuple(each.name for each in targets), HERE), asked(*targets, tokens=n))
    order = proposed(steps)
    by_name = dict(zip((each.name for each in targets), prices, strict=True))
    costs = [n * by_name[name][0] + 300 * by_name[name][1] for name in order]
    assert costs == sorted(costs)
    assert sorted(order) == sorted(by_name)


def test_an_unknown_price_is_said_to_be_one_and_comes_last() -> None:
    steps, kept = drive(Cheapest(("a", "b"), HERE), asked(a_target("a"), priced("b", 1, 2)), answers)
    assert [step for step in steps if isinstance(step, Considered)] == [
        Considered("a", chosen=False, because="its price is unknown"),
        Considered("b", chosen=True, because="about $0.001600"),
    ]
    assert proposed(steps) == ["b"]
    assert kept is not None


def test_reasons_name_the_place_and_the_rule_that_led_here() -> None:
    where = Where("here", ("rule:x",), "x", more=True)
    steps, _ = drive(Cheapest(("a", "b"), where), asked(priced("a", 2, 2), priced("b", 1, 1)))
    candidates = [step for step in steps if isinstance(step, Candidate)]
    assert [each.reason for each in candidates] == ["rule:x/cheapest:0", "rule:x/cheapest:1"]
    assert all(each.rule == "x" and each.more for each in candidates)


def best(quality: dict[str, float], weights: Weights | None = None, ceilings: Ceilings | None = None) -> Best:
    return Best(quality, weights or Weights(), ceilings or Ceilings(), HERE)


GOOD, CHEAP, QUICK = priced("good", 10, 30), priced("cheap", 1, 2), priced("quick", 5, 10)
QUALITY = {"good": 0.95, "cheap": 0.7, "quick": 0.8}
HEALTH = {"good": waits(4_000), "cheap": waits(3_000), "quick": waits(400)}


def test_a_weight_on_one_thing_alone_orders_by_it() -> None:
    for weights, first in (
        (Weights(1, 0, 0), "good"),
        (Weights(0, 1, 0), "cheap"),
        (Weights(0, 0, 1), "quick"),
    ):
        order = proposed(drive(best(QUALITY, weights), asked(GOOD, CHEAP, QUICK, health=HEALTH))[0])
        assert order[0] == first
        assert sorted(order) == ["cheap", "good", "quick"]


@given(
    st.lists(st.tuples(UNIT, USD, st.floats(10, 9_000)), min_size=2, max_size=5),
    st.tuples(UNIT, UNIT, UNIT.filter(lambda value: value > 0)),
)
def test_what_is_better_in_everything_is_never_behind(
    made: list[tuple[float, Decimal, float]], weights: tuple[float, float, float]
) -> None:
    names = [f"t{place}" for place in range(len(made))]
    targets = [priced(name, usd, usd) for name, (_, usd, _) in zip(names, made, strict=True)]
    health = {
        name: TargetHealth(first_token_ms=ms, tokens_per_s=1e9, output_tokens=300.0)
        for name, (_, _, ms) in zip(names, made, strict=True)
    }
    policy = best({name: quality for name, (quality, _, _) in zip(names, made, strict=True)}, Weights(*weights))
    order = proposed(drive(policy, asked(*targets, health=health))[0])
    of = dict(zip(names, made, strict=True))
    for place, name in enumerate(order):
        for later in order[place + 1 :]:
            better = of[later][0] > of[name][0] and of[later][1] < of[name][1] and of[later][2] < of[name][2]
            assert not better, (name, later)


def test_a_ceiling_holds_whatever_the_score_and_all_over_it_is_a_case_for_the_next_policy() -> None:
    context = asked(GOOD, CHEAP, QUICK, health=HEALTH)
    steps, _ = drive(best(QUALITY, Weights(1, 0, 0), Ceilings(cost_usd=0.01)), context)
    assert proposed(steps) == ["quick", "cheap"]
    assert next(step for step in steps if isinstance(step, Considered)) == Considered(
        "good", chosen=False, because="quality 0.95, about $0.070000, 4000 ms: over a ceiling"
    )
    steps, kept = drive(best(QUALITY, None, Ceilings(cost_usd=0.000001)), context)
    assert Declined("best", "over_ceiling") in steps
    assert (proposed(steps), kept) == ([], None)


def test_an_unknown_price_is_over_any_ceiling_and_an_unknown_latency_is_not() -> None:
    context = asked(a_target("free"), CHEAP)
    policy = best({"free": 1.0, "cheap": 0.5}, None, Ceilings(cost_usd=1, latency_ms=100))
    steps, _ = drive(policy, context)
    assert proposed(steps) == ["cheap"]
    told = next(step for step in steps if isinstance(step, Considered) and step.name == "free")
    assert told.because == "quality 1, its price is unknown, no recent call to go by: over a ceiling"


def test_who_cannot_serve_has_no_part_in_the_scales() -> None:
    context = a_context(targets=(GOOD, CHEAP, QUICK), breakers={"quick": BreakerState.OPEN}, context_tokens=1_000)
    steps, _ = drive(best(QUALITY, Weights(1, 1, 0)), context)
    assert {step.name for step in steps if isinstance(step, Considered)} == {"good", "cheap"}
    assert proposed(steps)[-1] == "quick", "left to the filters, which drop it and say why"
