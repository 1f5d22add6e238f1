"""From a stream of chat completion chunks to the unary answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.wire.event_json import expect, read_object
from turnout.wire.openai_chat.calls import CallOrder
from turnout.wire.plain import TextRun

if TYPE_CHECKING:
    from turnout.wire.sse import SseEvent

_GROWS = frozenset(
    {"content", "refusal", "reasoning_content", "reasoning", "arguments", "text", "summary", "transcript", "data"}
)
"""Fields of a delta whose strings are pieces of one string."""
_STREAM_ONLY = frozenset({"choices", "obfuscation"})


class Assembler:
    """Puts a chat completion together from its chunks, the fields included that are not known here."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._run = TextRun()

    def add(self, event: SseEvent) -> None:
        """Take the next event.

        Raises:
            ValueError: it is not of the dialect, or is an error.
        """
        if self._run.takes(event.raw):
            return
        self._run.end()
        data = event.data
        if not data or data.startswith((b":", b"[DONE]")):
            return
        chunk = read_object(data)
        if chunk.get("error"):
            raise ValueError("an error event")
        choices = expect(list, chunk.get("choices") or [], "choices")
        for choice in choices:
            index = expect(int, expect(dict, choice, "a choice").get("index", 0), "a choice's index")
            told = self._choices.setdefault(index, _Choice())
            told.add(choice)
            if len(choices) == 1 and _only_text(choice):
                self._run.begin(event.raw, told.grow)
        _replace(self._body, {field: value for field, value in chunk.items() if field not in _STREAM_ONLY})

    def body(self) -> dict[str, Any]:
        """The chat completion.

        Raises:
            ValueError: no choice has started, or one has not finished.
        """
        self._run.end()
        if not self._choices:
            raise ValueError("a stream without an answer")
        body = {field: value for field, value in self._body.items() if (field, value) != ("usage", None)}
        body["object"] = "chat.completion"
        body["choices"] = [choice.body(index) for index, choice in sorted(self._choices.items())]
        return body


class _Choice:
    """One choice of the answer."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._message: dict[str, Any] = {"role": "assistant", "content": None}
        self._logprobs: dict[str, Any] | None = None
        self._calls: list[dict[str, Any]] = []
        self._order = CallOrder()

    def add(self, choice: dict[str, Any]) -> None:
        delta = expect(dict, choice.get("delta") or {}, "a delta")
        _merge(self._message, {field: value for field, value in delta.items() if field != "tool_calls"})
        for piece in expect(list, delta.get("tool_calls") or [], "tool_calls"):
            self._call(expect(dict, piece, "a tool call"))
        if logprobs := choice.get("logprobs"):
            self._logprobs = self._logprobs or {}
            for field, tokens in expect(dict, logprobs, "logprobs").items():
                self._logprobs[field] = [*(self._logprobs.get(field) or []), *tokens] if tokens else None
        _replace(self._fields, {field: value for field, value in choice.items() if field != "delta"})

    def grow(self, text: str) -> None:
        """Add to the text, which has begun."""
        self._message["content"] += text

    def _call(self, piece: dict[str, Any]) -> None:
        number, starts = self._order.place(piece)
        if starts:
            self._calls.append({})
        _merge(self._calls[number], {field: value for field, value in piece.items() if field != "index"})

    def body(self, index: int) -> dict[str, Any]:
        if not self._fields.get("finish_reason"):
            raise ValueError("an answer without a finish reason")
        calls = {"tool_calls": self._calls} if self._calls else {}
        logprobs = {"logprobs": self._logprobs} if "logprobs" in self._fields else {}
        return self._fields | logprobs | {"index": index, "message": self._message | calls}


def _only_text(choice: dict[str, Any]) -> bool:
    """Whether a choice adds to the text, and each one like it would do the same."""
    delta = choice.get("delta") or {}
    return delta.keys() == {"content"} and isinstance(delta["content"], str) and not choice.get("logprobs")


def _replace(body: dict[str, Any], fields: dict[str, Any]) -> None:
    """Set each field; one that holds something already keeps it where nothing is told."""
    body.update({field: value for field, value in fields.items() if value is not None or field not in body})


def _merge(into: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a delta: strings that come in pieces grow, objects and numbered lists merge, the rest is replaced."""
    for field, value in delta.items():
        held = into.get(field)
        if held is None or (isinstance(held, str) and not held):
            into[field] = _fresh(value) if value is not None or field not in into else held
        elif isinstance(value, str) and isinstance(held, str):
            into[field] = held + value if field in _GROWS else value or held
        elif isinstance(value, dict) and isinstance(held, dict):
            _merge(held, value)
        elif isinstance(value, list) and isinstance(held, list):
            _extend(held, value)
        elif value is not None:
            into[field] = value


def _fresh(value: Any) -> Any:
    """A list that starts may hold several pieces of one item already."""
    if not isinstance(value, list):
        return value
    items: list[Any] = []
    _extend(items, value)
    return items


def _extend(items: list[Any], pieces: list[Any]) -> None:
    """Add pieces to a list: one with an `index` to the item of that index, any other at the end."""
    for piece in pieces:
        index = piece.get("index") if isinstance(piece, dict) else None
        same = (item for item in items if index is not None and isinstance(item, dict) and item.get("index") == index)
        if (item := next(same, None)) is not None:
            _merge(item, piece)
        else:
            items.append(piece)
