"""From a stream of Gemini's responses to deltas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.chat import Finish, Text, Thinking, ToolCall
from turnout.types.stream import (
    Delta,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from turnout.wire.event_json import expect, read_object
from turnout.wire.gemini.finish import finish_of, is_blocked, reason_of
from turnout.wire.gemini.logprobs import decode_logprobs
from turnout.wire.gemini.parts import candidate_of, decode_parts
from turnout.wire.gemini.usage import usage_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from turnout.types.usage import Usage
    from turnout.wire.sse import SseEvent


class Decoder:
    """Decodes one stream. The reader has seen every event before: errors and ends are its affair."""

    def __init__(self) -> None:
        self._id = ""
        self._started = False
        self._finished = False
        self._calls = 0

    def decode(self, event: SseEvent) -> Sequence[Delta]:
        """The event's deltas, in order.

        Raises:
            ValueError: the event is not of the dialect, is an error, or says what nobody asked for.
        """
        data = event.data
        if not data or data.startswith(b":"):
            return ()
        body = read_object(data)
        if body.get("error"):
            raise ValueError("an error event")
        usage = body.get("usageMetadata")
        return list(self._deltas(body, usage_from(expect(dict, usage, "usageMetadata")) if usage else None))

    def _deltas(self, body: dict[str, Any], usage: Usage | None) -> Iterator[Delta]:
        candidate, blocked = candidate_of(body), is_blocked(body)
        if not self._started and (candidate is not None or blocked):
            yield self._start(body, usage)
        if not self._finished:
            yield from self._said(candidate or {})
            if (finish := self._finish(candidate, blocked=blocked)) is not None:
                self._finished = True
                yield Finished(finish)
        if usage is not None:
            yield UsageReported(usage)

    def _start(self, body: dict[str, Any], usage: Usage | None) -> Started:
        self._started = True
        self._id = expect(str, body.get("responseId") or "", "an id")
        return Started(id=self._id, model=expect(str, body.get("modelVersion") or "", "a model"), usage=usage)

    def _said(self, candidate: dict[str, Any]) -> Iterator[Delta]:
        logprobs = decode_logprobs(candidate.get("logprobsResult"))
        for part in decode_parts(candidate, self._id, self._calls):
            match part:
                case Text(said):
                    yield TextDelta(said, logprobs)
                    logprobs = ()
                case Thinking(said):
                    yield ThinkingDelta(said)
                case ToolCall():
                    yield ToolCallStarted(self._calls, part.id, part.name, part.signature)
                    yield ToolCallDelta(self._calls, part.arguments)
                    self._calls += 1
        if logprobs:
            yield TextDelta("", logprobs)

    def _finish(self, candidate: dict[str, Any] | None, *, blocked: bool) -> Finish | None:
        if candidate is None:
            return Finish.CONTENT_FILTER if blocked else None
        reason = reason_of(candidate)
        return None if reason is None else finish_of(reason, calls=self._calls > 0)
