"""From deltas to a stream of Messages events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.stream import (
    Delta,
    Ended,
    Finished,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from turnout.types.usage import Usage
from turnout.wire.anthropic_messages.finish import STOP_REASON
from turnout.wire.anthropic_messages.tools import encode_call_id
from turnout.wire.anthropic_messages.usage import usage_to
from turnout.wire.event_json import encode_json, is_whole_object
from turnout.wire.sse import sse_event

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOPPED = sse_event(b'{"type":"message_stop"}', "message_stop")


class Encoder:
    """Encodes one stream, one block after another, as the provider itself does.

    Tool calls that come interleaved are told apart by waiting: the first one is passed on as it comes, and the next
    once its arguments are complete.

    Args:
        body: the caller's request; this dialect's streams do not depend on it.
        model: the model to report until the provider says.
    """

    def __init__(self, body: dict[str, Any], model: str) -> None:
        del body
        self._model = model
        self._usage = Usage()
        self._finished: Finished | None = None
        self._blocks = 0
        self._open: str | None = None
        """The kind of the block that is open, if one is."""
        self._calls: dict[int, list[str]] = {}
        """The arguments so far of the open call, which have been sent, and of those that wait."""
        self._call = -1
        """Whose block is open, where the open block is a call's."""
        self._waiting: dict[int, ToolCallStarted] = {}

    def encode(self, delta: Delta) -> bytes:
        """The delta's events.

        Raises:
            ValueError: the stream ends without a finish, or goes back to a call that it had left.
        """
        return b"".join(self._events(delta))

    def _events(self, delta: Delta) -> Iterator[bytes]:
        match delta:
            case TextDelta(text) | RefusalDelta(text):
                if text:
                    yield from self._text(text)
            case ToolCallDelta():
                yield from self._arguments(delta)
            case ThinkingDelta():
                yield from self._thinking(delta)
            case ToolCallStarted():
                self._waiting[delta.index] = delta
                self._calls[delta.index] = []
                yield from self._next_call()
            case Started():
                yield self._start(delta)
            case Finished():
                self._finished = delta
                yield from self._close()
            case UsageReported(usage):
                self._usage = usage
            case Ended():
                yield from self._end()

    def _start(self, started: Started) -> bytes:
        self._usage = started.usage or self._usage
        message: dict[str, Any] = {
            "id": started.id,
            "type": "message",
            "role": "assistant",
            "model": started.model or self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_to(self._usage),
        }
        return _event("message_start", message=message)

    def _text(self, text: str) -> Iterator[bytes]:
        if self._open != "text":
            yield from self._close()
            yield self._begin({"type": "text", "text": ""})
        yield self._delta({"type": "text_delta", "text": text})

    def _thinking(self, delta: ThinkingDelta) -> Iterator[bytes]:
        if delta.redacted is not None:
            yield from self._close()
            yield self._begin({"type": "redacted_thinking", "data": delta.redacted})
            yield from self._close()
            return
        if self._open != "thinking":
            yield from self._close()
            yield self._begin({"type": "thinking", "thinking": "", "signature": ""})
        if delta.text:
            yield self._delta({"type": "thinking_delta", "thinking": delta.text})
        if delta.signature is not None:
            yield self._delta({"type": "signature_delta", "signature": delta.signature})
            yield from self._close()

    def _arguments(self, delta: ToolCallDelta) -> Iterator[bytes]:
        if delta.index in self._calls:
            self._calls[delta.index].append(delta.arguments)
            if delta.index not in self._waiting:
                yield self._delta({"type": "input_json_delta", "partial_json": delta.arguments})
            yield from self._next_call()
        elif delta.arguments.strip():
            raise ValueError("arguments of a tool call that is over, or never began")

    def _next_call(self) -> Iterator[bytes]:
        """Turn to the calls that wait, as far as the ones before them are complete."""
        while self._waiting and (self._open != "tool_use" or is_whole_object("".join(self._calls[self._call]))):
            yield from self._turn_to(next(iter(self._waiting)))

    def _turn_to(self, index: int) -> Iterator[bytes]:
        yield from self._stop()
        self._calls.pop(self._call, None)
        call = self._waiting.pop(index)
        self._call = index
        yield self._begin({"type": "tool_use", "id": encode_call_id(call.id), "name": call.name, "input": {}})
        if arguments := "".join(self._calls[index]):
            yield self._delta({"type": "input_json_delta", "partial_json": arguments})

    def _close(self) -> Iterator[bytes]:
        """Close what is open. After something else than a call no call can go on, so none waits any longer."""
        while self._waiting:
            yield from self._turn_to(next(iter(self._waiting)))
        yield from self._stop()
        self._calls.clear()

    def _begin(self, block: dict[str, Any]) -> bytes:
        self._open = block["type"]
        return _event("content_block_start", index=self._blocks, content_block=block)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", index=self._blocks, delta=delta)

    def _stop(self) -> Iterator[bytes]:
        if self._open is not None:
            yield _event("content_block_stop", index=self._blocks)
            self._open = None
            self._blocks += 1

    def _end(self) -> Iterator[bytes]:
        if self._finished is None:
            raise ValueError("the stream ends without having finished")
        delta = {
            "stop_reason": STOP_REASON[self._finished.finish],
            "stop_sequence": self._finished.stop_sequence,
        }
        yield _event("message_delta", delta=delta, usage=usage_to(self._usage))
        yield _STOPPED


def _event(name: str, **fields: Any) -> bytes:
    return sse_event(encode_json({"type": name, **fields}), name)
