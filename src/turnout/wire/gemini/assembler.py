"""From a stream of Gemini's responses to the unary answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.wire.event_json import expect, read_object
from turnout.wire.gemini.finish import is_blocked, reason_of
from turnout.wire.gemini.parts import candidate_of, parts_of

if TYPE_CHECKING:
    from turnout.wire.sse import SseEvent

_TEXT = frozenset({"text", "thought", "thoughtSignature"})
"""Fields of a part that can be one piece of a longer text."""


class Assembler:
    """Puts a response together from its pieces, the fields included that are not known here."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {}
        self._candidate: dict[str, Any] | None = None
        self._parts: list[dict[str, Any]] = []
        self._logprobs: dict[str, Any] = {}

    def add(self, event: SseEvent) -> None:
        """Take the next event.

        Raises:
            ValueError: it is not of the dialect, or is an error.
        """
        data = event.data
        if not data or data.startswith(b":"):
            return
        body = read_object(data)
        if body.get("error"):
            raise ValueError("an error event")
        if (candidate := candidate_of(body)) is not None and not self._finished:
            self._add(candidate)
        self._body |= {field: value for field, value in body.items() if field != "candidates"}

    def body(self) -> dict[str, Any]:
        """The response.

        Raises:
            ValueError: it has not started, or not finished.
        """
        if self._candidate is None:
            if not is_blocked(self._body):
                raise ValueError("a stream without an answer")
            return self._body
        if not self._finished:
            raise ValueError("an answer without a finish reason")
        content = {"content": {"role": "model", "parts": self._parts}}
        logprobs = {"logprobsResult": self._logprobs} if self._logprobs else {}
        return {"candidates": [self._candidate | content | logprobs]} | self._body

    @property
    def _finished(self) -> bool:
        return self._candidate is not None and reason_of(self._candidate) is not None

    def _add(self, candidate: dict[str, Any]) -> None:
        told = {field: value for field, value in candidate.items() if field not in ("content", "logprobsResult")}
        self._candidate = (self._candidate or {}) | told
        for part in parts_of(candidate):
            if self._parts and _continues(self._parts[-1], part):
                self._parts[-1] |= part | {"text": self._parts[-1]["text"] + part["text"]}
            else:
                self._parts.append(part)
        for field, value in expect(dict, candidate.get("logprobsResult") or {}, "logprobsResult").items():
            grows = isinstance(value, list) and isinstance(self._logprobs.get(field, []), list)
            self._logprobs[field] = [*self._logprobs.get(field, []), *value] if grows else value


def _continues(last: dict[str, Any], part: dict[str, Any]) -> bool:
    """Whether a part is more of the text before it: both texts or both thoughts, and nothing else."""
    texts = all(isinstance(each.get("text"), str) and each.keys() <= _TEXT for each in (last, part))
    return texts and bool(last.get("thought")) == bool(part.get("thought")) and "thoughtSignature" not in last
