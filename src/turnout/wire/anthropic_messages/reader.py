"""Following a provider's stream of Messages events."""

from __future__ import annotations

from typing import Any

from turnout.types.chat import Finish
from turnout.types.stream import Mark
from turnout.wire.anthropic_messages.finish import FINISH
from turnout.wire.anthropic_messages.usage import usage_from
from turnout.wire.event_json import expect
from turnout.wire.following import Following

# Looking up and combining flags takes longer than all else that is done for an event.
_NONE, _TOKEN, _FINISH, _END = Mark.NONE, Mark.TOKEN, Mark.FINISH, Mark.END

_GENERATED = ("text", "thinking", "partial_json")
"""Fields of a delta and of a block that hold text which the model wrote."""
_SILENT_BLOCKS = ("text", "thinking")
"""Blocks whose start says nothing yet, unless text comes with it. Every other kind is meaningful by itself."""


class Reader(Following):
    """Follows a stream of Anthropic Messages.

    Args:
        usage_requested: of no effect; every stream of this dialect tells its usage.
    """

    def __init__(self, *, usage_requested: bool) -> None:
        del usage_requested
        super().__init__()
        self._usage: dict[str, Any] = {}

    def take(self, body: dict[str, Any]) -> Mark:
        """Take an event's object that is no error; one of a kind that is not known says nothing."""
        match body.get("type"):
            case "content_block_delta":
                return self._delta(expect(dict, body.get("delta"), "a delta"))
            case "content_block_start":
                return self._block(expect(dict, body.get("content_block"), "a block"))
            case "message_start":
                message = expect(dict, body.get("message"), "the message")
                self._note_model(message.get("model"))
                self._count(message.get("usage"))
            case "message_delta":
                self._count(body.get("usage"))
                return self._finished(expect(dict, body.get("delta") or {}, "a delta").get("stop_reason"))
            case "message_stop":
                self.ended = True
                return _END
        return _NONE

    def _delta(self, delta: dict[str, Any]) -> Mark:
        chars = _chars(delta)
        self.output_chars += chars
        self._only_text = chars > 0
        # A signature or a citation has no text of the model's and is part of the answer all the same.
        return _TOKEN if any(value for field, value in delta.items() if field != "type") else _NONE

    def _block(self, block: dict[str, Any]) -> Mark:
        chars = _chars(block)
        self.output_chars += chars
        return _TOKEN if chars or block.get("type") not in _SILENT_BLOCKS else _NONE

    def _finished(self, reason: Any) -> Mark:
        if not reason:
            return _NONE
        self.finish = FINISH.get(expect(str, reason, "a stop reason"), Finish.OTHER)
        return _FINISH

    def _count(self, usage: Any) -> None:
        """The counts of a later event replace those of an earlier one, which stand where it says nothing."""
        if usage:
            told = expect(dict, usage, "usage")
            self._usage.update({field: value for field, value in told.items() if value is not None})
            self.usage = usage_from(self._usage)


def _chars(holder: dict[str, Any]) -> int:
    return sum(len(expect(str, holder[field], field)) for field in _GENERATED if holder.get(field))
