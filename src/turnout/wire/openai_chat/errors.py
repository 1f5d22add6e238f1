"""Errors, in the words of Chat Completions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from turnout.errors import RequestFailed, UpstreamRejected
from turnout.types.failure import Failure, FailureKind
from turnout.wire.error_headers import error_headers
from turnout.wire.event_json import encode_json, read_object
from turnout.wire.sse import sse_event
from turnout.wire.status_error import status_failure


class Shape(NamedTuple):
    """How an error looks to the caller: the HTTP status, and the envelope's `type` and `code`."""

    status: int
    type: str
    code: str


SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "invalid_request": Shape(400, "invalid_request_error", "invalid_request"),
        "unauthenticated": Shape(401, "invalid_request_error", "invalid_api_key"),
        "permission_denied": Shape(403, "invalid_request_error", "permission_denied"),
        "unknown_route": Shape(404, "invalid_request_error", "model_not_found"),
        "unknown_path": Shape(404, "invalid_request_error", "unknown_path"),
        "unknown_decision": Shape(404, "invalid_request_error", "unknown_decision"),
        "too_large": Shape(413, "invalid_request_error", "request_too_large"),
        "still_in_progress": Shape(409, "invalid_request_error", "still_in_progress"),
        "budget_exhausted": Shape(429, "insufficient_quota", "insufficient_quota"),
        "rate_limited": Shape(429, "rate_limit_error", "rate_limit_exceeded"),
        "key_reused": Shape(422, "invalid_request_error", "idempotency_key_reused"),
        "no_capable_target": Shape(400, "invalid_request_error", "no_capable_target"),
        "upstream_failed": Shape(502, "server_error", "upstream_failed"),
        "upstream_busy": Shape(429, "rate_limit_error", "rate_limit_exceeded"),
        "deadline_exceeded": Shape(504, "server_error", "deadline_exceeded"),
        "overloaded": Shape(503, "server_error", "overloaded"),
        "interrupted": Shape(502, "server_error", "interrupted"),
        "cancelled": Shape(499, "server_error", "cancelled"),
        "internal": Shape(500, "server_error", "internal_error"),
    }
)
"""By the error's `kind`."""

REJECTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        FailureKind.CONTEXT_LENGTH: "context_length_exceeded",
        FailureKind.CONTENT_POLICY: "content_policy_violation",
        FailureKind.NOT_FOUND: "model_not_found",
    }
)
"""The `code` of what a provider of another dialect refused; `invalid_request` for everything else."""


def decode_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What an answer with an error status means."""
    return status_failure(status, headers, body)


def encode_error(error: RequestFailed) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body; a refusal of a provider of this dialect goes through as it came."""
    if isinstance(error, UpstreamRejected) and (told := _own_words(error)) is not None:
        return error.failure.status or 400, error_headers(error), told
    return _shape(error).status, error_headers(error), encode_json({"error": envelope(error)})


def encode_stream_error(error: RequestFailed) -> bytes:
    """The event that ends a committed stream. No `[DONE]` follows: it would pass for a success."""
    return sse_event(encode_json({"error": envelope(error)}))


def envelope(error: RequestFailed) -> dict[str, Any]:
    """The object under `error`."""
    shape = _shape(error)
    return {"message": error.message, "type": shape.type, "param": error.param, "code": shape.code}


def _shape(error: RequestFailed) -> Shape:
    if not isinstance(error, UpstreamRejected):
        return SHAPES[error.kind]
    failure = error.failure
    if failure.kind == FailureKind.AUTHENTICATION or not 400 <= (failure.status or 400) < 500:
        return SHAPES["upstream_failed"]
    code = REJECTIONS.get(failure.kind, "invalid_request")
    return Shape(failure.status or 400, "invalid_request_error", code)


def _own_words(error: UpstreamRejected) -> bytes | None:
    """The body of a provider of this dialect."""
    body = error.failure.body
    if body is None or _shape(error) is SHAPES["upstream_failed"]:
        return None
    try:
        told = read_object(body)
    except ValueError:
        return None
    return body if isinstance(told.get("error"), dict) and told.get("type") != "error" else None
