"""What one attempt ran into, as a value."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class FailureKind(StrEnum):
    """The class of a failure; `turnout.execution.verdict` says for each who may try again."""

    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECTION_LOST = "connection_lost"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    ANSWER_TIMEOUT = "answer_timeout"
    DEADLINE = "deadline"
    TRUNCATED = "truncated"
    NOT_AN_ANSWER = "not_an_answer"
    MALFORMED = "malformed"
    ERROR_EVENT = "error_event"
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    AUTHENTICATION = "authentication"
    BAD_REQUEST = "bad_request"
    CONTEXT_LENGTH = "context_length"
    CONTENT_POLICY = "content_policy"
    NOT_FOUND = "not_found"
    REDIRECTED = "redirected"
    CANCELLED = "cancelled"
    STOPPING = "stopping"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failed attempt.

    Attributes:
        kind: its class.
        message: what the provider or the transport said, without any secret.
        status: the provider's HTTP status, if it got that far.
        code: the provider's own error code or type, if it gave one.
        param: the field of the request that the provider blamed, if it did.
        retry_after_s: how long the provider asked to be left alone, in seconds (never negative or absurd).
        body: the provider's error body, as it came, to be passed on when the caller speaks its dialect.
    """

    kind: FailureKind
    message: str
    status: int | None = None
    code: str | None = None
    param: str | None = None
    retry_after_s: float | None = None
    body: bytes | None = None
