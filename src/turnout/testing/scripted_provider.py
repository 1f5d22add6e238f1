"""A provider in memory that says what it is told to, call by call."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from turnout.providers.transport import HttpCall, TransportFailed
from turnout.types.chat import Answer, Finish, Text
from turnout.types.dialect import DialectName
from turnout.types.failure import FailureKind
from turnout.types.stream import Delta, Ended, Finished, Started, TextDelta, UsageReported
from turnout.types.usage import Usage
from turnout.wire.registry import dialect
from turnout.wire.sse import SseSplitter

INPUT_TOKENS = 10
"""What every scripted answer reports to have read; it reports a token for each word it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one call is answered with, byte for byte.

    Attributes:
        chunks: the body.
        status: the HTTP status.
        headers: the headers, lower-case names.
        breaks: how the connection breaks after the chunks; without any, before the headers.
        hangs: whether nothing more comes after the chunks; without any, not even headers.
    """

    chunks: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: FailureKind | None = None
    hangs: bool = False


class ScriptedProvider:
    """A `turnout.providers.transport.Transport` without a network.

        provider = ScriptedProvider(DialectName.OPENAI_CHAT, FailureKind.CONNECTION_LOST, "Hello there.")

    breaks the first call and answers the second. A text is a complete answer in the dialect, streamed word by word if
    the call asks for a stream; a `FailureKind` breaks the call before its headers; a `Said` is sent as it stands.

    Args:
        dialect: what texts are put into.
        script: what each call gets, in order.

    Attributes:
        calls: what was sent, oldest first.
        under_way: how many answers have been begun and neither read to their end nor aborted.
    """

    def __init__(self, dialect: DialectName, *script: str | FailureKind | Said) -> None:
        self.calls: list[HttpCall] = []
        self.under_way = 0
        self._dialect = dialect
        self._script = deque(script)

    async def open(self, call: HttpCall, *, connect_timeout: float) -> ScriptedExchange:  # noqa: ARG002 - the protocol's
        """See `Transport.open`. Raises `AssertionError` when the script is over."""
        assert self._script, "one call more than the script has"
        self.calls.append(call)
        said = self._said(self._script.popleft(), call)
        if not said.chunks and said.hangs:
            await asyncio.Event().wait()
        if not said.chunks and said.breaks is not None:
            raise TransportFailed(said.breaks, "the script says so")
        return ScriptedExchange(said, self)

    async def close(self) -> None:
        """See `Transport.close`."""

    def _said(self, line: str | FailureKind | Said, call: HttpCall) -> Said:
        match line:
            case Said():
                return line
            case FailureKind():
                return Said(breaks=line)
            case _:
                return Said(chunks=scripted_answer(self._dialect, line, msgspec.json.decode(call.body)))


class ScriptedExchange:
    """See `turnout.providers.transport.Exchange`."""

    def __init__(self, said: Said, provider: ScriptedProvider) -> None:
        self.status = said.status
        self.headers: Mapping[str, str] = said.headers
        self._said = said
        self._provider = provider
        self._open = True
        provider.under_way += 1

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `Exchange.chunks`."""
        for chunk in self._said.chunks:
            await asyncio.sleep(0)
            yield chunk
        if self._said.hangs:
            await asyncio.Event().wait()
        self.abort()
        if self._said.breaks is not None:
            raise TransportFailed(self._said.breaks, "the script says so")

    async def read(self, limit: int) -> bytes:
        """See `Exchange.read`."""
        body = b"".join([chunk async for chunk in self.chunks()])
        if len(body) > limit:
            raise TransportFailed(FailureKind.NOT_AN_ANSWER, f"the answer is longer than {limit} bytes")
        return body

    def abort(self) -> None:
        """See `Exchange.abort`."""
        self._provider.under_way -= self._open
        self._open = False


def scripted_answer(name: DialectName, text: str, body: dict[str, Any]) -> list[bytes]:
    """A complete answer to the request `body` in the dialect: a chunk for each event of a stream, else one chunk."""
    spoken, model = dialect(name), str(body["model"])
    words = text.split(" ")
    usage = Usage(input_tokens=INPUT_TOKENS, output_tokens=len(words))
    if not body.get("stream"):
        answer = Answer(id="scripted", model=model, parts=(Text(text),), finish=Finish.STOP, usage=usage, created=0)
        return [msgspec.json.encode(spoken.encode_answer(answer))]
    pieces = [word if place == 0 else f" {word}" for place, word in enumerate(words)]
    deltas: list[Delta] = [
        Started("scripted", model, usage, created=0),
        *map(TextDelta, pieces),
        Finished(Finish.STOP),
        UsageReported(usage),
        Ended(),
    ]
    encoder = spoken.encoder(body, model)
    return [event.raw for event in SseSplitter().feed(b"".join(map(encoder.encode, deltas)))]
