"""Where chance has a part, the probability of everything that might have been called first is known, and is true."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.deciding import a_context, a_target, answers, chain, drive, fails, proposed, single
from turnout.policy.base import Policy
from turnout.policy.cascade import Cascade, Stage
from turnout.policy.explore import Explore
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.lint import lint
from turnout.policy.weighted import Branch, Weighted
from turnout.types.candidate import Candidate, Chances, Outcome
from turnout.types.conditions import BreakerState

DRAWS = 1_000
EVERYTHING = "abcd"


def explore(share: float, among: str, policy: Policy, at: str = "explore") -> Explore:
    return Explore(share, [single(name, more=True, reason="explore") for name in among], policy, at)


def split(at: str, *branches: tuple[Policy, float]) -> Weighted:
    return Weighted(tuple(Branch(policy, weight, "/".join(policy.targets)) for policy, weight in branches), at)


def told(policy: Policy, draw: float, resting: frozenset[str] = frozenset()) -> tuple[Chances | None, str | None]:
    """What is said of chance, and what is then called first."""
    breakers = dict.fromkeys(resting, BreakerState.OPEN)
    steps, _ = drive(Filters(policy), a_context(targets=EVERYTHING, draw=draw, breakers=breakers), answers)
    chances = [step for step in steps if isinstance(step, Chances)]
    called = [step for step in steps if isinstance(step, Candidate)]
    assert len(chances) <= 1
    return next(iter(chances), None), called[0].target if called else None


def nests(depth: int) -> st.SearchStrategy[Policy]:
    """Policies in which chance has a part at several places, each with a place of its own."""
    leaf: st.SearchStrategy[Policy] = st.sampled_from(EVERYTHING).map(single)
    inner = leaf if depth == 0 else st.one_of(leaf, nests(depth - 1))
    shares = st.floats(0.05, 0.95)
    at = st.uuids().map(str)
    explored = st.builds(explore, shares, st.sampled_from(["a", "ab", "bcd"]), inner, at)
    splits = st.builds(
        lambda at, one, other, share: split(at, (one, share), (other, 1 - share)), at, inner, inner, shares
    )
    chains = st.builds(lambda one, other: Fallback((one, other)), inner, inner)
    return st.one_of(explored, splits, chains)


@settings(max_examples=20)
@given(nests(2), st.frozensets(st.sampled_from("abcd"), max_size=2))
def test_the_probabilities_sum_to_one_and_are_how_often_each_is_called_first(
    policy: Policy, resting: frozenset[str]
) -> None:
    called: Counter[str | None] = Counter()
    said: Chances | None = None
    for number in range(DRAWS):
        chances, first = told(policy, number / DRAWS, resting)
        called[first] += 1
        if chances is None:
            continue
        assert chances.first == first
        assert sum(chances.of.values()) == pytest.approx(1.0) or resting
        assert said is None or chances.of == pytest.approx(said.of), (
            "whatever was drawn, the probabilities are the same"
        )
        said = chances
    if said is not None and not resting:
        for name, probability in said.of.items():
            # 1,000 draws: six standard deviations are at most 0.095.
            assert called[name] / DRAWS == pytest.approx(probability, abs=0.1)


def test_a_target_that_the_policy_would_ask_anyway_has_both_shares() -> None:
    chances, _ = told(explore(0.1, "ab", single("a")), 0.5)
    assert chances is not None
    assert chances.of == pytest.approx({"a": 0.95, "b": 0.05})


def test_without_a_part_of_chance_nothing_is_said_of_it() -> None:
    assert told(chain("a", "b"), 0.5) == (None, "a")


def test_what_cannot_be_called_is_not_explored_and_its_share_goes_to_the_others() -> None:
    chances, _ = told(explore(0.5, "bc", single("a")), 0.5, frozenset("b"))
    assert chances is not None
    assert chances.of == pytest.approx({"a": 0.5, "c": 0.5})
    assert told(explore(0.5, "b", single("a")), 0.5, frozenset("b")) == (None, "a")


def test_where_the_policys_own_target_rests_its_fallback_has_its_share() -> None:
    chances, _ = told(explore(0.2, "c", chain("a", "b")), 0.99, frozenset("a"))
    assert chances is not None
    assert chances.of == pytest.approx({"b": 0.8, "c": 0.2})


def test_what_nobody_would_answer_is_missing_from_the_sum() -> None:
    policy = split("split", (single("a"), 1), (single("b"), 3))
    said = [told(policy, number / 20, frozenset("b"))[0] for number in range(20)]
    assert {tuple(each.of.items()) for each in said if each is not None} == {(("a", 0.25),)}


def test_a_held_answer_is_another_way_than_the_same_target_alone() -> None:
    cascade = Cascade((Stage(_held("a")), Stage(single("b"))))
    chances, _ = told(explore(0.2, "ab", cascade), 0.5)
    assert chances is not None
    assert chances.of == pytest.approx({"a (held)": 0.8, "a": 0.1, "b": 0.1})


def test_an_explored_target_that_fails_is_followed_by_the_policy() -> None:
    policy = explore(1.0, "c", chain("a", "b"))

    def outcome(candidate: Candidate) -> Outcome:
        return fails(candidate) if candidate.target == "c" else answers(candidate)

    steps, accepted = drive(Filters(policy), a_context(targets=EVERYTHING), outcome)
    assert proposed(steps) == ["c", "a"]
    assert next(step.reason for step in steps if isinstance(step, Candidate)) == "explore"
    assert accepted is not None


def test_a_chain_around_exploration_is_only_repeated_where_the_policy_is() -> None:
    around = Fallback((explore(0.1, "c", single("a")), single("c"), single("a")), "chain")
    assert [each.name for each in lint(around)] == ["a"]


def test_a_target_that_lacks_something_is_not_explored() -> None:
    context = a_context(targets=[a_target("a"), a_target("b", lacks=frozenset({"tools"}))], needs=frozenset({"tools"}))
    steps, _ = drive(Filters(explore(1.0, "b", single("a"))), context, answers)
    assert proposed(steps) == ["a"]


def _held(name: str) -> Policy:
    class Held:
        targets = (name,)

        def decide(self, context: object) -> object:
            yield Candidate(target=name, hold=True)

    return Held()  # type: ignore[return-value]
