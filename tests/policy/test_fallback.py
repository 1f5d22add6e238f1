"""A chain tries the next after the failure of one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import a_context, answers, chain, drive, fails, proposed, single
from turnout.policy.fallback import Fallback
from turnout.policy.rules import Rules
from turnout.types.candidate import Candidate, Declined, Outcome


def test_a_single_target_is_proposed_once_and_its_answer_accepted() -> None:
    steps, accepted = drive(single("a"), a_context(), answers)
    assert steps == [Candidate(target="a", reason="single")]
    assert accepted is not None
    assert accepted.target == "a"
    assert drive(single("a"), a_context(), fails)[1] is None


@given(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1), st.integers(0, 6))
def test_a_chain_proposes_each_target_at_most_once_in_order_until_one_answers(targets: list[str], working: int) -> None:
    def outcome(candidate: Candidate) -> Outcome:
        return answers(candidate) if targets.index(candidate.target) >= working else fails(candidate)

    steps, accepted = drive(chain(*targets), a_context(), outcome)
    assert proposed(steps) == targets[: working + 1]
    assert (accepted.target if accepted else None) == (targets[working] if working < len(targets) else None)


def test_an_element_that_declines_is_passed_over() -> None:
    steps, _ = drive(Fallback((Rules(()), single("b"))), a_context())
    assert steps == [Declined("rules", "no_rule_holds"), Candidate(target="b", reason="single")]


def test_a_nested_chain_is_tried_whole_before_what_follows_it() -> None:
    nested = Fallback((chain("a", "b"), single("c")))
    assert proposed(drive(nested, a_context())[0]) == ["a", "b", "c"]
    assert nested.targets == ("a", "b", "c")


def test_a_candidate_dropped_by_the_executor_is_like_a_failed_one() -> None:
    def outcome(candidate: Candidate) -> Outcome:
        return Outcome(target=candidate.target, dropped="breaker_open")

    assert proposed(drive(chain("a", "b"), a_context(), outcome)[0]) == ["a", "b"]
