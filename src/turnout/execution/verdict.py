"""What follows from each kind of failure: one table that everything else reads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from turnout.types.failure import FailureKind


class Verdict(NamedTuple):
    """What a kind of failure means.

    Attributes:
        falls_back: the next candidate may help; otherwise the request ends here.
        retries: another attempt at the same target may help.
        counts: it speaks against the target's health (a failure that the caller caused never does).
        billed: the provider may bill what was sent and generated.
    """

    falls_back: bool
    retries: bool
    counts: bool
    billed: bool


_UNREACHED = Verdict(falls_back=True, retries=True, counts=True, billed=False)
_REFUSED = Verdict(falls_back=True, retries=True, counts=True, billed=False)
_BROKEN = Verdict(falls_back=True, retries=True, counts=True, billed=True)
_SILENT = Verdict(falls_back=True, retries=False, counts=True, billed=True)
_OUR_ACCOUNT = Verdict(falls_back=True, retries=False, counts=True, billed=False)
_CALLERS_OWN = Verdict(falls_back=False, retries=False, counts=False, billed=False)
_TOO_LARGE_HERE = Verdict(falls_back=True, retries=False, counts=False, billed=False)
_OUT_OF_TIME = Verdict(falls_back=False, retries=False, counts=False, billed=True)

VERDICTS: Final[Mapping[FailureKind, Verdict]] = MappingProxyType(
    {
        FailureKind.CONNECT_FAILED: _UNREACHED,
        FailureKind.CONNECT_TIMEOUT: _UNREACHED,
        FailureKind.CONNECTION_LOST: _BROKEN,
        FailureKind.FIRST_TOKEN_TIMEOUT: _SILENT,
        FailureKind.IDLE_TIMEOUT: _SILENT,
        FailureKind.ANSWER_TIMEOUT: _SILENT,
        FailureKind.DEADLINE: _OUT_OF_TIME,
        FailureKind.TRUNCATED: _BROKEN,
        FailureKind.NOT_AN_ANSWER: _BROKEN,
        FailureKind.MALFORMED: _BROKEN,
        FailureKind.ERROR_EVENT: _BROKEN,
        FailureKind.SERVER_ERROR: _REFUSED,
        FailureKind.OVERLOADED: _REFUSED,
        FailureKind.RATE_LIMITED: _REFUSED,
        FailureKind.QUOTA_EXHAUSTED: _OUR_ACCOUNT,
        FailureKind.AUTHENTICATION: _OUR_ACCOUNT,
        FailureKind.REDIRECTED: _OUR_ACCOUNT,
        FailureKind.BAD_REQUEST: _CALLERS_OWN,
        FailureKind.NOT_FOUND: _CALLERS_OWN,
        FailureKind.CONTENT_POLICY: _CALLERS_OWN,
        FailureKind.CONTEXT_LENGTH: _TOO_LARGE_HERE,
        FailureKind.CANCELLED: _OUT_OF_TIME,
        FailureKind.STOPPING: _OUT_OF_TIME,
    }
)
