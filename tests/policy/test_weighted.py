"""A split gives each branch its share, and splits within splits are independent."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import a_context, drive, proposed, single
from turnout.policy.drawing import own_draw
from turnout.policy.weighted import Branch, Weighted

DRAWS = [index / 4_000 for index in range(4_000)]


def split(at: str = "split", **weights: float) -> Weighted:
    return Weighted(tuple(Branch(single(name), weight, name) for name, weight in weights.items()), at)


def chosen(policy: Weighted, draw: float) -> str:
    return proposed(drive(policy, a_context(draw=draw))[0])[0]


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=4), st.text(max_size=8))
def test_each_branch_gets_its_share(weights: list[float], at: str) -> None:
    names = "abcd"[: len(weights)]
    policy = split(at, **dict(zip(names, weights, strict=True)))
    counts = Counter(chosen(policy, draw) for draw in DRAWS[::2])
    for name, weight in zip(names, weights, strict=True):
        # 2,000 draws: six standard deviations are at most 0.067.
        assert counts[name] / 2_000 == pytest.approx(weight / sum(weights), abs=0.07)


def test_splits_in_different_places_are_independent() -> None:
    one, other = split("routes.x.policy.0.weighted", a=1, b=1), split("routes.x.policy.1.weighted", a=1, b=1)
    together = Counter((chosen(one, draw), chosen(other, draw)) for draw in DRAWS)
    assert len(together) == 4
    for count in together.values():
        assert count / len(DRAWS) == pytest.approx(0.25, abs=0.05)


@given(st.floats(0, 1, exclude_max=True), st.text())
def test_the_same_draw_in_the_same_place_is_the_same_number(draw: float, at: str) -> None:
    assert own_draw(draw, at) == own_draw(draw, at)
    assert 0 <= own_draw(draw, at) < 1


@given(st.floats(0, 1, exclude_max=True))
def test_a_branch_of_weight_zero_is_never_drawn(draw: float) -> None:
    assert chosen(split(a=0, b=0.1, c=0.2, d=0), draw) in {"b", "c"}


def test_no_other_branch_is_asked_after_a_failure() -> None:
    steps, accepted = drive(split(a=1, b=1), a_context())
    assert len(proposed(steps)) == 1
    assert accepted is None


@pytest.mark.parametrize("weights", [{"a": 0.0}, {"a": -1.0, "b": 2.0}, {}])
def test_weights_that_share_nothing_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split("split", **weights)
