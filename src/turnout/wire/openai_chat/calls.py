"""Which of an answer's tool calls a piece of a stream belongs to."""

from __future__ import annotations

from typing import Any


class CallOrder:
    """Numbers an answer's tool calls from 0, in the order in which they start.

    A stream's own `index` says which call a piece belongs to. Servers that get it wrong leave it out, or give every
    call the same one; the call's id, which only its first piece carries, then tells the calls apart.
    """

    __slots__ = ("_ids", "_last")

    def __init__(self) -> None:
        self._last: dict[Any, int] = {}
        self._ids: list[str | None] = []

    @property
    def any(self) -> bool:
        """Whether a call has started."""
        return bool(self._ids)

    def place(self, piece: dict[str, Any]) -> tuple[int, bool]:
        """The number of the piece's call, and whether the call starts with this piece."""
        key = piece.get("index")
        call_id = piece.get("id") or None
        number = self._last.get(key)
        if number is None or (call_id is not None and self._ids[number] not in (None, call_id)):
            number = self._last[key] = len(self._ids)
            self._ids.append(call_id)
            return number, True
        if call_id is not None:
            self._ids[number] = call_id
        return number, False
