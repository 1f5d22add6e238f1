"""A stream that is begun before its first token is there, so that it can be kept alive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from turnout.errors import RequestFailed
from turnout.types.reply import Pieces, Reply
from turnout.wire.dialect import CallerDialect
from turnout.wire.sse import WAITING


async def begun_early(
    answering: Coroutine[Any, Any, Reply], after_s: float, early: Callable[[], Reply], dialect: CallerDialect
) -> Reply:
    """The reply that `answering` gives, if it is there within `after_s` seconds; else that of `early`, streaming it.

    Nothing of any answer has been sent by then, so other candidates may still take over; only the HTTP status is given
    up, and what goes wrong from then on is an error event.

    Args:
        answering: makes the reply, whose answer is streamed.
        after_s: how long the status is kept open, in seconds.
        early: makes status and headers of a stream that is begun before it is known who answers.
        dialect: the caller's.

    Raises:
        RequestFailed: there is no answer, and that was known in time.
    """
    task = asyncio.create_task(answering)
    try:
        await asyncio.wait({task}, timeout=after_s)
    except asyncio.CancelledError:
        await _cancel(task)
        raise
    if task.done():
        return task.result()
    reply = early()
    reply.stream = EarlyPieces(task, dialect)
    return reply


class EarlyPieces:
    """See `turnout.types.reply.Pieces`: a comment, then what the reply streams once it is there."""

    def __init__(self, task: asyncio.Task[Reply], dialect: CallerDialect) -> None:
        self._task = task
        self._dialect = dialect
        self._pieces = self._run()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        """See `Pieces.aclose`."""
        await self._pieces.aclose()
        await _cancel(self._task)

    async def _run(self) -> AsyncGenerator[bytes, None]:
        yield WAITING
        try:
            stream = _stream_of(await self._task)
        except RequestFailed as error:
            yield self._dialect.encode_stream_error(error)
            return
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                yield piece


async def _cancel(task: asyncio.Task[Reply]) -> None:
    """Nobody wants the reply: end what makes it, or what it streams."""
    task.cancel()
    with suppress(asyncio.CancelledError, RequestFailed):
        await asyncio.wait({task})
        await _stream_of(task.result()).aclose()


def _stream_of(reply: Reply) -> Pieces:
    if reply.stream is None:
        raise ValueError("the reply is not a stream")
    return reply.stream
