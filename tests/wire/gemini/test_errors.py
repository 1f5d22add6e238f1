"""What Gemini's refusals mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wire.gemini.speaking import GEMINI
from turnout.types.failure import Failure, FailureKind


def refused(status: int, word: str, message: str = "No.", *details: dict[str, Any], listed: bool = False) -> Failure:
    error = {"error": {"code": status, "message": message, "status": word, "details": list(details)}}
    return GEMINI.decode_failure(status, {}, json.dumps([error] if listed else error).encode())


QUOTA = "You exceeded your current quota, please check your plan and billing details."
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
LONG = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."


def violated(quota: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]}


@pytest.mark.parametrize(
    ("status", "word", "message", "kind"),
    [
        (400, "INVALID_ARGUMENT", "Invalid value at 'contents'", FailureKind.BAD_REQUEST),
        (400, "INVALID_ARGUMENT", LONG, FailureKind.CONTEXT_LENGTH),
        (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", FailureKind.QUOTA_EXHAUSTED),
        (403, "PERMISSION_DENIED", "No.", FailureKind.AUTHENTICATION),
        (404, "NOT_FOUND", "models/x is not found", FailureKind.NOT_FOUND),
        (500, "INTERNAL", "An internal error has occurred.", FailureKind.SERVER_ERROR),
        (503, "UNAVAILABLE", "The model is overloaded.", FailureKind.OVERLOADED),
        (504, "DEADLINE_EXCEEDED", "No.", FailureKind.SERVER_ERROR),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_what_a_refusal_means(status: int, word: str, message: str, kind: FailureKind, listed: bool) -> None:
    failure = refused(status, word, message, listed=listed)
    assert (failure.kind, failure.status) == (kind, status)
    assert failure.body is None
    if kind is not FailureKind.AUTHENTICATION:
        assert (failure.message, failure.code) == (message, word)


def test_a_limit_of_the_minute_is_no_exhausted_quota_though_its_words_are_the_same() -> None:
    minute = refused(429, "RESOURCE_EXHAUSTED", QUOTA, violated("GenerateRequestsPerMinutePerProjectPerModel"), RETRY)
    assert (minute.kind, minute.retry_after_s) == (FailureKind.RATE_LIMITED, 34.07)
    day = refused(429, "RESOURCE_EXHAUSTED", QUOTA, violated("GenerateRequestsPerDayPerProjectPerModel-FreeTier"))
    assert (day.kind, day.retry_after_s) == (FailureKind.QUOTA_EXHAUSTED, None)


def test_a_header_says_how_long_to_wait_before_a_detail_does() -> None:
    body = json.dumps({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [RETRY]}}).encode()
    assert GEMINI.decode_failure(429, {"retry-after": "3"}, body).retry_after_s == 3.0


def test_a_key_that_is_refused_as_a_bad_request_is_ours_and_not_the_callers() -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    failure = refused(400, "INVALID_ARGUMENT", "API key AIza-secret-key not valid.", info)
    assert failure.kind is FailureKind.AUTHENTICATION
    assert failure.status == 400
    assert "secret" not in failure.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad Gateway</html>",
        b"[]",
        b"[3]",
        b'{"error": "no"}',
        b'{"error": {"details": [{"violations": [1]}, 7]}}',
    ],
)
def test_whatever_comes_with_a_status_the_status_counts(body: bytes) -> None:
    assert GEMINI.decode_failure(429, {}, body).kind is FailureKind.RATE_LIMITED
    assert GEMINI.decode_failure(502, {}, body).kind is FailureKind.SERVER_ERROR


@pytest.mark.parametrize("delay", ["soon", "-3s", "infs", 7, None, {}])
def test_a_delay_that_is_none_is_none(delay: Any) -> None:
    assert refused(503, "UNAVAILABLE", "No.", {"retryDelay": delay}).retry_after_s is None
