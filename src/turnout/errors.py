"""Every error that turnout raises, as one tree.

    TurnoutError
    ├── ConfigError                the configuration is wrong: file, line, key and the fix
    ├── MissingExtra               an optional dependency is not installed: the command that installs it
    ├── LedgerError                the record cannot be written or read
    ├── TenancyError               the store of tenants and keys cannot be written or read
    ├── ArtefactError              a calibration or a model cannot be used: file and the fix
    └── RequestFailed              one request ends without a complete answer
        ├── CallerError            the caller's own: trying the same request again cannot help
        │   ├── InvalidRequest         400  malformed, or says something nobody can express
        │   ├── Unauthenticated        401  no key, or an unknown one
        │   ├── PermissionDenied       403  the key may not do this
        │   ├── UnknownRoute           404  no route or target of that name
        │   ├── UnknownPath            404  no such path
        │   ├── UnknownDecision        404  no such decision of the caller's
        │   ├── RequestTooLarge        413  over a size limit
        │   ├── StillInProgress        409  the first request under its idempotency key is under way
        │   ├── BudgetExhausted        429  too little is left of a budget that the request falls under
        │   ├── RateLimited            429  its key or tenant asks faster than it may
        │   └── KeyReused              422  its idempotency key was used for another request
        └── ServingError           ours or the providers'
            ├── NoCapableTarget        400  every candidate lacks something that the request needs
            ├── UpstreamRejected      4xx  the provider refused the request itself: its own status and message
            ├── UpstreamFailed         502  every candidate failed
            ├── UpstreamBusy      429, 529  every candidate was rate-limited or overloaded
            ├── DeadlineExceeded       504  the request's deadline passed
            ├── Overloaded             503  turnout itself has no room
            ├── Interrupted             —   a committed stream broke off; only ever sent as an error event
            ├── Cancelled              499  the caller left
            └── InternalError          500  a defect of turnout

What one attempt ran into is not an exception but a value, `turnout.types.failure.Failure`: it is kept in the record,
and only the last one, if nothing else helped, becomes one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol


class Failed(Protocol):
    """What the tree needs to know of `turnout.types.failure.Failure`, which stands above it."""

    @property
    def kind(self) -> str:
        """The class of the failure."""
        ...

    @property
    def message(self) -> str:
        """What the provider or the transport said."""
        ...

    @property
    def status(self) -> int | None:
        """The provider's HTTP status."""
        ...

    @property
    def body(self) -> bytes | None:
        """The provider's error body."""
        ...


class TurnoutError(Exception):
    """The root: everything that turnout raises on purpose."""


class ConfigError(TurnoutError):
    """The configuration cannot be used.

    Args:
        problem: what is wrong, in one sentence.
        fix: what to change, in one sentence; may be empty.
        file: the file's path as the user gave it, or None for settings without a file.
        line: the line, counted from 1, or None.
        key: the dotted path of the setting (`routes.support.policy`), or None.
    """

    def __init__(
        self, problem: str, *, fix: str = "", file: str | None = None, line: int | None = None, key: str | None = None
    ) -> None:
        self.problem = problem
        self.fix = fix
        self.file = file
        self.line = line
        self.key = key
        super().__init__(str(self))

    def __str__(self) -> str:
        """One line: `turnout.yaml:12: routes.support.policy: unknown target 'haku'. Did you mean 'haiku'?`."""
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        told = [part for part in (place, self.key, self.problem) if part]
        return ": ".join(told) + (f" {self.fix}" if self.fix else "")


class ConfigErrors(ConfigError):
    """Several `ConfigError` found in one pass over the file, in the order of their lines."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        self.errors = tuple(errors)
        super().__init__(first.problem, fix=first.fix, file=first.file, line=first.line, key=first.key)

    def __str__(self) -> str:
        """Every error on a line of its own."""
        return "\n".join(str(error) for error in self.errors)


class MissingExtra(TurnoutError):
    """An optional dependency is needed and not installed.

    Args:
        feature: what asked for it ("the local model").
        extra: the extra that brings it ("demo").
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(f"{feature} needs an optional dependency. Install it with: pip install 'turnout[{extra}]'")


class ArtefactError(TurnoutError):
    """A calibration or a trained model cannot be read, written or used.

    Args:
        problem: the file and what is wrong with it, in one sentence.
        fix: what to do about it, in one sentence; may be empty.
    """

    def __init__(self, problem: str, *, fix: str = "") -> None:
        self.problem = problem
        self.fix = fix
        super().__init__(f"{problem} {fix}".rstrip())


class LedgerError(TurnoutError):
    """The record cannot be written or read."""


class TenancyError(TurnoutError):
    """The store of tenants and keys cannot be written or read."""


