"""One attempt, up to what its caller or the policy is given of it."""

from __future__ import annotations

import msgspec

from turnout.confidence.signals.tail import split_answer
from turnout.execution.attempt import LiveAttempt
from turnout.execution.conversion import Batch, conversion
from turnout.execution.deadline import AttemptFailed
from turnout.execution.provider_stream import ProviderStream
from turnout.execution.streaming import (
    Beginning,
    CommittedStream,
    call_assembled,
    open_stream,
    put_together,
    read_beginning,
    read_to_commit,
)
from turnout.execution.unary import call_unary, for_caller, neutral
from turnout.execution.work import Work
from turnout.providers.endpoint import Endpoint
from turnout.types.candidate import Candidate
from turnout.types.chat import Answer, Finish
from turnout.types.failure import Failure, FailureKind
from turnout.types.timeouts import Commit


class Delivered(msgspec.Struct):
    """An answer for the caller: a whole body in its dialect, or a committed stream.

    Attributes:
        attempt: the attempt that gave it.
        body, stream: the one or the other.
        answer: the same free of its dialect, where the policy holds it to judge it.
        whole: whether that is all of it; else its beginning.
        begun: the events of that.
        stated: how sure the target said it is, where it was asked.
    """

    attempt: LiveAttempt
    body: bytes = b""
    stream: CommittedStream | None = None
    answer: Answer | None = None
    whole: bool = True
    begun: Batch = []
    stated: float | None = None

    def accept(self) -> None:
        """The caller gets it. A stream is booked when it has ended."""
        if self.stream is None:
            self.attempt.answered()

    def discard(self) -> None:
        """The caller gets another answer, or none. What is not there yet of this one is not waited for."""
        if self.whole:
            self.attempt.discarded()
        else:
            self.attempt.stopped()
        if self.stream is not None:
            self.stream.abort()

    async def read_on(self) -> None:
        """Hold the rest of it as well. Raises `AttemptFailed`."""
        completed = False
        try:
            await self._read_on()
            completed = True
        except AttemptFailed as error:
            self.attempt.failed(error.failure)
            raise
        finally:
            if not completed:
                self.attempt.cancelled()
                self.discard()

    async def _read_on(self) -> None:
        try:
            events = self.begun + (await self.stream.hold_rest() if self.stream is not None else [])
        except ValueError as error:
            raise AttemptFailed(Failure(kind=FailureKind.MALFORMED, message=str(error))) from error
        _refuse_filtered(self.attempt)
        self.answer, self.stated = heard(put_together(events, self.attempt), self.attempt)
        self.whole, self.begun = True, []

    def lose(self) -> None:
        """Another call for the same request was first: a stream of which there is more to come is cancelled."""
        if self.stream is not None and not self.stream.over:
            self.attempt.cancelled()
        self.discard()


async def call(attempt: LiveAttempt) -> Delivered:
    """One attempt: streamed, assembled or whole. Raises `AttemptFailed`."""
    completed = False
    try:
        delivered = await (_commit(attempt) if attempt.work.request.stream else _whole(attempt))
        if delivered.stream is None or delivered.stream.over:
            attempt.completed()
        completed = True
    except AttemptFailed as error:
        attempt.failed(error.failure)
        raise
    finally:
        if not completed:
            attempt.cancelled()
    return delivered


async def consult(attempt: LiveAttempt) -> Answer:
    """One attempt at an answer that only the policy sees. Raises `AttemptFailed`."""
    completed = False
    try:
        answer = neutral(await call_unary(attempt), attempt)
        attempt.answered()
        completed = True
    except AttemptFailed as error:
        attempt.failed(error.failure)
        raise
    finally:
        if not completed:
            attempt.cancelled()
    return answer


def heard(body: bytes, attempt: LiveAttempt) -> tuple[Answer, float | None]:
    """A whole answer free of its dialect, and how sure the target says it is where it was asked.

    Raises:
        AttemptFailed: it cannot be read.
    """
    answer = neutral(body, attempt)
    return split_answer(answer) if attempt.tails else (answer, None)


def tells_its_beginning(candidate: Candidate, endpoint: Endpoint, work: Work) -> bool:
    """Whether the call is streamed, for the caller or by ourselves, so that silence is told from a long answer."""
    if work.request.stream:
        return True
    wanted = candidate.more or work.hedge is not None
    return wanted and endpoint.stream_usage and endpoint.dialect.can_assemble(work.request.body)


async def _whole(attempt: LiveAttempt) -> Delivered:
    """An answer as a whole, put together from a stream where that tells silence."""
    assembled = tells_its_beginning(attempt.candidate, attempt.endpoint, attempt.work)
    body = await (call_assembled(attempt) if assembled else call_unary(attempt))
    delivered = Delivered(attempt, for_caller(body, attempt))
    if attempt.candidate.hold:
        delivered.answer, delivered.stated = heard(body, attempt)
    _refuse_filtered(attempt)
    return delivered


async def _commit(attempt: LiveAttempt) -> Delivered:
    """Open a stream and read up to its commit; one that is held, to its gate or its end."""
    stream = await open_stream(attempt)
    committed = False
    try:
        delivered = await _held(stream, attempt) if attempt.candidate.hold else await _begun(stream, attempt)
        committed = True
    except ValueError as error:
        raise AttemptFailed(Failure(kind=FailureKind.MALFORMED, message=str(error))) from error
    finally:
        if not committed:
            stream.abort()
    return delivered


async def _begun(stream: ProviderStream, attempt: LiveAttempt) -> Delivered:
    held = await read_to_commit(stream, attempt.work.commit)
    _refuse_filtered(attempt)
    return Delivered(attempt, stream=_committed(stream, held, attempt))


async def _held(stream: ProviderStream, attempt: LiveAttempt) -> Delivered:
    beginning = Beginning(attempt.endpoint.dialect.decoder(), attempt.candidate.gate or 0)
    if attempt.candidate.gate is None:
        events = await read_to_commit(stream, Commit(tokens=None))
    else:
        events = await read_beginning(stream, beginning)
    _refuse_filtered(attempt)
    if not stream.over:
        begun = _committed(stream, events, attempt)
        return Delivered(attempt, stream=begun, answer=beginning.answer(), whole=False, begun=events)
    answer, stated = heard(put_together(events, attempt), attempt)
    await stream.close()  # all of it is here: others may use its connection while it is judged
    return Delivered(attempt, stream=_committed(stream, events, attempt), answer=answer, stated=stated)


def _committed(stream: ProviderStream, held: Batch, attempt: LiveAttempt) -> CommittedStream:
    converted = conversion(attempt.work, attempt.endpoint, hides=attempt.hides, tails=attempt.tails)
    return CommittedStream(attempt, stream, converted, held)


def _refuse_filtered(attempt: LiveAttempt) -> None:
    """A content filter's stop is an answer, unless the route opted into asking somebody else."""
    facts = attempt.facts
    if attempt.work.content_filter_falls_back and facts and facts.finish is Finish.CONTENT_FILTER:
        raise AttemptFailed(Failure(kind=FailureKind.CONTENT_POLICY, message="the content filter stopped the answer"))
