"""Errors of providers, and errors for callers: their own SDKs raise their own exceptions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from anthropic.types.shared.error_response import ErrorResponse
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseFailedEvent

from turnout import errors
from turnout.errors import (
    DeadlineExceeded,
    InternalError,
    Interrupted,
    InvalidRequest,
    NoCapableTarget,
    Overloaded,
    RequestFailed,
    RequestTooLarge,
    Unauthenticated,
    UnknownRoute,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure, FailureKind
from turnout.wire.registry import DIALECTS, dialect
from turnout.wire.retry_after import retry_after_s

OPENAI, ANTHROPIC = dialect(DialectName.OPENAI_CHAT), dialect(DialectName.ANTHROPIC_MESSAGES)
RESPONSES = dialect(DialectName.OPENAI_RESPONSES)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def openai_error(message: str = "no", **fields: Any) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}
    return json.dumps({"error": error}).encode()


def anthropic_error(kind: str, message: str = "no") -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


KINDS: list[tuple[int, bytes, FailureKind]] = [
    (429, openai_error(type="insufficient_quota", code="insufficient_quota"), FailureKind.QUOTA_EXHAUSTED),
    (429, openai_error(type="requests", code="rate_limit_exceeded"), FailureKind.RATE_LIMITED),
    (429, anthropic_error("rate_limit_error"), FailureKind.RATE_LIMITED),
    (429, b"", FailureKind.RATE_LIMITED),
    (402, anthropic_error("billing_error"), FailureKind.QUOTA_EXHAUSTED),
    (400, anthropic_error("invalid_request_error", "Your credit balance is too low to"), FailureKind.QUOTA_EXHAUSTED),
    (400, openai_error(code="context_length_exceeded"), FailureKind.CONTEXT_LENGTH),
    (400, openai_error("This model's maximum context length is 8192 tokens."), FailureKind.CONTEXT_LENGTH),
    (400, openai_error("Your input exceeds the context window of this model."), FailureKind.CONTEXT_LENGTH),
    (
        400,
        anthropic_error("invalid_request_error", "prompt is too long: 210000 tokens > 200000"),
        FailureKind.CONTEXT_LENGTH,
    ),
    (
        400,
        anthropic_error("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
        FailureKind.CONTEXT_LENGTH,
    ),
    (
        400,
        b'{"object":"error","message":"This model\'s maximum context length is 4096 tokens.","code":400}',
        FailureKind.CONTEXT_LENGTH,
    ),
    (
        400,
        b'{"error":{"code":400,"message":"too many","type":"exceed_context_size_error","n_ctx":256}}',
        FailureKind.CONTEXT_LENGTH,
    ),
    (500, b'{"error":{"code":500,"message":"Context size has been exceeded."}}', FailureKind.CONTEXT_LENGTH),
    (400, openai_error(code="content_policy_violation"), FailureKind.CONTENT_POLICY),
    (400, openai_error(code="content_filter"), FailureKind.CONTENT_POLICY),
    (400, openai_error("triggering Azure OpenAI's content management policy"), FailureKind.CONTENT_POLICY),
    (
        400,
        anthropic_error("invalid_request_error", "Output blocked by content filtering policy"),
        FailureKind.CONTENT_POLICY,
    ),
    (401, openai_error(code="invalid_api_key"), FailureKind.AUTHENTICATION),
    (403, b"<html>", FailureKind.AUTHENTICATION),
    (404, openai_error(code="model_not_found"), FailureKind.NOT_FOUND),
    (404, b"<html>Not found</html>", FailureKind.NOT_FOUND),
    (529, anthropic_error("overloaded_error"), FailureKind.OVERLOADED),
    (503, b"", FailureKind.OVERLOADED),
    (500, anthropic_error("overloaded_error"), FailureKind.OVERLOADED),
    (500, openai_error(), FailureKind.SERVER_ERROR),
    (502, b"<html>", FailureKind.SERVER_ERROR),
    (408, b"", FailureKind.SERVER_ERROR),
    (409, b"", FailureKind.SERVER_ERROR),
    (307, b"", FailureKind.REDIRECTED),
    (400, openai_error(), FailureKind.BAD_REQUEST),
    (413, anthropic_error("request_too_large"), FailureKind.BAD_REQUEST),
    (422, b'{"detail":"field required"}', FailureKind.BAD_REQUEST),
]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(("status", "body", "kind"), KINDS, ids=map(str, range(len(KINDS))))
def test_what_a_status_and_its_body_mean(name: DialectName, status: int, body: bytes, kind: FailureKind) -> None:
    assert dialect(name).decode_failure(status, {}, body).kind is kind


def test_a_failure_keeps_what_the_provider_said() -> None:
    body = openai_error("'temprature' is unknown", param="temprature", code="unknown_parameter")
    failure = OPENAI.decode_failure(400, {"retry-after": "3"}, body)
    assert failure == Failure(
        kind=FailureKind.BAD_REQUEST,
        message="'temprature' is unknown",
        status=400,
        code="unknown_parameter",
        param="temprature",
        retry_after_s=3.0,
        body=body,
    )


def test_no_piece_of_a_key_or_address_is_kept_in_a_message() -> None:
    told = OPENAI.decode_failure(401, {}, openai_error("Incorrect API key provided: sk-canar**********seven"))
    assert told.body is None
    assert "canar" not in told.message
    assert "seven" not in told.message
    leaky = "no route http://10.0.0.7:8000/v1 for Bearer abc.def, AIzaSyQ99-gem and sk-canary-0123456789"
    message = OPENAI.decode_failure(400, {}, openai_error(leaky)).message
    assert not any(secret in message for secret in ("10.0.0.7", "abc.def", "Q99", "canary", "0123"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "1e9"}, 300.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Mon, 01 Jan 99999 00:00:00 +99999"}, None),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=30), usegmt=True)}, 30.0),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=30), usegmt=True)}, None),
        (
            {
                "retry-after": format_datetime(NOW + timedelta(hours=5, seconds=7), usegmt=True),
                "date": format_datetime(NOW + timedelta(hours=5), usegmt=True),
            },
            7.0,
        ),
    ],
)
def test_every_form_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds


@given(value=st.text(max_size=40), other=st.text(max_size=40))
def test_nonsense_in_retry_after_is_no_wait_at_all(value: str, other: str) -> None:
    wait = retry_after_s({"retry-after": value, "retry-after-ms": other, "date": other}, NOW)
    assert wait is None or 0 <= wait <= 300


BUSY = Failure(kind=FailureKind.RATE_LIMITED, message="busy", status=429)
OVER = Failure(kind=FailureKind.OVERLOADED, message="busy", status=529)
BROKE = Failure(kind=FailureKind.QUOTA_EXHAUSTED, message="no credit", status=429)


def rejected(
    status: int | None, body: bytes | None = None, kind: FailureKind = FailureKind.BAD_REQUEST
) -> RequestFailed:
    return UpstreamRejected("no", failures=[Failure(kind=kind, message="no", status=status, body=body)])


ENCODED: list[tuple[RequestFailed, tuple[int, str, str | None], tuple[int, str]]] = [
    (
        InvalidRequest("m", param="stop"),
        (400, "invalid_request_error", "invalid_request"),
        (400, "invalid_request_error"),
    ),
    (Unauthenticated("m"), (401, "invalid_request_error", "invalid_api_key"), (401, "authentication_error")),
    (UnknownRoute("m"), (404, "invalid_request_error", "model_not_found"), (404, "not_found_error")),
    (RequestTooLarge("m"), (413, "invalid_request_error", "request_too_large"), (413, "request_too_large")),
    (NoCapableTarget("m"), (400, "invalid_request_error", "no_capable_target"), (400, "invalid_request_error")),
    (UpstreamFailed("m"), (502, "server_error", "upstream_failed"), (502, "api_error")),
    (UpstreamBusy("m", failures=[BUSY]), (429, "rate_limit_error", "rate_limit_exceeded"), (429, "rate_limit_error")),
    (UpstreamBusy("m", failures=[OVER]), (429, "rate_limit_error", "rate_limit_exceeded"), (529, "overloaded_error")),
    (
        UpstreamBusy("m", failures=[OVER, BUSY]),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (429, "rate_limit_error"),
    ),
    (DeadlineExceeded("m"), (504, "server_error", "deadline_exceeded"), (504, "timeout_error")),
    (Overloaded("m"), (503, "server_error", "overloaded"), (529, "overloaded_error")),
    (InternalError("m"), (500, "server_error", "internal_error"), (500, "api_error")),
    (rejected(400), (400, "invalid_request_error", "invalid_request"), (400, "invalid_request_error")),
    (rejected(413), (413, "invalid_request_error", "invalid_request"), (413, "request_too_large")),
    (
        rejected(404, kind=FailureKind.NOT_FOUND),
        (404, "invalid_request_error", "model_not_found"),
        (404, "not_found_error"),
    ),
    (
        rejected(400, kind=FailureKind.CONTEXT_LENGTH),
        (400, "invalid_request_error", "context_length_exceeded"),
        (400, "invalid_request_error"),
    ),
    (rejected(401, kind=FailureKind.AUTHENTICATION), (502, "server_error", "upstream_failed"), (502, "api_error")),
    (rejected(500), (502, "server_error", "upstream_failed"), (502, "api_error")),
]


@pytest.mark.parametrize(("error", "openai", "anthropic"), ENCODED, ids=map(str, range(len(ENCODED))))
def test_an_error_has_the_status_and_type_of_the_callers_dialect(
    error: RequestFailed, openai: tuple[int, str, str], anthropic: tuple[int, str]
) -> None:
    status, _, body = OPENAI.encode_error(error)
    told = json.loads(body)["error"]
    assert (status, told["type"], told["code"]) == openai
    assert RESPONSES.encode_error(error) == OPENAI.encode_error(error)
    assert (told["message"], told["param"]) == (error.message, error.param)
    status, _, body = ANTHROPIC.encode_error(error)
    told = json.loads(body)
    assert (status, told["error"]["type"]) == anthropic
    assert (told["type"], told["error"]["message"]) == ("error", error.message)


def every_error() -> list[RequestFailed]:
    found, waiting = [], [RequestFailed]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "kind" in vars(kind) and kind not in (RequestFailed, UpstreamRejected):
            found.append(kind("m", decision_id="0198"))
    return found


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_every_error_of_the_tree_has_a_form_in_every_dialect(error: RequestFailed) -> None:
    for spoken in DIALECTS.values():
        status, headers, _ = spoken.encode_error(error)
        assert 400 <= status < 600
        assert dict(headers).items() >= {"x-request-id": "0198", "request-id": "0198"}.items()
        assert b"m" in spoken.encode_stream_error(error)
    assert {type(each) for each in every_error()} >= {errors.Cancelled, errors.Interrupted}


@pytest.mark.parametrize(
    ("error", "retry", "after"),
    [
        (InvalidRequest("m"), "false", None),
        (UpstreamFailed("m", failures=[BUSY, OVER]), "false", None),
        (UpstreamBusy("m", failures=[BUSY], retry_after_s=2.1), "true", "3"),
        (UpstreamBusy("m", failures=[BUSY], retry_after_s=3600), "true", "120"),
        (UpstreamBusy("m", failures=[BUSY, BUSY], retry_after_s=2), "false", "2"),
        (UpstreamBusy("m", failures=[BROKE]), "false", None),
        (Overloaded("m", retry_after_s=1), "true", "1"),
        (DeadlineExceeded("m"), "false", None),
    ],
)
def test_an_sdk_is_told_whether_and_when_to_try_again(error: RequestFailed, retry: str, after: str | None) -> None:
    for spoken in DIALECTS.values():
        headers = dict(spoken.encode_error(error)[1])
        assert (headers["x-should-retry"], headers.get("retry-after")) == (retry, after)
        assert headers["content-type"] == "application/json"
        assert "x-request-id" not in headers


def test_a_refusal_in_the_callers_dialect_goes_through_as_it_came() -> None:
    own = b'{ "error": {"message": "no", "type": "x", "param": null, "code": 7, "extra": 1} }'
    assert OPENAI.encode_error(rejected(422, own))[::2] == (422, own)
    assert b"extra" not in ANTHROPIC.encode_error(rejected(422, own))[2]
    own = (
        b'{"type": "error", "error": {"type": "invalid_request_error", "message": "no"}, "request_id": "r", "extra": 1}'
    )
    assert ANTHROPIC.encode_error(rejected(400, own))[::2] == (400, own)
    assert b"extra" not in OPENAI.encode_error(rejected(400, own))[2]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"detail": "no"}'])
def test_a_refusal_without_an_envelope_gets_one(body: bytes) -> None:
    for spoken in DIALECTS.values():
        assert json.loads(spoken.encode_error(rejected(400, body))[2])["error"]["message"] == "no"


def test_a_refused_key_of_ours_is_never_shown_as_the_callers() -> None:
    own = openai_error("Incorrect API key provided: sk-canary", code="invalid_api_key")
    status, _, body = OPENAI.encode_error(rejected(401, own, FailureKind.AUTHENTICATION))
    assert status == 502
    assert b"canary" not in body


def test_the_error_that_ends_a_stream_is_an_event_of_the_dialect() -> None:
    error = Interrupted("the provider went silent", decision_id="0198")
    openai, anthropic = OPENAI.encode_stream_error(error), ANTHROPIC.encode_stream_error(error)
    responses = RESPONSES.encode_stream_error(error)
    assert openai.startswith(b'data: {"error":{')
    assert openai.endswith(b"}\n\n")
    assert b"[DONE]" not in openai
    assert anthropic.startswith(b'event: error\ndata: {"type":"error"')
    assert anthropic.endswith(b"}\n\n")
    ErrorResponse.model_validate(json.loads(anthropic.split(b"data: ")[1]), strict=True)
    assert responses.startswith(b'event: response.failed\ndata: {"type":"response.failed"')
    told = json.loads(responses.split(b"data: ")[1])
    assert (told["response"]["status"], told["response"]["error"]["message"]) == ("failed", error.message)
    assert told["error"] == json.loads(openai.split(b"data: ")[1])["error"]
    ResponseFailedEvent.model_validate(told, strict=True)


def test_a_failed_response_names_a_code_that_the_sdk_knows() -> None:
    for error, code in (
        (UpstreamBusy("m", failures=[BUSY]), "rate_limit_exceeded"),
        (UpstreamFailed("m"), "server_error"),
    ):
        told = json.loads(RESPONSES.encode_stream_error(error).split(b"data: ")[1])
        assert told["response"]["error"]["code"] == code