class RequestFailed(TurnoutError):
    """One request ends without a complete answer.

    Attributes:
        kind: the stable machine-readable name; each dialect maps it to its own status and type.
        status: the HTTP status of an OpenAI-shaped answer; a dialect may map `kind` to another.
        param: the field of the request that is at fault, if one is.
        retry_after_s: seconds after which trying again can help, if known.
        retryable: whether the caller's SDK may try again by itself.
        decision_id: the id of the decision that records the request, once there is one.
        headers: what else is to be told the caller in headers, in the words of its dialect.
    """

    kind: ClassVar[str] = "internal"
    status: int = 500
    retryable: ClassVar[bool] = False
    headers: Sequence[tuple[str, str]] = ()

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        decision_id: str | None = None,
    ) -> None:
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.decision_id = decision_id
        super().__init__(message)


class CallerError(RequestFailed):
    """The caller's own: trying the same request again cannot help."""


class InvalidRequest(CallerError):
    """The request is malformed, or says something that nobody can express."""

    kind = "invalid_request"
    status = 400


class Unauthenticated(CallerError):
    """No key, or an unknown one."""

    kind = "unauthenticated"
    status = 401


class PermissionDenied(CallerError):
    """The key is known and may not do this."""

    kind = "permission_denied"
    status = 403


class UnknownRoute(CallerError):
    """No route and no target has the name that the caller asked for as `model`."""

    kind = "unknown_route"
    status = 404


class UnknownPath(CallerError):
    """The gateway has nothing at the path that was asked for."""

    kind = "unknown_path"
    status = 404


class UnknownDecision(CallerError):
    """There is no decision of that id, or it is another tenant's."""

    kind = "unknown_decision"
    status = 404


class RequestTooLarge(CallerError):
    """The request is over a limit of size."""

    kind = "too_large"
    status = 413


class StillInProgress(CallerError):
    """The first request under the same idempotency key is under way; later its answer can be had."""

    kind = "still_in_progress"
    status = 409
    retryable = True


class KeyReused(CallerError):
    """The idempotency key was used for a request that said something else."""

    kind = "key_reused"
    status = 422


class BudgetExhausted(CallerError):
    """Too little is left of a budget that the request falls under; only money or time helps.

    Args:
        message: which one, and when it begins anew.
        budget: its name.
        resets: when it begins anew, in ISO 8601; None where it never does.
        decision_id: as `RequestFailed` has it.
    """

    kind = "budget_exhausted"
    status = 429

    def __init__(
        self, message: str, *, budget: str = "", resets: str | None = None, decision_id: str | None = None
    ) -> None:
        self.budget = budget
        self.resets = resets
        super().__init__(message, decision_id=decision_id)


class RateLimited(CallerError):
    """The key or its tenant asks faster than it may; `retry_after_s` tells when there is room."""

    kind = "rate_limited"
    status = 429
    retryable = True


class ServingError(RequestFailed):
    """The request was fine; ours or the providers' side could not serve it.

    Attributes:
        failures: what each attempt ran into, in order.
    """

    def __init__(
        self,
        message: str,
        *,
        failures: Sequence[Failed] = (),
        retry_after_s: float | None = None,
        decision_id: str | None = None,
    ) -> None:
        self.failures = tuple(failures)
        super().__init__(message, retry_after_s=retry_after_s, decision_id=decision_id)


class NoCapableTarget(ServingError):
    """Every candidate was dropped because it lacks something that the request needs."""

    kind = "no_capable_target"
    status = 400


class UpstreamRejected(ServingError):
    """The provider refused the request itself (400, 404, 413, 422, ...): its status and message are passed on."""

    kind = "upstream_rejected"

    @property
    def failure(self) -> Failed:
        """The refusal."""
        return self.failures[-1]


class UpstreamFailed(ServingError):
    """Every candidate failed."""

    kind = "upstream_failed"
    status = 502


class UpstreamBusy(ServingError):
    """Every candidate was rate-limited or overloaded; `retry_after_s` tells when one may be free."""

    kind = "upstream_busy"
    status = 429
    retryable = True


class DeadlineExceeded(ServingError):
    """The request's deadline passed before an answer was complete."""

    kind = "deadline_exceeded"
    status = 504


class Overloaded(ServingError):
    """turnout itself has no room for the request."""

    kind = "overloaded"
    status = 503
    retryable = True


class Interrupted(ServingError):
    """A committed stream broke off: what was sent stays, and an error event follows it."""

    kind = "interrupted"
    status = 502


class Cancelled(ServingError):
    """The caller left before the answer was complete."""

    kind = "cancelled"
    status = 499


class InternalError(ServingError):
    """A defect of turnout: the log has the details under the decision's id."""

    kind = "internal"
    status = 500
