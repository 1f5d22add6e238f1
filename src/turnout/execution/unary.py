"""A call whose answer comes as a whole."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from turnout.confidence.signals.tail import split_answer
from turnout.execution.attempt import LiveAttempt
from turnout.execution.deadline import AttemptFailed
from turnout.execution.opening import GOOD, dispatch, refusal
from turnout.providers.transport import Exchange
from turnout.types.chat import Answer
from turnout.types.failure import Failure, FailureKind
from turnout.wire.event_json import encode_json, read_object

MAX_ANSWER: Final = 64 * 1024 * 1024
"""The longest whole answer that is accepted, in bytes."""


async def call_unary(attempt: LiveAttempt) -> bytes:
    """Make the call without streaming and check that a complete answer came.

    Returns:
        The answer's body as the provider sent it.

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
    except ValueError as error:
        raise no_answer(error) from error
    return body


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


def for_caller(body: bytes, attempt: LiveAttempt) -> bytes:
    """A whole answer in the caller's dialect: the provider's own bytes where the dialects are the same.

    Raises:
        AttemptFailed: it cannot be translated.
    """
    work, provider = attempt.work, attempt.endpoint.dialect
    same = provider.name is work.dialect.name and not attempt.tails
    if same and not attempt.hides:
        return body
    try:
        told = read_object(body)
        if same:
            work.dialect.hide_logprobs(told)
            return encode_json(told)
        answer = provider.decode_answer(told)
        if attempt.tails:
            answer, _ = split_answer(answer)
        if attempt.hides:
            answer = msgspec.structs.replace(answer, logprobs=())
        return encode_json(work.dialect.encode_answer(answer, work.request.body))
    except ValueError as error:
        raise no_answer(error) from error


def neutral(body: bytes, attempt: LiveAttempt) -> Answer:
    """A whole answer free of its dialect. Raises `AttemptFailed` where it cannot be read."""
    try:
        return attempt.endpoint.dialect.decode_answer(read_object(body))
    except ValueError as error:
        raise no_answer(error) from error


def no_answer(error: ValueError) -> AttemptFailed:
    """What came with status 200 is no answer of its dialect."""
    return AttemptFailed(Failure(kind=FailureKind.NOT_AN_ANSWER, message=str(error), status=GOOD))
