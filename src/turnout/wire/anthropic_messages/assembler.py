"""From a stream of Messages events to the unary answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from turnout.wire.event_json import expect, read_object
from turnout.wire.plain import TextRun

if TYPE_CHECKING:
    from turnout.wire.sse import SseEvent

_INPUT = "partial_json"


class Assembler:
    """Puts a message together from its events, the fields included that are not known here."""

    def __init__(self) -> None:
        self._message: dict[str, Any] | None = None
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}
        """What the open blocks' inputs are so far, as JSON text."""
        self._open: set[int] = set()
        self._run = TextRun()

    def add(self, event: SseEvent) -> None:
        """Take the next event.

        Raises:
            ValueError: it is not of the dialect, comes where it may not, or is an error.
        """
        if self._run.takes(event.raw):
            return
        self._run.end()
        data = event.data
        if not data or data.startswith(b":"):
            return
        body = read_object(data)
        match body.get("type"):
            case "message_start":
                self._message = expect(dict, body.get("message"), "the message")
            case "content_block_start":
                index = expect(int, body.get("index"), "a block's index")
                self._blocks[index] = expect(dict, body.get("content_block"), "a block")
                self._open.add(index)
            case "content_block_delta":
                index, delta = self._index(body), expect(dict, body.get("delta"), "a delta")
                self._delta(index, delta)
                if delta.keys() == {"type", "text"} and isinstance(self._blocks[index].get("text"), str):
                    self._run.begin(event.raw, partial(self._grow, index))
            case "content_block_stop":
                self._stop(self._index(body))
            case "message_delta":
                self._finish(body)
            case "error":
                raise ValueError("an error event")

    def body(self) -> dict[str, Any]:
        """The message.

        Raises:
            ValueError: it has not started, not finished, or one of its blocks has not.
        """
        self._run.end()
        if self._message is None or not self._message.get("stop_reason"):
            raise ValueError("a message without a stop reason")
        if self._open:
            raise ValueError("a block that has not ended")
        return self._message | {"content": [block for _, block in sorted(self._blocks.items())]}

    def _index(self, body: dict[str, Any]) -> int:
        index = expect(int, body.get("index"), "a block's index")
        if index not in self._open:
            raise ValueError("an event of a block that is not open")
        return index

    def _delta(self, index: int, delta: dict[str, Any]) -> None:
        block = self._blocks[index]
        for field, value in delta.items():
            if field == _INPUT:
                self._inputs[index] = self._inputs.get(index, "") + expect(str, value, field)
            elif field == "citation":
                block["citations"] = [*(block.get("citations") or []), value]
            elif field == "type":
                continue
            elif isinstance(value, str) and isinstance(block.get(field), str):
                block[field] += value
            else:
                block[field] = value

    def _grow(self, index: int, text: str) -> None:
        """Add to a block's text, which has begun."""
        self._blocks[index]["text"] += text

    def _stop(self, index: int) -> None:
        self._open.remove(index)
        if told := self._inputs.pop(index, ""):
            self._blocks[index]["input"] = read_object(told.encode())

    def _finish(self, event: dict[str, Any]) -> None:
        if self._message is None:
            raise ValueError("message_delta before message_start")
        usage = {field: count for field, count in (event.get("usage") or {}).items() if count is not None}
        told = {field: value for field, value in event.items() if field not in ("type", "delta", "usage")}
        self._message |= told | expect(dict, event.get("delta") or {}, "a delta")
        self._message["usage"] = (self._message.get("usage") or {}) | usage
