"""A provider's stream, read event by event under the limits of time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from turnout.execution.attempt import LiveAttempt
from turnout.execution.conversion import Batch
from turnout.execution.deadline import AttemptFailed
from turnout.providers.transport import Exchange, TransportFailed
from turnout.types.failure import Failure, FailureKind
from turnout.types.stream import Mark
from turnout.wire.dialect import StreamReader
from turnout.wire.sse import SseEvent, SseSplitter

_TOKEN: Final[Mark] = Mark.TOKEN  # an event that is only this, as nearly all are, needs no comparing of flags
_TRUNCATED: Final = "the stream ended before the provider said that the answer is complete"
_EMPTY: Final = "the stream ended without an answer"
_LINGER_S: Final = 0.05
"""How long a finished stream may take to end its body, so that its connection can be used again."""


class ProviderStream:
    """The provider's events as they come, each with its mark.

    Attributes:
        reader: what the events said so far.
        over: nothing more is to be read: the answer is complete, or `broken` says why it is not.
        broken: what went wrong within the stream, if something did.
        error_event: the provider's own error event, as it came.
        tokens: meaningful events so far.
        size: bytes read so far.
    """

    def __init__(self, attempt: LiveAttempt, exchange: Exchange) -> None:
        work, endpoint = attempt.work, attempt.endpoint
        same = endpoint.dialect.name is work.dialect.name and work.request.stream
        self.reader: StreamReader = endpoint.dialect.reader(work.request.body if same else None)
        self.over = False
        self.broken: Failure | None = None
        self.error_event: bytes | None = None
        self.tokens = 0
        self.size = 0
        self._attempt = attempt
        self._exchange = exchange
        self._chunks: AsyncIterator[bytes] = exchange.chunks()
        self._splitter = SseSplitter()
        attempt.facts = self.reader

    async def next_batch(self) -> Batch:
        """The events of the next chunk, possibly none.

        After the provider's finish signal nothing of the answer is missing, so that a connection which then breaks or
        goes silent is the end of the stream like any other.

        Raises:
            AttemptFailed: the connection broke, or nothing came in time. An error that the provider tells within
                the stream, and a truncated stream, are in `broken` instead: what came before them is returned first.
        """
        try:
            chunk = await self._next_chunk()
        except AttemptFailed:
            if self.reader.finish is None:
                raise
            chunk = None
        if chunk is None:
            self._at_end()
            return []
        self.size += len(chunk)
        try:
            return self._marked(self._splitter.feed(chunk))
        except ValueError as error:
            self._break(Failure(kind=FailureKind.MALFORMED, message=str(error)))
            return []

    def abort(self) -> None:
        """Let go of the connection at once."""
        self._exchange.abort()

    async def close(self) -> None:
        """Let go of the connection: back to the pool if the answer was read to its end, else closed. Never fails."""
        try:
            if self.over and self.broken is None:
                async with asyncio.timeout(_LINGER_S):
                    await anext(self._chunks, None)
        except (TransportFailed, TimeoutError):
            pass
        finally:
            self._exchange.abort()

    async def _next_chunk(self) -> bytes | None:
        attempt, timeouts = self._attempt, self._attempt.work.timeouts
        pull = anext(self._chunks, None)
        if self.tokens:
            return await attempt.wait(pull, timeouts.idle, FailureKind.IDLE_TIMEOUT)
        return await attempt.wait(pull, timeouts.first_token, FailureKind.FIRST_TOKEN_TIMEOUT, since=attempt.began)

    def _marked(self, events: list[SseEvent]) -> Batch:
        batch: Batch = []
        read = self.reader.read
        for event in events:
            mark = read(event)
            batch.append((event, mark))
            if mark is _TOKEN:
                self._count_token()
                continue
            if Mark.ERROR in mark:
                self.error_event = event.raw
                self._break(self.reader.failure or Failure(kind=FailureKind.ERROR_EVENT, message="unknown error"))
            elif Mark.END in mark:
                self._at_end()
            elif Mark.TOKEN in mark:
                self._count_token()
            if self.over:
                if self.broken is not None:  # the end would tell the caller that a truncated answer is complete
                    batch.pop()
                break
        return batch

    def _count_token(self) -> None:
        if not self.tokens:
            self._attempt.saw_token()
        self.tokens += 1

    def _at_end(self) -> None:
        self.over = True
        if self.reader.finish is None:
            kind, said = (FailureKind.TRUNCATED, _TRUNCATED) if self.tokens else (FailureKind.NOT_AN_ANSWER, _EMPTY)
            self._break(Failure(kind=kind, message=said, status=self._attempt.status))

    def _break(self, failure: Failure) -> None:
        self.over = True
        self.broken = failure
        if failure.kind is FailureKind.MALFORMED:
            self.error_event = None
