"""Another attempt at the same target: when it is allowed, and after how long.

Only the last candidate of a chain is retried: while another one remains, falling back is faster. Full jitter after
M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import random

import msgspec

from turnout.execution.deadline import Deadline
from turnout.execution.verdict import VERDICTS
from turnout.types.failure import Failure


class RetrySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how fast to try again; times in seconds."""

    attempts: int = 2
    base: float = 0.25
    longest: float = 4.0


def pause_before_retry(
    failure: Failure, made: int, settings: RetrySettings, deadline: Deadline, *, more: bool
) -> float | None:
    """How long to wait before trying the same target again, in seconds; None if it must not be tried again.

    Args:
        failure: what the last attempt ran into.
        made: how many attempts at this target have been made.
        settings: the limits.
        deadline: the request's deadline: a wait that would pass it is not begun.
        more: whether another candidate may follow.
    """
    if more or made >= settings.attempts or not VERDICTS[failure.kind].retries:
        return None
    pause = failure.retry_after_s
    if pause is None:
        pause = random.uniform(0, min(settings.longest, settings.base * 2.0**made))  # noqa: S311 - jitter
    return pause if pause <= settings.longest and pause < deadline.remaining else None
