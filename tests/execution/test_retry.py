from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.execution.deadline import Deadline
from turnout.execution.retry import RetrySettings, pause_before_retry
from turnout.execution.retry_budget import RetryBudget
from turnout.execution.verdict import VERDICTS
from turnout.testing import FrozenClock
from turnout.types.failure import Failure, FailureKind

SETTINGS = RetrySettings(attempts=3, base=0.25, longest=4.0)


def pause(
    kind: FailureKind = FailureKind.SERVER_ERROR,
    *,
    made: int = 1,
    wait: float | None = None,
    left: float = 100.0,
    more: bool = False,
) -> float | None:
    clock = FrozenClock()
    failure = Failure(kind=kind, message="", retry_after_s=wait)
    return pause_before_retry(failure, made, SETTINGS, Deadline(clock.monotonic() + left, clock), more=more)


@pytest.mark.parametrize("kind", list(FailureKind))
def test_only_what_can_succeed_is_tried_again(kind: FailureKind) -> None:
    assert (pause(kind) is not None) is VERDICTS[kind].retries


def test_while_another_candidate_remains_falling_back_is_faster() -> None:
    assert pause(more=True) is None


@given(st.integers(1, 6))
def test_attempts_are_counted_and_pauses_grow_within_their_bounds(made: int) -> None:
    waited = pause(made=made)
    if made >= 3:
        assert waited is None
    else:
        assert waited is not None
        assert 0 <= waited <= 0.25 * 2**made


def test_the_provider_s_own_wish_is_kept_to_the_second() -> None:
    assert pause(FailureKind.RATE_LIMITED, wait=2.0) == 2.0


@pytest.mark.parametrize(("wait", "left"), [(4.1, 100.0), (3.0, 2.9), (3600.0, 7200.0)])
def test_a_wait_that_is_too_long_or_passes_the_deadline_is_not_begun(wait: float, left: float) -> None:
    assert pause(FailureKind.RATE_LIMITED, wait=wait, left=left) is None


@given(st.lists(st.booleans(), max_size=300), st.sampled_from([0.0, 0.1, 0.2, 1.0]), st.sampled_from([0.0, 3.0, 10.0]))
def test_retries_stay_below_a_share_of_requests_and_a_reserve(steps: list[bool], ratio: float, reserve: float) -> None:
    budget = RetryBudget(ratio=ratio, reserve=reserve)
    requests = retries = 0
    for is_request in steps:
        if is_request:
            budget.earn()
            requests += 1
        else:
            retries += budget.spend()
        assert retries <= ratio * requests + reserve + 1e-9


def test_a_long_outage_is_answered_by_a_fifth_more_and_no_storm() -> None:
    budget = RetryBudget()
    retries = 0
    for _ in range(10_000):
        budget.earn()
        retries += sum(budget.spend() for _ in range(2))
    assert 0.19 * 10_000 <= retries <= 0.2 * 10_000 + 3


def test_a_quiet_service_can_retry_at_once_and_a_busy_one_saves_up_no_storm() -> None:
    quiet = RetryBudget()
    assert quiet.spend()
    busy = RetryBudget()
    for _ in range(100_000):
        busy.earn()
    assert sum(busy.spend() for _ in range(100)) == 3
