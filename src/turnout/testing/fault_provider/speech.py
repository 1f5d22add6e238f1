"""What each dialect must be able to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from turnout.testing.fault_provider.answer import Answer
from turnout.testing.fault_provider.ask import Ask
from turnout.testing.fault_provider.complaint import Complaint
from turnout.testing.fault_provider.script import Mark, Send


class Speech(Protocol):
    """A dialect."""

    def read(self, body: Mapping[str, Any]) -> Ask:
        """Understand a request.

        Raises:
            UnreadableRequestError: the provider would refuse it.
        """
        ...

    def document(self, answer: Answer) -> dict[str, Any]:
        """The answer as one document."""
        ...

    def events(self, answer: Answer) -> Iterator[Send]:
        """The answer as a stream."""
        ...

    def error(self, complaint: Complaint, request_id: str, /) -> dict[str, Any]:
        """The body of a refusal."""
        ...

    def error_event(self, complaint: Complaint, answer: Answer, place: int, /) -> bytes:
        """The event that ends a stream which fails after `place` events."""
        ...


def event(data: Mapping[str, Any], *, named: bool = True) -> bytes:
    """One server-sent event, named by its `type` unless the dialect names none."""
    name = b"event: %b\n" % str(data["type"]).encode() if named else b""
    return b"%bdata: %b\n\n" % (name, msgspec.json.encode(data))


def send(data: Mapping[str, Any], *, tokens: int = 0, mark: Mark = Mark.NONE) -> Send:
    """One named event, as a step."""
    return Send(event(data), tokens, mark)
