"""Opening a call: from the request's body to the status of its answer."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from turnout.execution.asking import asked
from turnout.execution.attempt import LiveAttempt
from turnout.execution.deadline import AttemptFailed
from turnout.providers.transport import Exchange
from turnout.types.failure import Failure, FailureKind

MAX_ERROR_BODY: Final = 1024 * 1024
"""More of an error than this is not read."""

GOOD: Final = 200


def dispatch(attempt: LiveAttempt, *, stream: bool) -> Coroutine[Any, Any, Exchange]:
    """Announce the call; awaiting what is returned makes it.

    Args:
        attempt: the attempt.
        stream: whether to ask for a stream.

    Raises:
        AttemptFailed: the deadline has passed.
        InvalidRequest: the caller's body is not a request.
    """
    work, endpoint = attempt.work, attempt.endpoint
    work.deadline.check()
    body, attempt.hides, attempt.tails = asked(work, attempt.candidate, endpoint, stream=stream)
    call = endpoint.call(work.request, body, work.decision_id, stream=stream)
    work.dispatching(endpoint.target)
    attempt.dispatched = True
    attempt.fault = call.fault
    return endpoint.transport.open(call, connect_timeout=work.timeouts.connect)


async def refusal(attempt: LiveAttempt, exchange: Exchange, limit_s: float, late: FailureKind) -> Failure:
    """What the provider says about an error status, if it does so within `limit_s` seconds of the attempt's begin."""
    try:
        body = await attempt.wait(exchange.read(MAX_ERROR_BODY), limit_s, late, since=attempt.began)
    except AttemptFailed:
        body = b""  # the status alone says enough
    finally:
        exchange.abort()
    return attempt.endpoint.dialect.decode_failure(exchange.status, exchange.headers, body)
