"""Opening a call: from the request's body to an exchange whose status is good."""

from __future__ import annotations

from typing import Final

from turnout.execution.attempt import LiveAttempt
from turnout.execution.deadline import AttemptFailed
from turnout.providers.transport import Exchange
from turnout.types.failure import Failure, FailureKind

MAX_ERROR_BODY: Final = 1024 * 1024
"""More of an error than this is not read."""

_GOOD: Final = 200


async def open_exchange(attempt: LiveAttempt, *, stream: bool, limit_s: float, late: FailureKind) -> Exchange:
    """Send the request and wait for the headers of an answer with status 200.

    Args:
        attempt: the attempt.
        stream: whether to ask for a stream.
        limit_s: how long the headers may take, in seconds.
        late: the kind of failure when they take longer.

    Raises:
        AttemptFailed: anything else came, or nothing in time.
        InvalidRequest: the caller's body is not a request.
    """
    work, endpoint = attempt.work, attempt.endpoint
    work.deadline.check()
    call = endpoint.call(work.request, work.body_for(endpoint, stream=stream), work.decision_id)
    work.dispatching(endpoint.target)
    attempt.dispatched = True
    opening = endpoint.transport.open(call, connect_timeout=work.timeouts.connect)
    exchange = await attempt.wait(opening, limit_s, late, since=attempt.began)
    attempt.status = exchange.status
    if exchange.status != _GOOD:
        raise AttemptFailed(await _refusal(attempt, exchange, limit_s, late))
    return exchange


async def _refusal(attempt: LiveAttempt, exchange: Exchange, limit_s: float, late: FailureKind) -> Failure:
    """What the provider says about an error status."""
    try:
        body = await attempt.wait(exchange.read(MAX_ERROR_BODY), limit_s, late, since=attempt.began)
    except AttemptFailed:
        body = b""  # the status alone says enough
    finally:
        exchange.abort()
    return attempt.endpoint.dialect.decode_failure(exchange.status, exchange.headers, body)
