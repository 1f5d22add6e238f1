"""Errors, in the words of Gemini: https://ai.google.dev/gemini-api/docs/troubleshooting and google.rpc.Status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from turnout.types.failure import Failure, FailureKind
from turnout.wire.event_json import decode_json, encode_json
from turnout.wire.retry_after import retry_after_s
from turnout.wire.status_error import status_failure
from turnout.wire.stream_error import stream_failure

_DEAD_KEY: Final = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED"})
"""Reasons of a bad request that are not the caller's: it is our key that is bad."""


def decode_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What an answer with an error status means. The body is left out: no caller speaks this dialect."""
    error = _error(body)
    if _DEAD_KEY & {detail.get("reason") for detail in _details(error)}:
        status_of_key = 401
        return msgspec.structs.replace(status_failure(status_of_key, headers, body), status=status)
    failure = status_failure(status, headers, encode_json({"error": error}) if error else body)
    kind = failure.kind
    if status == 429:
        # It says "exceeded your current quota" of every limit, those of a minute included.
        kind = FailureKind.QUOTA_EXHAUSTED if _is_of_the_day(error) else FailureKind.RATE_LIMITED
    elif error.get("status") == "FAILED_PRECONDITION":
        kind = FailureKind.QUOTA_EXHAUSTED  # the account is not billed, which some countries and models ask for
    wait = failure.retry_after_s if failure.retry_after_s is not None else _retry_delay_s(error)
    return msgspec.structs.replace(failure, kind=kind, code=_status(error), retry_after_s=wait, body=None)


def event_failure(error: Any, data: bytes) -> Failure:
    """What an error within a stream means."""
    failure = stream_failure(error, data)
    told = error if isinstance(error, dict) else {}
    return msgspec.structs.replace(failure, code=_status(told), retry_after_s=_retry_delay_s(told), body=None)


def _error(body: bytes) -> dict[str, Any]:
    """The error's object, which some of the servers put into a list; empty where there is none."""
    try:
        whole = decode_json(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(whole, list) and whole:
        whole = whole[0]
    error = whole.get("error") if isinstance(whole, dict) else None
    return error if isinstance(error, dict) else {}


def _status(error: Mapping[str, Any]) -> str | None:
    status = error.get("status")
    return status if isinstance(status, str) and status else None


def _details(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = error.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _is_of_the_day(error: Mapping[str, Any]) -> bool:
    """Whether a quota of the day is used up, which no wait of seconds brings back."""
    violated = [each for detail in _details(error) for each in detail.get("violations") or () if isinstance(each, dict)]
    return any("PerDay" in str(violation.get("quotaId")) for violation in violated)


def _retry_delay_s(error: Mapping[str, Any]) -> float | None:
    """`RetryInfo.retryDelay`, a duration as JSON has it: `34.07s`."""
    delays = (detail.get("retryDelay") for detail in _details(error))
    delay = next((delay for delay in delays if isinstance(delay, str)), "")
    return retry_after_s({"retry-after": delay.removesuffix("s")})
