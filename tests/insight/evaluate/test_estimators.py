"""Estimates from what another policy did come to what would have been, and their intervals are as wide as they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.insight.evaluate.bootstrap import Bootstrap, Interval
from turnout.insight.evaluate.direct import direct
from turnout.insight.evaluate.doubly_robust import doubly_robust
from turnout.insight.evaluate.inverse_propensity import inverse_propensity
from turnout.insight.evaluate.outcome_model import expected_outcomes
from turnout.insight.evaluate.parts import Parts

Array = np.ndarray[Any, np.dtype[Any]]
REPETITIONS = 100
LEAST_COVERED = 93
SHARE = 0.15
"""What the simulated logging policy explores."""


class World(NamedTuple):
    """Requests of which everything is known.

    Attributes:
        length: of each, what the policies decide by.
        outcomes: of each and each of three targets, 0 or 1.
        users: whose each is.
    """

    length: Array
    outcomes: Array
    users: list[str]


def a_world(seed: int, requests: int = 800, users: int = 100) -> World:
    """Users differ in how long their requests are and in how easily they are content."""
    random = np.random.default_rng(seed)
    whose = random.integers(users, size=requests)
    moods, habits = random.normal(0, 0.7, users), random.normal(0, 0.7, users)
    length = habits[whose] + random.normal(0, 1, requests)
    odds = np.stack([0.8 - 1.2 * length, 1.0 - 0.3 * length, 1.2 + 0.0 * length], axis=1) + moods[whose, None]
    outcomes = (random.random((requests, 3)) < 1 / (1 + np.exp(-odds))).astype(float)
    return World(length, outcomes, [str(each) for each in whose])


def chosen(length: Array, bound: float, dear: int) -> Array:
    return np.where(length > bound, dear, 0)


class Logs(NamedTuple):
    """What a logging policy with exploration did: what was done, what came of it, with which chances, and a model."""

    done: Array
    outcomes: Array
    chances: Array
    expected: Array


def logged(world: World, seed: int) -> Logs:
    random = np.random.default_rng(seed + 10_000)
    usual = chosen(world.length, 0.5, 1)
    rows = np.arange(len(usual))
    chances = np.full((len(usual), 3), SHARE / 3)
    chances[rows, usual] += 1 - SHARE
    explored = random.random(len(usual)) < SHARE
    done = np.where(explored, random.integers(3, size=len(usual)), usual)
    outcomes = world.outcomes[rows, done]
    return Logs(done, outcomes, chances, expected_outcomes(world.length[:, None], done, outcomes, 3, world.users))


def by_full_information(world: World, logs: Logs, wanted: Array) -> Parts:
    return direct(world.outcomes[np.arange(len(wanted)), wanted])


def by_weights(world: World, logs: Logs, wanted: Array) -> Parts:
    rows = np.arange(len(world.users))
    return inverse_propensity(logs.outcomes, (wanted == logs.done).astype(float), logs.chances[rows, logs.done])


def by_both(world: World, logs: Logs, wanted: Array) -> Parts:
    rows = np.arange(len(world.users))
    expected = logs.expected
    weights = (wanted == logs.done) / logs.chances[rows, logs.done]
    return doubly_robust(logs.outcomes, weights, expected[rows, wanted], expected[rows, logs.done])


TRUTH = a_world(99, requests=600_000, users=60_000)


ESTIMATES: dict[str, Callable[[World, Logs, Array], Parts]] = {
    "direct": by_full_information,
    "inverse propensity": by_weights,
    "doubly robust": by_both,
}


def test_intervals_cover_the_true_value_as_often_as_they_say() -> None:
    rows = np.arange(len(TRUTH.length))
    better = TRUTH.outcomes[rows, chosen(TRUTH.length, -0.5, 2)]
    truth = better.mean(), (better - TRUTH.outcomes[rows, chosen(TRUTH.length, 0.5, 1)]).mean()
    covered: Counter[str] = Counter()
    for seed in range(REPETITIONS):
        world = a_world(seed)
        logs = logged(world, seed)
        draw = Bootstrap(world.users, seed=seed)
        for name, estimate in ESTIMATES.items():
            new, usual = (estimate(world, logs, chosen(world.length, *way)) for way in ((-0.5, 2), (0.5, 1)))
            found = draw.of(new, shares=True), draw.difference(new, usual, shares=True)
            for about, each, value in zip(("value", "difference"), found, truth, strict=True):
                covered[f"{name}: {about}"] += each.low <= value <= each.high
    assert len(covered) == 2 * len(ESTIMATES)
    assert min(covered.values()) >= LEAST_COVERED, covered


def some_parts(seed: int, requests: int = 200) -> Parts:
    random = np.random.default_rng(seed)
    return Parts(random.random(requests), np.ones(requests))


USERS = [str(place % 40) for place in range(200)]


@settings(max_examples=10)
@given(st.integers(0, 1_000), st.floats(0.01, 100))
def test_a_difference_turned_round_changes_its_sign_and_another_unit_its_scale(seed: int, unit: float) -> None:
    one, other, draw = some_parts(seed), some_parts(seed + 1), Bootstrap(USERS)
    there, back = draw.difference(one, other), draw.difference(other, one)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
    scaled = draw.of(Parts(one.above * unit, one.below))
    assert tuple(scaled) == pytest.approx(tuple(draw.of(one).scaled(unit)))


def test_a_policy_that_did_what_is_asked_is_worth_what_came_of_it() -> None:
    outcomes = np.random.default_rng(3).random(50)
    certain = np.ones(50)
    expected = np.full(50, 0.4)
    values = [
        direct(outcomes).value,
        inverse_propensity(outcomes, certain, certain).value,
        doubly_robust(outcomes, certain, expected, expected).value,
    ]
    assert values == pytest.approx([outcomes.mean()] * 3)


def test_users_who_say_much_alike_widen_the_interval() -> None:
    outcomes = np.repeat(np.random.default_rng(4).random(20) < 0.5, 30).astype(float)
    by_user = Bootstrap([str(place // 30) for place in range(600)]).of(direct(outcomes), shares=True)
    by_request = Bootstrap([str(place) for place in range(600)]).of(direct(outcomes), shares=True)
    assert by_user.half > 3 * by_request.half


def test_more_users_than_are_drawn_one_by_one_give_the_same_interval() -> None:
    outcomes = (np.random.default_rng(5).random(5_000) < 0.3).astype(float)
    found = Bootstrap([str(place) for place in range(5_000)]).of(direct(outcomes), shares=True)
    assert found.half == pytest.approx(1.96 * np.sqrt(0.21 / 5_000), rel=0.15)


def test_where_nothing_varies_three_might_have_been_otherwise() -> None:
    same = direct(np.ones(60))
    draw = Bootstrap([str(place) for place in range(60)])
    assert draw.of(same, shares=True) == Interval(1.0, 0.95, 1.0)
    assert draw.difference(same, same, shares=True) == Interval(0.0, -0.05, 0.05)
    assert draw.of(same) == Interval(1.0, 1.0, 1.0)


@pytest.mark.parametrize(("wrong", "low"), [(1, 0.9455), (2, 0.930), (3, 0.915), (5, 0.887), (20, 0.708)])
def test_few_failures_bound_a_share_as_exact_intervals_do(wrong: int, low: float) -> None:
    outcomes = np.ones(100)
    outcomes[:wrong] = 0.0
    found = Bootstrap([str(place) for place in range(100)]).of(direct(outcomes), shares=True)
    assert found.low == pytest.approx(low, abs=0.012), "Clopper and Pearson's"


def test_without_anything_to_go_by_there_is_no_figure() -> None:
    nothing = direct(np.full(30, np.nan))
    assert np.isnan(Bootstrap([str(place) for place in range(30)]).of(nothing).value)
    assert np.isnan(nothing.value)


def test_an_outcome_that_was_never_seen_is_expected_to_be_like_the_others() -> None:
    expected = expected_outcomes(np.zeros((20, 1)), np.zeros(20, int), np.full(20, 0.5), 2, ["a"] * 20)
    assert expected == pytest.approx(np.full((20, 2), 0.5))
