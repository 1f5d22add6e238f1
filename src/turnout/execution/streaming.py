"""A call whose answer is streamed: read up to the commit, then passed on; or put together for a caller that waits.

Until the commit nothing has been sent to the caller, so another candidate can take over; after it none may, and what
goes wrong becomes an error event in the caller's dialect.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial

from turnout.confidence.signals.logprobs import said_tokens
from turnout.errors import Cancelled, InternalError, Interrupted, RequestFailed
from turnout.execution.attempt import LiveAttempt
from turnout.execution.conversion import Batch, Conversion
from turnout.execution.deadline import AttemptFailed
from turnout.execution.opening import GOOD, dispatch, refusal
from turnout.execution.provider_stream import ProviderStream
from turnout.execution.unary import MAX_ANSWER, no_answer
from turnout.types.chat import Answer
from turnout.types.failure import Failure, FailureKind
from turnout.types.timeouts import Commit
from turnout.wire.dialect import StreamDecoder
from turnout.wire.event_json import encode_json
from turnout.wire.gathered import Gathered

Settle = Callable[[RequestFailed | None], object]
"""Told once how a stream ended, before its last bytes go out: writes the record. Never raises."""


async def open_stream(attempt: LiveAttempt) -> ProviderStream:
    """Make the call with streaming. Raises `AttemptFailed`."""
    limit_s, late = attempt.work.timeouts.first_token, FailureKind.FIRST_TOKEN_TIMEOUT
    exchange = await attempt.wait(dispatch(attempt, stream=True), limit_s, late, since=attempt.began)
    attempt.status = exchange.status
    if exchange.status != GOOD:
        raise AttemptFailed(await refusal(attempt, exchange, limit_s, late))
    return ProviderStream(attempt, exchange)


async def call_assembled(attempt: LiveAttempt) -> bytes:
    """Make the call with streaming for a caller that waits for the whole answer, and put that together.

    So a provider that has gone silent is told from one that is writing a long answer.

    Returns:
        The answer's body as the provider would have sent it whole.

    Raises:
        AttemptFailed: it is not a complete answer, or did not come in time.
    """
    stream = await open_stream(attempt)
    try:
        return put_together(await read_to_commit(stream, Commit(tokens=None)), attempt)
    finally:
        await stream.close()


def put_together(events: Batch, attempt: LiveAttempt) -> bytes:
    """The whole answer that the events of a finished stream are. Raises `AttemptFailed` where they are none."""
    assembler = attempt.endpoint.dialect.assembler()
    try:
        for event, _ in events:
            assembler.add(event)
        return encode_json(assembler.body())
    except ValueError as error:
        raise no_answer(error) from error


class Beginning:
    """The first tokens of an answer, free of their dialect.

    Args:
        decoder: of the provider's events.
        tokens: how many are wanted.
    """

    def __init__(self, decoder: StreamDecoder, tokens: int) -> None:
        self._decoder = decoder
        self._tokens = tokens
        self._gathered = Gathered()

    def add(self, batch: Batch) -> None:
        """Take further events. Raises `ValueError` for one that is not of the dialect."""
        for event, _ in batch:
            for delta in self._decoder.decode(event):
                self._gathered.add(delta)

    @property
    def there(self) -> bool:
        """Whether all of them are, with their log-probabilities."""
        return self._gathered.tokens >= self._tokens and len(said_tokens(self.answer())) >= self._tokens

    def answer(self) -> Answer:
        """The answer as far as it has come."""
        return self._gathered.answer()


async def read_beginning(stream: ProviderStream, beginning: Beginning) -> Batch:
    """Read until the beginning is there, or all of a shorter answer. Raises `AttemptFailed` and `ValueError`."""
    held: Batch = []
    while not stream.over and not beginning.there:
        batch = await stream.next_batch()
        beginning.add(batch)
        held += batch
        _refuse_too_much(stream)
    if stream.broken is not None:
        raise AttemptFailed(stream.broken)
    return held


async def read_to_commit(stream: ProviderStream, commit: Commit) -> Batch:
    """Read until the stream may be committed; what was read is held back until then.

    Raises:
        AttemptFailed: it failed before that, so another candidate can take over.
    """
    held: Batch = []
    while not stream.over:
        held += await stream.next_batch()
        if commit.tokens is not None and stream.tokens >= commit.tokens:
            break
        _refuse_too_much(stream)
    if stream.broken is not None:
        raise AttemptFailed(stream.broken)
    return held


def _refuse_too_much(stream: ProviderStream) -> None:
    if stream.size > MAX_ANSWER:
        raise AttemptFailed(Failure(kind=FailureKind.NOT_AN_ANSWER, message=f"over {MAX_ANSWER} bytes held"))


class CommittedStream:
    """A stream whose first part is ready for the caller: from here on nothing else can take over.

    Raises:
        ValueError: the first part cannot be translated.
    """

    def __init__(self, attempt: LiveAttempt, stream: ProviderStream, conversion: Conversion, held: Batch) -> None:
        self._attempt = attempt
        self._stream = stream
        self._conversion = conversion
        self._first = conversion.convert(held)

    @property
    def over(self) -> bool:
        """Whether the whole answer is here."""
        return self._stream.over

    async def hold_rest(self) -> Batch:
        """Read to its end before anything goes to the caller. Raises `AttemptFailed` and `ValueError`."""
        rest = await read_to_commit(self._stream, Commit(tokens=None))
        await self._stream.close()  # all of it is here: others may use its connection while it is judged
        self._first += self._conversion.convert(rest)
        return rest

    def abort(self) -> None:
        """Nobody will take it."""
        self._stream.abort()

    def pieces(self, settle: Settle) -> CommittedPieces:
        """The caller's bytes, to be asked for once. `settle` is called before the last of them is yielded."""
        return CommittedPieces(self._pieces(settle), partial(self._leave, settle))

    async def _pieces(self, settle: Settle) -> AsyncGenerator[bytes, None]:
        attempt, stream = self._attempt, self._stream
        clock, trace = attempt.work.clock, attempt.work.trace
        try:
            piece = self._first
            while not stream.over:
                if piece:
                    sent = clock.monotonic()
                    yield piece
                    trace.waited_s += clock.monotonic() - sent
                piece = self._conversion.convert(await stream.next_batch())
            yield piece + self._close(settle)
        except (AttemptFailed, ValueError) as error:
            yield self._break_off(_failure_of(error), settle)
        except (asyncio.CancelledError, GeneratorExit):
            self._leave(settle)
            raise
        finally:
            self._leave(settle, InternalError("turnout failed in the middle of the answer"))
            await stream.close()

    def _leave(self, settle: Settle, error: RequestFailed | None = None) -> None:
        """Nothing more is sent; unless all is booked, because the caller left or because of `error`."""
        if not self._attempt.booked:
            self._attempt.cancelled()
            settle(error or Cancelled("the caller left before the answer was complete"))
            self._stream.abort()

    def _close(self, settle: Settle) -> bytes:
        """The stream is over: book it, and return what belongs after its last event."""
        if self._stream.broken is not None:
            return self._break_off(self._stream.broken, settle)
        end = b"" if self._stream.reader.ended else self._conversion.end()
        self._attempt.answered()
        settle(None)
        return end

    def _break_off(self, failure: Failure, settle: Settle) -> bytes:
        """Book the failure, and return the error event that tells the caller."""
        error = Interrupted(f"The answer broke off: {failure.message}.", failures=(failure,))
        error.decision_id = self._attempt.work.decision_id
        self._attempt.failed(failure)
        settle(error)
        told = self._stream.error_event if self._conversion.verbatim else None
        return told or self._attempt.work.dialect.encode_stream_error(error)


class CommittedPieces:
    """See `turnout.types.reply.Pieces`. A generator alone would not do: one that was never begun runs no `finally`."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], leave: Callable[[], None]) -> None:
        self._pieces = pieces
        self._leave = leave

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        """See `Pieces.aclose`."""
        await self._pieces.aclose()
        self._leave()


def _failure_of(error: AttemptFailed | ValueError) -> Failure:
    """A `ValueError` comes from translating an event that is not of the provider's dialect."""
    if isinstance(error, AttemptFailed):
        return error.failure
    return Failure(kind=FailureKind.MALFORMED, message=str(error))
