"""A call whose answer comes as a whole."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from turnout.execution.attempt import LiveAttempt
from turnout.execution.deadline import AttemptFailed
from turnout.execution.opening import GOOD, dispatch, refusal
from turnout.execution.work import Work
from turnout.providers.transport import Exchange
from turnout.types.failure import Failure, FailureKind
from turnout.wire.dialect import ProviderDialect

MAX_ANSWER: Final = 64 * 1024 * 1024
"""The longest whole answer that is accepted, in bytes."""


async def call_unary(attempt: LiveAttempt) -> bytes:
    """Make the call without streaming and check that a complete answer came.

    Returns:
        The answer's body in the caller's dialect.

    Raises:
        AttemptFailed: it is not a complete answer, or did not come in time.
    """
    work, dialect = attempt.work, attempt.endpoint.dialect
    limit_s, late = work.timeouts.answer, FailureKind.ANSWER_TIMEOUT
    answer = _answer(attempt, dispatch(attempt, stream=False))
    exchange, body = await attempt.wait(answer, limit_s, late, since=attempt.began)
    if exchange.status != GOOD:
        raise AttemptFailed(await refusal(attempt, exchange, limit_s, late))
    try:
        body.decode()  # `read_answer` looks at few fields; the others must be text as well
        attempt.facts = dialect.read_answer(body)
        return in_callers_dialect(body, dialect, work)
    except ValueError as error:
        raise AttemptFailed(Failure(kind=FailureKind.NOT_AN_ANSWER, message=str(error), status=200)) from error


async def _answer(attempt: LiveAttempt, opening: Coroutine[Any, Any, Exchange]) -> tuple[Exchange, bytes]:
    """The whole answer under one wait; of an error only the status, which says enough should its body never come."""
    exchange = await opening
    attempt.status = exchange.status
    if exchange.status != GOOD:
        return exchange, b""
    try:
        return exchange, await exchange.read(MAX_ANSWER)
    finally:
        exchange.abort()


def in_callers_dialect(body: bytes, provider: ProviderDialect, work: Work) -> bytes:
    """The provider's own bytes where the dialects are the same; else translated. Raises `ValueError`."""
    if provider.name is work.dialect.name:
        return body
    answer = provider.decode_answer(msgspec.json.decode(body))
    return msgspec.json.encode(work.dialect.encode_answer(answer, work.request.body))
