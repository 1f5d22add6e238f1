"""What an error inside a stream means, whatever dialect the stream is in."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from turnout.types.failure import Failure, FailureKind
from turnout.wire.status_error import CODES, without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Mapping[str, FailureKind] = MappingProxyType(
    {
        **CODES,
        "overloaded": FailureKind.OVERLOADED,
        "engine_overloaded_error": FailureKind.OVERLOADED,
        "503": FailureKind.OVERLOADED,
        "529": FailureKind.OVERLOADED,
        "rate_limit_error": FailureKind.RATE_LIMITED,
        "rate_limit_exceeded": FailureKind.RATE_LIMITED,
        "429": FailureKind.RATE_LIMITED,
        "402": FailureKind.QUOTA_EXHAUSTED,
        "permission_error": FailureKind.AUTHENTICATION,
        "401": FailureKind.AUTHENTICATION,
        "403": FailureKind.AUTHENTICATION,
        "not_found_error": FailureKind.NOT_FOUND,
        "404": FailureKind.NOT_FOUND,
        "invalid_request_error": FailureKind.BAD_REQUEST,
        "400": FailureKind.BAD_REQUEST,
        "422": FailureKind.BAD_REQUEST,
    }
)
"""Codes and types that decide where no status does. A code that is a status is written as digits."""


def stream_failure(error: Any, data: bytes) -> Failure:
    """Read an event's error: the object under `error` (both dialects), or whatever stands in its place.

    Args:
        error: the decoded value.
        data: the event's data, kept to be passed on to a caller of the same dialect.
    """
    if not isinstance(error, dict):
        return Failure(kind=FailureKind.ERROR_EVENT, message=_said(error), body=data)
    words = [str(word) for word in (error.get("code"), error.get("type")) if word not in (None, "")]
    kind = next((KINDS[word] for word in words if word in KINDS), FailureKind.ERROR_EVENT)
    if kind is FailureKind.AUTHENTICATION:
        # What a provider says about a key may hold a part of it.
        return Failure(kind=kind, message="the provider did not accept the key of its account", code=words[0])
    param = error.get("param")
    return Failure(
        kind=kind,
        message=_said(error.get("message")),
        code=words[0] if words else None,
        param=param if isinstance(param, str) else None,
        body=data,
    )


def _said(message: Any) -> str:
    said = without_secrets(message) if isinstance(message, str) else ""
    return said or "the provider ended its stream with an error"
