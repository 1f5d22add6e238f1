"""From a stream of chat completion chunks to deltas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from turnout.types.chat import Finish, Thinking
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
from turnout.wire.event_json import expect, read_object
from turnout.wire.openai_chat.calls import CallOrder
from turnout.wire.openai_chat.finish import FINISH
from turnout.wire.openai_chat.logprobs import decode_logprobs
from turnout.wire.openai_chat.reasoning import decode_reasoning
from turnout.wire.openai_chat.usage import usage_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.wire.sse import SseEvent

_NOT_OF_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


class Decoder:
    """Decodes one stream. The reader has seen every event before: errors and ends are its affair."""

    def __init__(self) -> None:
        self._id = ""
        self._started = False
        self._finished = False
        self._calls = CallOrder()
        self._unnamed: dict[int, tuple[str | None, str]] = {}
        """Calls whose name has not come yet: their id, and the arguments so far."""

    def decode(self, event: SseEvent) -> Sequence[Delta]:
        """The event's deltas, in order.

        Raises:
            ValueError: the event is not of the dialect, or is an error.
        """
        data = event.data
        if not data or data.startswith(b":"):
            return ()
        if data.startswith(b"[DONE]"):
            return (Ended(),)
        chunk = read_object(data)
        if chunk.get("error"):
            raise ValueError("an error event")
        deltas: list[Delta] = []
        choices = expect(list, chunk.get("choices") or [], "choices")
        if choices and not self._started:
            deltas.append(self._start(chunk))
        for choice in choices:
            self._choice(expect(dict, choice, "a choice"), deltas)
        if usage := chunk.get("usage"):
            deltas.append(UsageReported(usage_from(expect(dict, usage, "usage"))))
        return deltas

    def _start(self, chunk: dict[str, Any]) -> Started:
        self._started = True
        self._id = expect(str, chunk.get("id") or "", "an id")
        created = chunk.get("created")
        return Started(
            id=self._id,
            model=expect(str, chunk.get("model") or "", "a model"),
            created=created if isinstance(created, int) else None,
        )

    def _choice(self, choice: dict[str, Any], deltas: list[Delta]) -> None:
        if choice.get("index", 0) != 0:
            raise ValueError("a second choice, where one answer was asked for")
        delta = expect(dict, choice.get("delta") or {}, "a delta")
        if thinking := delta.get("reasoning_content") or delta.get("reasoning"):
            deltas.append(ThinkingDelta(expect(str, thinking, "reasoning")))
        if details := delta.get("reasoning_details"):
            # Only what the text alone cannot say: the text itself has come before, in its own field.
            deltas += [
                ThinkingDelta(signature=part.signature, redacted=part.redacted)
                for part in decode_reasoning({"reasoning_details": details})
                if isinstance(part, Thinking) and (part.signature or part.redacted)
            ]
        text, logprobs = delta.get("content"), choice.get("logprobs")
        if text or logprobs:
            deltas.append(TextDelta(expect(str, text or "", "content"), decode_logprobs(logprobs)))
        if refusal := delta.get("refusal"):
            deltas.append(RefusalDelta(expect(str, refusal, "a refusal")))
        for piece in expect(list, delta.get("tool_calls") or [], "tool_calls"):
            self._call(expect(dict, piece, "a tool call"), deltas)
        if (reason := choice.get("finish_reason")) and not self._finished:
            if self._unnamed:
                raise ValueError("a tool call without a name")
            self._finished = True
            deltas.append(Finished(self._finish(expect(str, reason, "a finish reason"))))

    def _finish(self, reason: str) -> Finish:
        finish = FINISH.get(reason, Finish.OTHER)
        # A call that the request forced ends with `stop` here, and with the calls' own reason everywhere else.
        return Finish.TOOL_CALLS if finish is Finish.STOP and self._calls.any else finish

    def _call(self, piece: dict[str, Any], deltas: list[Delta]) -> None:
        """A piece of a tool call. It starts with its name, even if the id or the arguments come earlier."""
        number, starts = self._calls.place(piece)
        function = expect(dict, piece.get("function") or {}, "a function")
        arguments = expect(str, function.get("arguments") or "", "arguments")
        if starts or number in self._unnamed:
            call_id, earlier = self._unnamed.pop(number, (None, ""))
            call_id, arguments = piece.get("id") or call_id, earlier + arguments
            if not (name := function.get("name")):
                self._unnamed[number] = call_id, arguments
                return
            deltas.append(ToolCallStarted(number, call_id or self._made_up_id(number), expect(str, name, "a name")))
        if arguments:
            deltas.append(ToolCallDelta(number, arguments))

    def _made_up_id(self, number: int) -> str:
        """An id for a call that came without one; the same for the same call, in characters that every API takes."""
        return f"call_{_NOT_OF_AN_ID.sub('_', self._id)}_{number}"
