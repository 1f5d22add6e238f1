"""From a stream of Responses events to deltas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.chat import Part, Refusal, Text, Thinking, ToolCall
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
from turnout.wire.event_json import expect, index_of, read_object
from turnout.wire.openai_chat.logprobs import decode_logprobs
from turnout.wire.openai_responses.answer import created_at, logprobs_of, parts_of
from turnout.wire.openai_responses.finish import finish_of
from turnout.wire.openai_responses.reasoning import BETWEEN
from turnout.wire.openai_responses.usage import usage_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from turnout.wire.sse import SseEvent

_KNOWN = ("message", "function_call", "reasoning")


class Decoder:
    """Decodes one stream. The reader has seen every event before: errors and ends are its affair."""

    def __init__(self) -> None:
        self._started = False
        self._calls: dict[Any, int] = {}
        """Which call an item is, by the item's index."""
        self._heard: set[Any] = set()
        """Items of which a delta has come."""
        self._thought: tuple[Any, ...] | None = None
        """The item and the part of a summary that the last reasoning belonged to."""

    def decode(self, event: SseEvent) -> Sequence[Delta]:
        """The event's deltas, in order.

        Raises:
            ValueError: the event is not of the dialect, is an error, or says what only this dialect can say.
        """
        data = event.data
        if not data or data.startswith((b":", b"[DONE]")):
            return ()
        return tuple(self._deltas(read_object(data)))

    def _deltas(self, body: dict[str, Any]) -> Iterator[Delta]:
        kind = expect(str, body.get("type"), "a type")
        if kind in ("error", "response.failed") or body.get("error"):
            raise ValueError("an error event")
        if not kind.startswith("response."):
            return  # a ping, which may come before anything else
        if not self._started:
            yield self._start(expect(dict, body.get("response"), "the response"))
        match kind.removeprefix("response."):
            case "output_item.added":
                yield from self._added(index_of(body, "output_index"), expect(dict, body.get("item"), "an item"))
            case "output_item.done":
                yield from self._done(index_of(body, "output_index"), expect(dict, body.get("item"), "an item"))
            case "completed" | "incomplete" as status:
                yield from self._finish(status, expect(dict, body.get("response"), "the response"))
            case inner if inner.endswith(".delta") and body.get("delta"):
                yield self._delta(inner, body)

    def _start(self, response: dict[str, Any]) -> Started:
        self._started = True
        return Started(
            id=expect(str, response.get("id") or "", "an id"),
            model=expect(str, response.get("model") or "", "a model"),
            created=created_at(response),
        )

    def _added(self, index: Any, item: dict[str, Any]) -> Iterator[Delta]:
        if item.get("type") not in _KNOWN:
            raise ValueError(f"an item of type {item.get('type')}, which nobody asked for")
        if item["type"] == "function_call" and index not in self._calls:
            number = self._calls[index] = len(self._calls)
            call_id = expect(str, item.get("call_id"), "a call's id")
            yield ToolCallStarted(number, call_id, expect(str, item.get("name"), "a tool's name"))

    def _delta(self, kind: str, body: dict[str, Any]) -> Delta:
        index, told = index_of(body, "output_index"), expect(str, body["delta"], "a delta")
        self._heard.add(index)
        match kind:
            case "output_text.delta":
                return TextDelta(told, decode_logprobs({"content": body.get("logprobs")}))
            case "function_call_arguments.delta":
                if index not in self._calls:
                    raise ValueError("arguments outside a tool call")
                return ToolCallDelta(self._calls[index], told)
            case "refusal.delta":
                return RefusalDelta(told)
            case "reasoning_summary_text.delta" | "reasoning_text.delta":
                return ThinkingDelta(self._apart(index, kind, body) + told)
        raise ValueError(f"an event of type {kind}, which nobody asked for")

    def _apart(self, index: Any, kind: str, body: dict[str, Any]) -> str:
        """What stands before a delta that begins another part of the same reasoning."""
        part = (index, kind, body.get("summary_index"), body.get("content_index"))
        begins, self._thought = self._thought not in (None, part) and part[0] == (self._thought or part)[0], part
        return BETWEEN if begins else ""

    def _done(self, index: Any, item: dict[str, Any]) -> Iterator[Delta]:
        """An item is complete. What no delta has told of it is told now."""
        yield from self._added(index, item)
        for part in parts_of(item):
            yield from self._untold(index, part)
        if index not in self._heard and (untold := tuple(logprobs_of(item))):
            yield TextDelta("", untold)

    def _untold(self, index: Any, part: Part) -> Iterator[Delta]:
        heard = index in self._heard
        match part:
            case ToolCall(arguments=str(arguments)) if arguments and not heard:
                yield ToolCallDelta(self._calls[index], arguments)
            case Thinking(said, signature, redacted):
                told = "" if heard else said
                if told or signature or redacted:
                    yield ThinkingDelta(told, signature, redacted)
            case Text(said) if not heard:
                yield TextDelta(said)
            case Refusal(said) if not heard:
                yield RefusalDelta(said)

    def _finish(self, status: str, response: dict[str, Any]) -> Iterator[Delta]:
        told = response.get("status") or status
        yield Finished(finish_of(told, response.get("incomplete_details"), calls=bool(self._calls)))
        if usage := response.get("usage"):
            yield UsageReported(usage_from(expect(dict, usage, "usage")))
        yield Ended()
