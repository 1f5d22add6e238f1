from __future__ import annotations

import pytest

from turnout.execution.verdict import VERDICTS
from turnout.types.failure import FailureKind


def test_every_kind_of_failure_has_a_verdict_and_nothing_else_has() -> None:
    assert set(VERDICTS) == set(FailureKind)


@pytest.mark.parametrize("kind", list(FailureKind))
def test_the_verdicts_do_not_contradict_each_other(kind: FailureKind) -> None:
    verdict = VERDICTS[kind]
    assert verdict.falls_back or not verdict.retries, "what the same target may answer, another may"
    assert verdict.falls_back or not verdict.counts, "what speaks against a target speaks for asking another"


@pytest.mark.parametrize(
    "kind", [FailureKind.BAD_REQUEST, FailureKind.NOT_FOUND, FailureKind.CONTENT_POLICY, FailureKind.CONTEXT_LENGTH]
)
def test_what_the_caller_caused_counts_against_no_target(kind: FailureKind) -> None:
    assert not VERDICTS[kind].counts
    assert not VERDICTS[kind].retries


def test_the_caller_s_own_deadline_counts_against_no_target() -> None:
    assert not VERDICTS[FailureKind.DEADLINE].counts


@pytest.mark.parametrize(
    "kind", [FailureKind.FIRST_TOKEN_TIMEOUT, FailureKind.IDLE_TIMEOUT, FailureKind.TRUNCATED, FailureKind.DEADLINE]
)
def test_what_broke_after_it_was_sent_is_billed(kind: FailureKind) -> None:
    assert VERDICTS[kind].billed


@pytest.mark.parametrize(
    "kind", [FailureKind.CONNECT_FAILED, FailureKind.RATE_LIMITED, FailureKind.SERVER_ERROR, FailureKind.AUTHENTICATION]
)
def test_what_was_refused_is_free(kind: FailureKind) -> None:
    assert not VERDICTS[kind].billed
