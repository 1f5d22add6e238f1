"""What following a provider's stream has in common in every dialect."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from turnout.types.failure import Failure, FailureKind
from turnout.types.stream import Mark
from turnout.wire.event_json import read_object
from turnout.wire.plain import PlainEvent
from turnout.wire.stream_error import stream_failure

if TYPE_CHECKING:
    from turnout.types.chat import Finish
    from turnout.types.usage import Usage
    from turnout.wire.sse import SseEvent

_NONE, _TOKEN, _END, _ERROR = Mark.NONE, Mark.TOKEN, Mark.END, Mark.ERROR


class Following(ABC):
    """Follows a provider's stream, reading only the events that may say more than the one before.

    The attributes are those of `turnout.wire.dialect.StreamReader`.
    """

    end_data: bytes | None = None
    """How the data of the dialect's end begins, where that is not JSON."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.model: str | None = None
        self.failure: Failure | None = None
        self.ended = False
        self.output_chars = 0
        self._only_text = False
        self._plain: PlainEvent | None = None

    def read(self, event: SseEvent) -> Mark:
        """Take the next event and say what it is."""
        plain = self._plain
        if plain is not None:
            chars = plain.chars(event.raw)
            if chars:
                self.output_chars += chars
                return _TOKEN
        if self.ended or self.failure is not None:
            return _NONE
        self._only_text = False
        try:
            mark = self._read_in_full(event)
        except ValueError as problem:
            self.failure = Failure(kind=FailureKind.MALFORMED, message=f"not an event of the dialect: {problem}")
            mark = _ERROR
        self._plain = PlainEvent.learn(event.raw) if self._only_text else None
        return mark

    def _read_in_full(self, event: SseEvent) -> Mark:
        event.raw.decode()
        data = event.data
        if event.name == b"error":
            return self._fail(data or b"")
        if not data or data.startswith(b":"):
            return _NONE
        if self.end_data is not None and data.startswith(self.end_data):
            self.ended = True
            return _END
        body = read_object(data)
        error = body.get("error") or (body if "error" in (body.get("object"), body.get("type")) else None)
        if error:
            self.failure = self._failed(error, data)
            return _ERROR
        return self.take(body)

    def _fail(self, data: bytes) -> Mark:
        """An event that is named `error` is one, even if its data is not what an error looks like."""
        try:
            body = read_object(data)
        except ValueError:
            body = {}
        self.failure = self._failed(body.get("error") or body, data)
        return _ERROR

    def _failed(self, error: Any, data: bytes) -> Failure:
        """What an error event means."""
        return stream_failure(error, data)

    def _note_model(self, model: Any) -> None:
        """Keep the first model that is told."""
        if self.model is None and isinstance(model, str):
            self.model = model or None

    @abstractmethod
    def take(self, body: dict[str, Any]) -> Mark:
        """Take an event's object that is no error. Sets `_only_text` if it says nothing else than more text.

        Raises:
            ValueError: it is not of the dialect.
        """
