"""From a stream of Responses events to the unary answer, which is the object that the last of them holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.wire.event_json import expect, read_object

if TYPE_CHECKING:
    from turnout.wire.sse import SseEvent


class Assembler:
    """Takes the response from its last event, with the items that came before it where a server left them out."""

    def __init__(self) -> None:
        self._response: dict[str, Any] | None = None
        self._items: dict[int, dict[str, Any]] = {}

    def add(self, event: SseEvent) -> None:
        """Take the next event.

        Raises:
            ValueError: it is not of the dialect, or is an error.
        """
        data = event.data
        if not data or data.startswith((b":", b"[DONE]")):
            return
        body = read_object(data)
        match body.get("type"):
            case "response.output_item.done":
                index = expect(int, body.get("output_index"), "an item's index")
                self._items[index] = expect(dict, body.get("item"), "an item")
            case "response.completed" | "response.incomplete":
                self._response = expect(dict, body.get("response"), "the response")
            case "response.failed" | "error":
                raise ValueError("an error event")

    def body(self) -> dict[str, Any]:
        """The response.

        Raises:
            ValueError: it has not been completed.
        """
        if self._response is None:
            raise ValueError("a response that was not completed")
        if self._response.get("output"):
            return self._response
        return self._response | {"output": [item for _, item in sorted(self._items.items())]}
