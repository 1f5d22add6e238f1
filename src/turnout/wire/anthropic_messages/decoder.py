"""From a stream of Messages events to deltas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.chat import Finish
from turnout.types.stream import (
    Delta,
    Ended,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from turnout.wire.anthropic_messages.finish import FINISH
from turnout.wire.anthropic_messages.usage import usage_from
from turnout.wire.event_json import encode_json, expect, index_of, read_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.wire.sse import SseEvent


class Decoder:
    """Decodes one stream. The reader has seen every event before: errors and ends are its affair."""

    def __init__(self) -> None:
        self._started = False
        self._usage: dict[str, Any] = {}
        self._calls: dict[Any, int] = {}
        """Which call a block is, by the block's index."""
        self._unheard: dict[Any, dict[str, Any]] = {}
        """Blocks of calls of which no argument has come yet, with the input that their start told."""

    def decode(self, event: SseEvent) -> Sequence[Delta]:
        """The event's deltas, in order.

        Raises:
            ValueError: the event is not of the dialect, is an error, or says what only this dialect can say.
        """
        data = event.data
        if not data or data.startswith(b":"):
            return ()
        body = read_object(data)
        kind = body.get("type")
        if kind == "message_start":
            return (self._start(expect(dict, body.get("message"), "the message")),)
        if kind == "error" or body.get("error"):
            raise ValueError("an error event")
        if kind == "ping":
            return ()
        if not self._started:
            raise ValueError("an event before message_start")
        match kind:
            case "content_block_delta":
                return self._delta(index_of(body, "index"), expect(dict, body.get("delta"), "a delta"))
            case "content_block_start":
                return self._block(index_of(body, "index"), expect(dict, body.get("content_block"), "a block"))
            case "content_block_stop":
                return self._stop(index_of(body, "index"))
            case "message_delta":
                return self._finish(body)
            case "message_stop":
                return (Ended(),)
        return ()

    def _start(self, message: dict[str, Any]) -> Started:
        self._started = True
        self._usage.update(expect(dict, message.get("usage") or {}, "usage"))
        return Started(
            id=expect(str, message.get("id") or "", "an id"),
            model=expect(str, message.get("model") or "", "a model"),
            usage=usage_from(self._usage) if self._usage else None,
        )

    def _block(self, index: Any, block: dict[str, Any]) -> Sequence[Delta]:
        match block.get("type"):
            case "text":
                text = expect(str, block.get("text") or "", "text")
                return (TextDelta(text),) if text else ()
            case "thinking":
                text = expect(str, block.get("thinking") or "", "thinking")
                signature = block.get("signature") or None
                return (ThinkingDelta(text, signature=signature),) if text or signature else ()
            case "redacted_thinking":
                return (ThinkingDelta(redacted=expect(str, block.get("data"), "redacted thinking")),)
            case "tool_use":
                number = self._calls[index] = len(self._calls)
                self._unheard[index] = expect(dict, block.get("input") or {}, "input")
                call_id = expect(str, block.get("id"), "a tool call's id")
                return (ToolCallStarted(number, call_id, expect(str, block.get("name"), "a tool's name")),)
            case kind:
                raise ValueError(f"a block of type {kind}, which nobody asked for")

    def _delta(self, index: Any, delta: dict[str, Any]) -> Sequence[Delta]:
        match delta.get("type"):
            case "text_delta":
                return (TextDelta(expect(str, delta.get("text"), "text")),)
            case "input_json_delta":
                return self._arguments(index, expect(str, delta.get("partial_json"), "partial_json"))
            case "thinking_delta":
                return (ThinkingDelta(expect(str, delta.get("thinking"), "thinking")),)
            case "signature_delta":
                return (ThinkingDelta(signature=expect(str, delta.get("signature"), "a signature")),)
        # A citation: it refers to a document block, which only a caller of this dialect can have sent.
        return ()

    def _arguments(self, index: Any, arguments: str) -> Sequence[Delta]:
        if index not in self._calls:
            raise ValueError("arguments outside a tool call")
        if not arguments:
            return ()
        self._unheard.pop(index, None)
        return (ToolCallDelta(self._calls[index], arguments),)

    def _stop(self, index: Any) -> Sequence[Delta]:
        """A call that ends without a delta has the input that its start told: none, mostly, which is `{}`."""
        if index not in self._unheard:
            return ()
        return (ToolCallDelta(self._calls[index], encode_json(self._unheard.pop(index)).decode()),)

    def _finish(self, body: dict[str, Any]) -> Sequence[Delta]:
        deltas: list[Delta] = []
        delta = expect(dict, body.get("delta") or {}, "a delta")
        if reason := delta.get("stop_reason"):
            finish = FINISH.get(expect(str, reason, "a stop reason"), Finish.OTHER)
            deltas.append(Finished(finish, delta.get("stop_sequence")))
        if usage := body.get("usage"):
            told = expect(dict, usage, "usage")
            self._usage.update({field: value for field, value in told.items() if value is not None})
            deltas.append(UsageReported(usage_from(self._usage)))
        return deltas
