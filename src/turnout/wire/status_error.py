"""What an answer with an error status means, whatever dialect its server speaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from turnout.types.failure import Failure, FailureKind
from turnout.wire.event_json import read_object
from turnout.wire.retry_after import retry_after_s

CODES: Final[Mapping[str, FailureKind]] = MappingProxyType(
    {
        "insufficient_quota": FailureKind.QUOTA_EXHAUSTED,
        "billing_hard_limit_reached": FailureKind.QUOTA_EXHAUSTED,
        "billing_not_active": FailureKind.QUOTA_EXHAUSTED,
        "billing_error": FailureKind.QUOTA_EXHAUSTED,
        "context_length_exceeded": FailureKind.CONTEXT_LENGTH,
        "exceed_context_size_error": FailureKind.CONTEXT_LENGTH,
        "content_policy_violation": FailureKind.CONTENT_POLICY,
        "content_filter": FailureKind.CONTENT_POLICY,
        "invalid_prompt": FailureKind.CONTENT_POLICY,
        "overloaded_error": FailureKind.OVERLOADED,
        "invalid_api_key": FailureKind.AUTHENTICATION,
        "authentication_error": FailureKind.AUTHENTICATION,
        "model_not_found": FailureKind.NOT_FOUND,
    }
)
"""Codes and types of errors that say more than the status does."""

_TEXTS: Final = (
    (
        FailureKind.CONTEXT_LENGTH,
        re.compile(
            r"maximum context length|maximum model length|context window|(available )?context size|context limit"
            r"|(prompt|input) is too long|reduce the length of the (messages|prompt|input)"
            r"|`?inputs`? tokens \+ `?max_new_tokens`? must be|input token count .{0,40}exceeds the maximum",
            re.IGNORECASE,
        ),
    ),
    (
        FailureKind.CONTENT_POLICY,
        re.compile(
            r"content management policy|content filter(ing)? policy|violating our usage policy|content policy"
            r"|rejected as a result of our safety system",
            re.IGNORECASE,
        ),
    ),
    (FailureKind.QUOTA_EXHAUSTED, re.compile(r"credit balance is too low|exceeded your current quota", re.IGNORECASE)),
)
"""What servers say in words where they give no code, or one that is also used for other errors."""

_STATUSES: Final[Mapping[int, FailureKind]] = MappingProxyType(
    {
        401: FailureKind.AUTHENTICATION,
        402: FailureKind.QUOTA_EXHAUSTED,
        403: FailureKind.AUTHENTICATION,
        404: FailureKind.NOT_FOUND,
        408: FailureKind.SERVER_ERROR,
        409: FailureKind.SERVER_ERROR,
        429: FailureKind.RATE_LIMITED,
        503: FailureKind.OVERLOADED,
        529: FailureKind.OVERLOADED,
    }
)
_NOT_FOR_ALL_TO_SEE: Final = re.compile(
    r"\b[a-z][a-z0-9+.-]{0,15}://[^\s\"'<>)\]]+|\b(?:sk|pk|rk|key|gsk|xai)[-_][A-Za-z0-9*._-]{6,}|\bAIza[A-Za-z0-9*_-]{6,}|\bBearer\s+\S+",
    re.IGNORECASE,
)
_LONGEST_MESSAGE: Final = 2000


def status_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Read an answer with an error status.

    A code or a text tells more than the status; where neither is known, the status decides.
    """
    code, message, param = _told(body)
    kind = _kind(status, code, message)
    wait = retry_after_s(headers)
    if kind is FailureKind.AUTHENTICATION:
        # What a provider says about a key may hold a part of it.
        told = f"the provider did not accept the key of its account (status {status})"
        return Failure(kind=kind, message=told, status=status, code=code, retry_after_s=wait)
    return Failure(
        kind=kind,
        message=without_secrets(message) or f"the provider answered with status {status}",
        status=status,
        code=code,
        param=param,
        retry_after_s=wait,
        body=body or None,
    )


def without_secrets(message: str) -> str:
    """A foreign message without addresses and keys, of bearable length."""
    return _NOT_FOR_ALL_TO_SEE.sub("[...]", message[:_LONGEST_MESSAGE])


def _kind(status: int, code: str | None, message: str) -> FailureKind:
    if status < 400:
        return FailureKind.REDIRECTED
    if status in (401, 403) and code not in ("content_filter", "content_policy_violation"):
        return FailureKind.AUTHENTICATION
    if code is not None and code in CODES:
        return CODES[code]
    for kind, texts in _TEXTS:
        if texts.search(message[:_LONGEST_MESSAGE]):
            return kind
    if status in _STATUSES:
        return _STATUSES[status]
    return FailureKind.SERVER_ERROR if status >= 500 else FailureKind.BAD_REQUEST


def _told(body: bytes) -> tuple[str | None, str, str | None]:
    """The code or type, the message and the blamed field, in any of the forms that servers use."""
    try:
        whole = read_object(body)
    except ValueError:
        return None, "", None  # a page of HTML: nothing in it is for the caller
    error = whole.get("error")
    if isinstance(error, str):
        return None, error, None
    if not isinstance(error, dict):
        error = whole
    message = next((said for key in ("message", "detail") if isinstance(said := error.get(key), str)), "")
    words = [word for key in ("code", "type") if isinstance(word := error.get(key), str) and word]
    code = next((word for word in words if word in CODES), words[0] if words else None)
    return code, message, _text(error.get("param"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
