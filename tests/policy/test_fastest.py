"""The less loaded of two that the draw picks, then the others: all of them once, those that rest last."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import a_context, answers, drive, proposed
from turnout.policy.base import Context
from turnout.policy.fastest import Fastest, load
from turnout.policy.in_order import Where
from turnout.types.candidate import Candidate, Considered
from turnout.types.conditions import BreakerState
from turnout.types.health import HealthRead, TargetHealth

NAMES = ("a", "b", "c", "d")
OPEN = BreakerState.OPEN
HEALTH = st.builds(TargetHealth, peak_ms=st.one_of(st.none(), st.floats(1, 10_000)), in_flight=st.integers(0, 5))


def asked(health: dict[str, TargetHealth], draw: float = 0.0, rests: tuple[str, ...] = ()) -> Context:
    context = a_context(targets=NAMES, draw=draw, breakers=dict.fromkeys(rests, OPEN))
    context.conditions.health.update(HealthRead(lambda _: TargetHealth()), **health)
    return context


def fast(peak_ms: float, in_flight: int = 0) -> TargetHealth:
    return TargetHealth(peak_ms=peak_ms, in_flight=in_flight)


@given(
    st.lists(HEALTH, min_size=2, max_size=4),
    st.floats(0, 1, exclude_max=True),
    st.sets(st.sampled_from(NAMES)),
)
def test_every_target_is_proposed_once_and_the_choice_is_no_more_loaded_than_some_other(
    health: list[TargetHealth], draw: float, rests: set[str]
) -> None:
    names = NAMES[: len(health)]
    known = dict(zip(names, health, strict=True))
    steps, _ = drive(Fastest(names, Where("here")), asked(known, draw, tuple(rests)))
    order = proposed(steps)
    assert sorted(order) == sorted(names)
    loads = {name: load(known[name]) for name in names}
    awake = [name for name in names if name not in rests]
    if len(awake) > 1:
        assert order[0] in awake
        assert sum(loads[order[0]] <= loads[name] for name in awake) >= 2, "it has beaten, or equalled, one other"
    others = order[1:]
    assert others == sorted(others, key=lambda name: (name in rests, loads[name]))
    assert [step.more for step in steps if isinstance(step, Candidate)] == [True] * (len(names) - 1) + [False]


def test_of_two_the_less_loaded_is_always_asked() -> None:
    health = {"a": fast(900), "b": fast(200, in_flight=3)}
    for draw in range(50):
        steps, accepted = drive(Fastest(("a", "b"), Where("here")), asked(health, draw / 50), answers)
        assert proposed(steps) == ["b"]
        assert accepted is not None


def test_the_slowest_of_many_is_never_the_choice_and_equals_share() -> None:
    health = {"a": fast(100), "b": fast(100), "c": fast(100), "d": fast(101)}
    chosen = Counter(
        proposed(drive(Fastest(NAMES, Where("here")), asked(health, draw / 4_000))[0])[0] for draw in range(4_000)
    )
    assert set(chosen) == {"a", "b", "c"}
    assert min(chosen.values()) > 1_100


def test_an_unknown_target_is_tried_by_one_request_at_a_time() -> None:
    steps, _ = drive(Fastest(("a", "b"), Where("here")), asked({"a": fast(1)}))
    assert proposed(steps)[0] == "b"
    steps, _ = drive(Fastest(("a", "b"), Where("here")), asked({"a": fast(1), "b": TargetHealth(in_flight=1)}))
    assert proposed(steps)[0] == "a"


def test_when_all_rest_the_least_loaded_is_first() -> None:
    health = {"a": fast(900), "b": fast(200)}
    steps, _ = drive(Fastest(("a", "b"), Where("here")), asked(health, rests=("a", "b")))
    assert proposed(steps) == ["b", "a"]


def test_the_numbers_are_told() -> None:
    steps, _ = drive(
        Fastest(("a", "b", "c"), Where("here", ("rule:x",), "x", more=True)),
        asked({"a": fast(412.4, in_flight=2)}, rests=("c",)),
    )
    assert [step for step in steps if isinstance(step, Considered)] == [
        Considered("a", chosen=False, because="412 ms × (2 under way + 1) = 1237"),
        Considered("b", chosen=True, because="no recent call to go by, 0 under way"),
        Considered("c", chosen=False, because="its breaker is open"),
    ]
    candidates = [step for step in steps if isinstance(step, Candidate)]
    assert [candidate.reason for candidate in candidates] == [f"rule:x/fastest:{place}" for place in range(3)]
    assert all(candidate.rule == "x" and candidate.more for candidate in candidates)
