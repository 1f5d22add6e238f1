"""What cannot serve is dropped before any call, with a reason; and never is everything given up too early."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import a_context, a_target, answers, chain, drive, fails, proposed, single
from turnout.policy.base import Context
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.single import Single
from turnout.types.candidate import Candidate, Dropped, Outcome
from turnout.types.conditions import BreakerState
from turnout.types.dialect import DialectName
from turnout.types.health import TargetHealth
from turnout.types.target import Target

OPEN = BreakerState.OPEN


@pytest.mark.parametrize(
    ("target", "features", "reason"),
    [
        ({"lacks": frozenset({"tools"})}, {"needs": ("tools",)}, "lacks_tools"),
        ({"dialect": DialectName.ANTHROPIC_MESSAGES}, {"needs": ("field:seed2",)}, "lacks_field:seed2"),
        ({"context_tokens": 1_000}, {"context_tokens": 2_001}, "context_too_small"),
    ],
)
def test_a_target_that_cannot_serve_is_dropped_and_the_next_is_tried(target: dict, features: dict, reason: str) -> None:
    context = a_context(targets=[a_target("a", **target), "b"], **features)
    steps, _ = drive(Filters(chain("a", "b")), context, answers)
    assert steps[0] == Dropped("a", reason)
    assert proposed(steps) == ["b"]


@pytest.mark.parametrize(
    ("target", "features"),
    [
        ({"lacks": frozenset({"images"})}, {"needs": ("tools",)}),
        ({"dialect": DialectName.OPENAI_CHAT}, {"needs": ("field:seed2",)}),
        ({"context_tokens": 1_000}, {"context_tokens": 1_999}),
        ({"context_tokens": None}, {"context_tokens": 10**9}),
    ],
)
def test_a_target_that_may_serve_is_tried(target: dict, features: dict) -> None:
    steps, _ = drive(Filters(single("a")), a_context(targets=[a_target("a", **target)], **features))
    assert proposed(steps) == ["a"]


def test_an_open_breaker_drops_and_a_half_open_one_does_not() -> None:
    context = a_context(breakers={"a": OPEN, "b": BreakerState.HALF_OPEN})
    steps, _ = drive(Filters(chain("a", "b")), context)
    assert steps[0] == Dropped("a", "breaker_open")
    assert proposed(steps) == ["b"]


def test_when_every_breaker_is_open_the_first_is_tried_as_a_last_resort() -> None:
    steps, accepted = drive(Filters(chain("a", "b")), a_context(breakers={"a": OPEN, "b": OPEN}), answers)
    assert steps == [
        Dropped("a", "breaker_open"),
        Dropped("b", "breaker_open"),
        Candidate(target="a", reason="last_resort"),
    ]
    assert accepted is not None


def test_the_last_resort_is_the_first_that_only_its_breaker_ruled_out() -> None:
    targets: list[Target | str] = [a_target("a", lacks=frozenset({"tools"})), "b", "c"]
    context = a_context(targets=targets, needs=("tools",), breakers=dict.fromkeys("abc", OPEN))
    assert proposed(drive(Filters(chain("a", "b", "c")), context)[0]) == ["b"]


def test_a_last_resort_remembers_the_rule_that_decided() -> None:
    ruled = Single(Candidate(target="a", reason="rule:faq", rule="faq"))
    steps, _ = drive(Filters(ruled), a_context(breakers={"a": OPEN}))
    assert steps[-1] == Candidate(target="a", reason="last_resort", rule="faq")


def test_there_is_no_last_resort_where_every_target_lacks_something() -> None:
    targets = [a_target(name, lacks=frozenset({"tools"})) for name in "ab"]
    steps, accepted = drive(Filters(chain("a", "b")), a_context(targets=targets, needs=("tools",)))
    assert steps == [Dropped("a", "lacks_tools"), Dropped("b", "lacks_tools")]
    assert accepted is None


def test_there_is_no_last_resort_after_something_was_called() -> None:
    steps, _ = drive(Filters(chain("a", "b")), a_context(breakers={"a": OPEN}), fails)
    assert proposed(steps) == ["b"]


def test_a_breaker_that_opens_between_the_snapshot_and_the_call_still_leaves_a_last_resort() -> None:
    asked: list[str] = []

    def outcome(candidate: Candidate) -> Outcome:
        asked.append(candidate.reason)
        last = candidate.reason == "last_resort"
        return answers(candidate) if last else Outcome(target=candidate.target, dropped="breaker_open")

    steps, accepted = drive(Filters(chain("a", "b")), a_context(), outcome)
    assert proposed(steps) == ["a", "b", "a"]
    assert asked[-1] == "last_resort"
    assert accepted is not None


def test_a_candidate_whose_followers_are_all_dropped_is_told_that_none_may_follow() -> None:
    context = a_context(breakers={"b": OPEN})
    first = drive(Filters(chain("a", "b")), context)[0][0]
    assert isinstance(first, Candidate)
    assert first.more is False
    assert drive(Filters(chain("a", "b", "c")), context)[0][0] == Candidate(target="a", reason="single", more=True)


def test_a_target_is_tried_once_however_often_it_is_in_the_policy() -> None:
    steps, _ = drive(Filters(Fallback((chain("a", "b"), chain("b", "a", "c")))), a_context())
    assert proposed(steps) == ["a", "b", "c"]
    assert Dropped("b", "already_tried") in steps


_NEEDS = st.sets(st.sampled_from(["tools", "images", "logprobs", "field:x"]))
_TARGETS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(["tools", "images", "logprobs"])),
        st.sampled_from(list(DialectName)),
        st.sampled_from(list(BreakerState)),
    ),
    min_size=1,
    max_size=5,
)


@given(_NEEDS, _TARGETS)
def test_a_target_that_lacks_a_need_is_never_proposed_and_one_that_can_serve_always_is(needs: set, drawn: list) -> None:
    names = [f"t{index}" for index in range(len(drawn))]
    targets = [
        a_target(name, lacks=frozenset(lacks), dialect=dialect)
        for name, (lacks, dialect, _) in zip(names, drawn, strict=True)
    ]
    breakers = {name: state for name, (_, _, state) in zip(names, drawn, strict=True)}
    context = a_context(targets=targets, needs=tuple(sorted(needs)), breakers=breakers)
    steps, _ = drive(Filters(chain(*names)), context)
    capable = [
        target.name
        for target in targets
        if not needs & target.lacks and ("field:x" not in needs or target.dialect is context.dialect)
    ]
    ready = [name for name in capable if breakers[name] is not OPEN]
    assert proposed(steps) == (ready or capable[:1])
    candidates = [step for step in steps if isinstance(step, Candidate)]
    assert [candidate.more for candidate in candidates] == [True] * (len(candidates) - 1) + [False] * bool(candidates)
    assert len([step for step in steps if isinstance(step, Dropped)]) == len(names) - len(ready)


def in_budget(budget_s: float, **first_token_ms: float) -> Context:
    context = a_context()
    for name, predicted in first_token_ms.items():
        context.conditions.health[name] = TargetHealth(first_token_ms=predicted)
    return msgspec.structs.replace(context, stream=True, latency_budget_s=budget_s)


def test_what_is_too_slow_for_the_budget_is_dropped_with_the_prediction() -> None:
    steps, _ = drive(Filters(chain("a", "b", "c")), in_budget(0.5, a=1_840, b=400), answers)
    assert steps == [Dropped("a", "too_slow:1840ms"), Candidate(target="b", reason="single", more=True)]


def test_a_target_without_data_fits_every_budget() -> None:
    steps, _ = drive(Filters(chain("a", "b")), in_budget(0.001))
    assert proposed(steps) == ["a", "b"]


def test_without_a_budget_nothing_is_read_of_anybodys_health() -> None:
    context = a_context()
    drive(Filters(chain("a", "b")), context)
    assert not context.conditions.health


def test_where_all_are_too_slow_the_fastest_is_the_last_resort() -> None:
    context = in_budget(0.5, a=1_840, b=900, c=1_000)
    steps, accepted = drive(Filters(chain("a", "b", "c")), context, answers)
    assert proposed(steps) == ["b"]
    assert steps[-1] == Candidate(target="b", reason="last_resort")
    assert accepted is not None


def test_a_late_answer_is_better_than_none() -> None:
    context = in_budget(0.5, a=300, b=900, c=1_000)
    steps, _ = drive(Filters(chain("a", "b", "c")), context)
    assert proposed(steps) == ["a", "b"]
    assert [step.more for step in steps if isinstance(step, Candidate)] == [True, False]
    steps, _ = drive(Filters(chain("b", "a")), context)
    assert proposed(steps) == ["a", "b"]
    assert [step.more for step in steps if isinstance(step, Candidate)] == [True, False], "falls back before it retries"


def test_a_candidate_that_became_too_slow_along_the_chain_can_still_be_the_last_resort() -> None:
    def late(candidate: Candidate) -> Outcome:
        if candidate.target == "b" and candidate.reason != "last_resort":
            return Outcome(target="b", dropped="too_slow:400ms")
        return fails(candidate) if candidate.target == "a" else answers(candidate)

    steps, accepted = drive(Filters(chain("a", "b")), in_budget(0.5, a=300, b=400), late)
    assert proposed(steps) == ["a", "b", "b"]
    assert accepted == Outcome(target="b", answered=True)
