"""What an error tells the caller's SDK besides its body."""

from __future__ import annotations

import math
from typing import Final

from turnout.errors import BudgetExhausted, RequestFailed, ServingError
from turnout.types.failure import FailureKind

LONGEST_WAIT_S: Final = 120
"""The longest `retry-after` that the official SDKs follow."""


def error_headers(error: RequestFailed) -> list[tuple[str, str]]:
    """The headers of an error: the decision's id under every name in use, and whether and when to try again."""
    headers = [
        ("content-type", "application/json"),
        ("x-should-retry", "true" if _may_retry(error) else "false"),
    ]
    if error.retry_after_s is not None and math.isfinite(error.retry_after_s):
        wait = min(max(math.ceil(error.retry_after_s), 0), LONGEST_WAIT_S)
        headers.append(("retry-after", str(wait)))
    if isinstance(error, BudgetExhausted):
        headers.append(("x-turnout-budget", error.budget.encode("ascii", "backslashreplace").decode("ascii")))
        if error.resets is not None:
            headers.append(("x-turnout-budget-resets", error.resets))
    headers += error.headers
    if error.decision_id is not None:
        headers += [(name, error.decision_id) for name in ("x-turnout-decision", "x-request-id", "request-id")]
    return headers


def _may_retry(error: RequestFailed) -> bool:
    """Whether the SDK may try again by itself: not after we have, and not where only money helps."""
    failures = error.failures if isinstance(error, ServingError) else ()
    exhausted = any(failure.kind == FailureKind.QUOTA_EXHAUSTED for failure in failures)
    return error.retryable and len(failures) <= 1 and not exhausted
