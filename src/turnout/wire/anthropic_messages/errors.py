"""Errors, in the words of Messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from turnout.errors import RequestFailed, ServingError, UpstreamRejected
from turnout.types.failure import Failure, FailureKind
from turnout.wire.error_headers import error_headers
from turnout.wire.event_json import encode_json, read_object
from turnout.wire.sse import sse_event
from turnout.wire.status_error import status_failure


class Shape(NamedTuple):
    """How an error looks to the caller: the HTTP status, and the envelope's `type`."""

    status: int
    type: str


SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "invalid_request": Shape(400, "invalid_request_error"),
        "unauthenticated": Shape(401, "authentication_error"),
        "permission_denied": Shape(403, "permission_error"),
        "unknown_route": Shape(404, "not_found_error"),
        "unknown_path": Shape(404, "not_found_error"),
        "unknown_decision": Shape(404, "not_found_error"),
        "too_large": Shape(413, "request_too_large"),
        "still_in_progress": Shape(409, "invalid_request_error"),
        "budget_exhausted": Shape(402, "billing_error"),
        "rate_limited": Shape(429, "rate_limit_error"),
        "key_reused": Shape(422, "invalid_request_error"),
        "no_capable_target": Shape(400, "invalid_request_error"),
        "upstream_failed": Shape(502, "api_error"),
        "upstream_busy": Shape(429, "rate_limit_error"),
        "deadline_exceeded": Shape(504, "timeout_error"),
        "overloaded": Shape(529, "overloaded_error"),
        "interrupted": Shape(502, "api_error"),
        "cancelled": Shape(499, "api_error"),
        "internal": Shape(500, "api_error"),
    }
)
"""By the error's `kind`."""

REJECTIONS: Final[Mapping[int, str]] = MappingProxyType(
    {402: "billing_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error"}
)
"""The `type` of what a provider of another dialect refused, by status; `invalid_request_error` for every other."""


def decode_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What an answer with an error status means."""
    return status_failure(status, headers, body)


def encode_error(error: RequestFailed) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body; a refusal of a provider of this dialect goes through as it came."""
    if isinstance(error, UpstreamRejected) and (told := _own_words(error)) is not None:
        return error.failure.status or 400, error_headers(error), told
    shape = _shape(error)
    return shape.status, error_headers(error), encode_json(_envelope(error, shape))


def encode_stream_error(error: RequestFailed) -> bytes:
    """The event that ends a committed stream; no `message_stop` follows."""
    return sse_event(encode_json(_envelope(error, _shape(error))), "error")


def _shape(error: RequestFailed) -> Shape:
    if isinstance(error, UpstreamRejected):
        status = error.failure.status or 400
        if error.failure.kind == FailureKind.AUTHENTICATION or not 400 <= status < 500:
            return SHAPES["upstream_failed"]
        return Shape(status, REJECTIONS.get(status, "invalid_request_error"))
    if error.kind == "upstream_busy" and isinstance(error, ServingError) and _only_overloaded(error):
        return SHAPES["overloaded"]
    return SHAPES[error.kind]


def _only_overloaded(error: ServingError) -> bool:
    kinds = {failure.kind for failure in error.failures}
    return kinds == {FailureKind.OVERLOADED}


def _envelope(error: RequestFailed, shape: Shape) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": shape.type, "message": error.message},
        "request_id": error.decision_id,
    }


def _own_words(error: UpstreamRejected) -> bytes | None:
    """The body of a provider of this dialect."""
    body = error.failure.body
    if body is None or _shape(error) is SHAPES["upstream_failed"]:
        return None
    try:
        told = read_object(body)
    except ValueError:
        return None
    return body if told.get("type") == "error" and isinstance(told.get("error"), dict) else None
