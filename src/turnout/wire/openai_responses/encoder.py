"""From deltas to a stream of Responses events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.chat import Refusal, Text, Thinking, TokenLogprob, ToolCall
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
from turnout.wire.event_json import encode_json, is_whole_object
from turnout.wire.openai_chat.logprobs import encode_logprobs
from turnout.wire.openai_responses.answer import call, content_of, item_id, message
from turnout.wire.openai_responses.finish import COMPLETED, ending
from turnout.wire.openai_responses.reasoning import encode_item
from turnout.wire.openai_responses.response import response
from turnout.wire.openai_responses.usage import usage_to
from turnout.wire.sse import sse_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turnout.types.usage import Usage


class Encoder:
    """Encodes one stream: each item opens, is told piece by piece, and is told again as a whole when it closes.

    A message or reasoning closes when something else begins. A call stays open until its arguments are complete, so
    that calls which come interleaved are told apart by their items.

    Args:
        body: the caller's request, which the response repeats in part.
        model: the model to report until the provider says.
    """

    def __init__(self, body: dict[str, Any], model: str) -> None:
        self._body = body
        self._model = model
        self._response: dict[str, Any] = {}
        self._number = 0
        self._output: list[dict[str, Any]] = []
        """Every item that has begun, each as it is when complete once it is."""
        self._open: _Message | _Reasoning | None = None
        self._calls: dict[int, _Call] = {}
        """The calls that are open, by their number."""
        self._finished: Finished | None = None
        self._usage: Usage | None = None

    def encode(self, delta: Delta) -> bytes:
        """The delta's events.

        Raises:
            ValueError: the stream ends without a finish, or goes back to a call that it had left.
        """
        return b"".join(self._events(delta))

    def _events(self, delta: Delta) -> Iterator[bytes]:
        match delta:
            case TextDelta(text, logprobs):
                if text or logprobs:
                    yield from self._say(Text(text), logprobs)
            case ToolCallDelta(index, arguments):
                yield from self._arguments(index, arguments)
            case ThinkingDelta():
                yield from self._think(delta)
            case RefusalDelta(text):
                if text:
                    yield from self._say(Refusal(text), ())
            case ToolCallStarted():
                yield from self._call(delta)
            case Started():
                yield from self._start(delta)
            case Finished():
                self._finished = delta
                yield from self._close(ending(delta.finish)["status"])
                yield from self._close_calls(list(self._calls))
            case UsageReported(usage):
                self._usage = usage
            case Ended():
                yield self._end()

    def _start(self, started: Started) -> Iterator[bytes]:
        self._usage = started.usage
        model = started.model or self._model
        self._response = response(self._body, answer_id=started.id, model=model, created=started.created)
        yield self._event("response.created", response=self._response)
        yield self._event("response.in_progress", response=self._response)

    def _say(self, part: Text | Refusal, logprobs: tuple[TokenLogprob, ...]) -> Iterator[bytes]:
        """More of a message. A text and a refusal are two parts of one."""
        if not isinstance(self._open, _Message):
            yield from self._close(COMPLETED)
            self._open = _Message(self._begin("msg"), len(self._output) - 1)
            yield self._added(message(self._open.id, [], "in_progress"), self._open.place)
        said = self._open
        if said.refuses is not isinstance(part, Refusal):
            yield from self._close_part(said)
            said.refuses, said.pieces = isinstance(part, Refusal), []
            empty = content_of(Refusal("") if said.refuses else Text(""))
            yield self._event("response.content_part.added", **said.where, content_index=len(said.content), part=empty)
        said.pieces.append(part.text)
        said.logprobs += logprobs
        place = {**said.where, "content_index": len(said.content), "delta": part.text}
        if said.refuses:
            yield self._event("response.refusal.delta", **place)
        else:
            told = (encode_logprobs(logprobs) or {}).get("content", [])
            yield self._event("response.output_text.delta", **place, logprobs=told)

    def _close_part(self, said: _Message) -> Iterator[bytes]:
        if said.refuses is None:
            return
        whole = "".join(said.pieces)
        part = content_of(Refusal(whole)) if said.refuses else content_of(Text(whole), said.logprobs)
        place = {**said.where, "content_index": len(said.content)}
        if said.refuses:
            yield self._event("response.refusal.done", **place, refusal=whole)
        else:
            yield self._event("response.output_text.done", **place, text=whole, logprobs=part["logprobs"])
        yield self._event("response.content_part.done", **place, part=part)
        said.content.append(part)
        said.logprobs = []

    def _think(self, delta: ThinkingDelta) -> Iterator[bytes]:
        if not isinstance(self._open, _Reasoning) or delta.redacted is not None:
            yield from self._close(COMPLETED)
            self._open = _Reasoning(self._begin("rs"), len(self._output) - 1)
            yield self._added(encode_item(Thinking(), self._open.id), self._open.place)
        thought = self._open
        if delta.text:
            place = {**thought.where, "summary_index": 0}
            if not thought.pieces:
                part = {"type": "summary_text", "text": ""}
                yield self._event("response.reasoning_summary_part.added", **place, part=part)
            thought.pieces.append(delta.text)
            yield self._event("response.reasoning_summary_text.delta", **place, delta=delta.text)
        if delta.redacted is not None or delta.signature is not None:
            thought.signature, thought.redacted = delta.signature, delta.redacted
            yield from self._close(COMPLETED)

    def _close_thought(self, thought: _Reasoning) -> Iterator[bytes]:
        whole = "".join(thought.pieces)
        if whole:
            place, part = {**thought.where, "summary_index": 0}, {"type": "summary_text", "text": whole}
            yield self._event("response.reasoning_summary_text.done", **place, text=whole)
            yield self._event("response.reasoning_summary_part.done", **place, part=part)
        yield self._done(encode_item(Thinking(whole, thought.signature, thought.redacted), thought.id), thought.place)

    def _call(self, started: ToolCallStarted) -> Iterator[bytes]:
        yield from self._close(COMPLETED)
        yield from self._close_calls([number for number, each in self._calls.items() if each.is_whole])
        opened = _Call(self._begin("fc"), len(self._output) - 1, started)
        self._calls[started.index] = opened
        yield self._added(opened.item("in_progress"), opened.place)

    def _arguments(self, index: int, arguments: str) -> Iterator[bytes]:
        if index in self._calls:
            opened = self._calls[index]
            opened.pieces.append(arguments)
            yield self._event("response.function_call_arguments.delta", **opened.where, delta=arguments)
        elif arguments.strip():
            raise ValueError("arguments of a tool call that is over, or never began")

    def _close_calls(self, numbers: list[int]) -> Iterator[bytes]:
        for number in numbers:
            closed = self._calls.pop(number)
            item = closed.item(COMPLETED)
            told = {"name": item["name"], "arguments": item["arguments"]}
            yield self._event("response.function_call_arguments.done", **closed.where, **told)
            yield self._done(item, closed.place)

    def _close(self, status: str) -> Iterator[bytes]:
        """Close the message or the reasoning that is open."""
        closed, self._open = self._open, None
        if isinstance(closed, _Message):
            yield from self._close_part(closed)
            yield self._done(message(closed.id, closed.content, status), closed.place)
        elif closed is not None:
            yield from self._close_thought(closed)

    def _begin(self, kind: str) -> str:
        """Make room for the next item, and give it an id."""
        self._output.append({})
        return item_id(self._response["id"], kind, len(self._output) - 1)

    def _added(self, item: dict[str, Any], place: int) -> bytes:
        return self._event("response.output_item.added", output_index=place, item=item)

    def _done(self, item: dict[str, Any], place: int) -> bytes:
        self._output[place] = item
        return self._event("response.output_item.done", output_index=place, item=item)

    def _end(self) -> bytes:
        if self._finished is None:
            raise ValueError("the stream ends without having finished")
        told = self._response | ending(self._finished.finish) | {"output": self._output}
        told["usage"] = self._usage and usage_to(self._usage)
        return self._event(f"response.{told['status']}", response=told)

    def _event(self, name: str, /, **fields: Any) -> bytes:
        numbered = {"type": name, "sequence_number": self._number, **fields}
        self._number += 1
        return sse_event(encode_json(numbered), name)


class _Item:
    """An item that is open."""

    def __init__(self, item_id: str, place: int) -> None:
        self.id = item_id
        self.place = place
        self.pieces: list[str] = []

    @property
    def where(self) -> dict[str, Any]:
        """What each of its events says."""
        return {"item_id": self.id, "output_index": self.place}


class _Message(_Item):
    """A message: `content` is what of it is complete, and `refuses` whether its open part is a refusal."""

    def __init__(self, item_id: str, place: int) -> None:
        super().__init__(item_id, place)
        self.content: list[dict[str, Any]] = []
        self.refuses: bool | None = None
        self.logprobs: list[TokenLogprob] = []


class _Reasoning(_Item):
    """Reasoning, and what seals it."""

    signature: str | None = None
    redacted: str | None = None


class _Call(_Item):
    """A tool call."""

    def __init__(self, item_id: str, place: int, started: ToolCallStarted) -> None:
        super().__init__(item_id, place)
        self._started = started

    @property
    def is_whole(self) -> bool:
        """Whether its arguments are complete."""
        return is_whole_object("".join(self.pieces))

    def item(self, status: str) -> dict[str, Any]:
        """The call as far as it has come."""
        told = ToolCall(self._started.id, self._started.name, "".join(self.pieces))
        return call(told, self.id, status)
