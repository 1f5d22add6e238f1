"""Asks a provider how many tokens a request has. It is free and tells nothing of a model's health: it is not booked."""

from __future__ import annotations

from typing import Final

from turnout.execution.deadline import AttemptFailed
from turnout.execution.opening import GOOD, MAX_ERROR_BODY
from turnout.execution.work import Work
from turnout.providers.endpoint import Endpoint
from turnout.providers.transport import HttpCall, TransportFailed
from turnout.types.failure import Failure, FailureKind
from turnout.wire.anthropic_messages.counting import read_count

_REFUSALS: Final = frozenset({400, 413, 422})
"""With these statuses a provider refuses the body; with others (404, 405, ...) it may not know what it was asked."""


async def count_there(work: Work, counting: Endpoint) -> bytes | Failure:
    """The provider's own answer, as it came, or why there is none within the time for a first token.

    Args:
        work: what is to be counted.
        counting: of the caller's dialect, as `Endpoint.counting` has it.
    """
    body = work.dialect.prepare(work.request.raw, counting.target.model, stream=False, ask_usage=False)
    call = counting.call(work.request, body, work.decision_id, stream=False)
    limit_s, late = work.timeouts.first_token, FailureKind.ANSWER_TIMEOUT
    try:
        return await work.deadline.limit(_asked(counting, call, work.timeouts.connect), limit_s, late)
    except (AttemptFailed, TransportFailed) as error:
        return error.failure


def refused(failure: Failure) -> bool:
    """Whether the provider refused the request itself, so that it would refuse to answer it as well."""
    return failure.kind is FailureKind.BAD_REQUEST and failure.status in _REFUSALS


async def _asked(endpoint: Endpoint, call: HttpCall, connect_timeout: float) -> bytes | Failure:
    exchange = await endpoint.transport.open(call, connect_timeout=connect_timeout)
    try:
        body = await exchange.read(MAX_ERROR_BODY)
    finally:
        exchange.abort()
    if exchange.status != GOOD:
        return endpoint.dialect.decode_failure(exchange.status, exchange.headers, body)
    try:
        read_count(body)
    except ValueError as error:
        return Failure(kind=FailureKind.NOT_AN_ANSWER, message=str(error), status=GOOD)
    return body
