"""Following a provider's stream of chat completion chunks."""

from __future__ import annotations

from typing import Any

from turnout.types.chat import Finish
from turnout.types.failure import Failure, FailureKind
from turnout.types.stream import Mark
from turnout.wire.event_json import expect
from turnout.wire.following import Following
from turnout.wire.openai_chat.finish import FINISH
from turnout.wire.openai_chat.usage import usage_from

# Looking up and combining flags takes longer than all else that is done for an event.
_NONE, _TOKEN, _FINISH, _ERROR = Mark.NONE, Mark.TOKEN, Mark.FINISH, Mark.ERROR
_TOKEN_AND_FINISH, _USAGE_ONLY = Mark.TOKEN | Mark.FINISH, Mark.USAGE_ONLY

_MEANINGFUL = (
    "content",
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
    "images",
)
"""Fields of a delta that commit a stream. Others (`role`, a vendor's `name`) come before anything is generated."""
_NOT_GENERATED = frozenset({"id", "type", "format", "signature", "data"})


class Reader(Following):
    """Follows a stream of Chat Completions.

    Args:
        usage_requested: the caller itself asked for usage, so a chunk that carries nothing else is the caller's.
    """

    end_data = b"[DONE]"

    def __init__(self, *, usage_requested: bool) -> None:
        super().__init__()
        self._usage_requested = usage_requested
        self._finishes: dict[int, Finish | None] = {}
        """Every choice that has started, and why it ended if it has."""

    def take(self, body: dict[str, Any]) -> Mark:
        """Take a chunk that is no error."""
        self._note_model(body.get("model"))
        usage = body.get("usage")
        if usage:
            self.usage = usage_from(expect(dict, usage, "usage"))
        choices = expect(list, body.get("choices") or [], "choices")
        if usage and not choices:
            return _NONE if self._usage_requested else _USAGE_ONLY
        token = finished = False
        for choice in choices:
            index = expect(int, expect(dict, choice, "a choice").get("index", 0), "a choice's index")
            self._finishes.setdefault(index, None)
            token = self._generates(choice) or token
            finished = self._finishes_choice(index, choice.get("finish_reason")) or finished
        if self.failure is not None:
            return _ERROR
        self._settle()
        self._only_text = token and not usage and not finished
        if finished and self.finish is not None:
            return _TOKEN_AND_FINISH if token else _FINISH
        return _TOKEN if token else _NONE

    def _generates(self, choice: dict[str, Any]) -> bool:
        """Whether a choice brings anything meaningful."""
        delta = expect(dict, choice.get("delta") or {}, "a delta")
        token = False
        for field in _MEANINGFUL:
            value = delta.get(field)
            if value:
                token = True
                self.output_chars += _chars(value)
        return token

    def _finishes_choice(self, index: int, reason: Any) -> bool:
        """Note why a choice ended, if it has. Some servers send an empty reason until then."""
        if not reason:
            return False
        reason = expect(str, reason, "a finish reason")
        if reason == "error":
            self.failure = Failure(kind=FailureKind.ERROR_EVENT, message="the provider ended its answer with an error")
        self._finishes[index] = FINISH.get(reason, Finish.OTHER)
        return True

    def _settle(self) -> None:
        """An answer has finished when each of its choices has."""
        finishes = list(self._finishes.values())
        self.finish = finishes[0] if finishes and None not in finishes else None


def _chars(value: Any) -> int:
    """Characters of text in a delta's field, wherever it keeps them."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(_chars, value))
    if isinstance(value, dict):
        return sum(_chars(inner) for key, inner in value.items() if key not in _NOT_GENERATED)
    return 0
