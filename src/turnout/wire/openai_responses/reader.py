"""Following a provider's stream of Responses events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.types.stream import Mark
from turnout.wire.event_json import encode_json, expect
from turnout.wire.following import Following
from turnout.wire.openai_responses.finish import finish_of
from turnout.wire.openai_responses.usage import usage_from
from turnout.wire.stream_error import stream_failure

if TYPE_CHECKING:
    from turnout.wire.sse import SseEvent

# Looking up and combining flags takes longer than all else that is done for an event.
_NONE, _TOKEN, _ERROR = Mark.NONE, Mark.TOKEN, Mark.ERROR
_FINISH_AND_END = Mark.FINISH | Mark.END

_BEGINS = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDS = frozenset({"response.completed", "response.incomplete"})
_TEXT = b"event: response.output_text.delta\ndata: "
_DATA = len(_TEXT)


class _Text(msgspec.Struct, gc=False, tag_field="type", tag="response.output_text.delta"):
    """An event that carries text and nothing else; as every event has a number of its own, no two are alike."""

    delta: str
    error: None = None


_decode_text = msgspec.json.Decoder(_Text).decode


class Reader(Following):
    """Follows a stream of Responses. Its finish signal is its end as well."""

    end_data = b"[DONE]"  # of servers that end every stream so; the response has been complete before it

    def __init__(self) -> None:
        super().__init__()
        self._calls = False

    def read(self, event: SseEvent) -> Mark:
        """Take the next event and say what it is; nearly every one is text, and of that only its length is needed."""
        raw = event.raw
        if not raw.startswith(_TEXT) or self.ended or self.failure is not None:
            return super().read(event)
        try:
            raw.decode()
            told = _decode_text(raw[_DATA:])
        except (ValueError, RecursionError):
            return super().read(event)
        self.output_chars += len(told.delta)
        return _TOKEN if told.delta else _NONE

    def take(self, body: dict[str, Any]) -> Mark:
        """Take an event's object that is no error; one of a kind that is not known says nothing."""
        kind = expect(str, body.get("type"), "a type")
        if kind.endswith(".delta"):
            return self._delta(body.get("delta"))
        if kind == "response.output_item.added":
            return self._added(body.get("item"))
        if kind == "response.output_item.done":
            return self._done(expect(dict, body.get("item"), "an item"))
        if kind in _BEGINS:
            self._note_model(expect(dict, body.get("response"), "the response").get("model"))
        elif kind in _ENDS:
            return self._finish(kind, expect(dict, body.get("response"), "the response"))
        elif kind == "response.failed":
            return self._broken_off(expect(dict, body.get("response"), "the response").get("error"))
        return _NONE

    def _delta(self, delta: Any) -> Mark:
        self.output_chars += len(delta) if isinstance(delta, str) else 0
        return _TOKEN if delta else _NONE

    def _added(self, item: Any) -> Mark:
        """An item that begins says nothing yet, but for the name of a tool that is about to be called."""
        if isinstance(item, dict) and item.get("type") == "function_call":
            self._calls = True
            self.output_chars += len(expect(str, item.get("name"), "a tool's name"))
        return _NONE

    def _done(self, item: dict[str, Any]) -> Mark:
        """An item that is complete is part of the answer, even where no delta told of it."""
        self._calls = self._calls or item.get("type") == "function_call"
        return _TOKEN

    def _finish(self, kind: str, response: dict[str, Any]) -> Mark:
        self._note_model(response.get("model"))
        if usage := response.get("usage"):
            self.usage = usage_from(expect(dict, usage, "usage"))
        status = response.get("status") or kind.removeprefix("response.")
        self.finish = finish_of(status, response.get("incomplete_details"), calls=self._calls)
        self.ended = True
        return _FINISH_AND_END

    def _broken_off(self, error: Any) -> Mark:
        self.failure = stream_failure(error, encode_json({"error": error}))
        return _ERROR
