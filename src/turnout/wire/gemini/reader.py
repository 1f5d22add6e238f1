"""Following a provider's stream of Gemini's responses."""

from __future__ import annotations

from typing import Any

from turnout.types.chat import Finish
from turnout.types.failure import Failure, FailureKind
from turnout.types.stream import Mark
from turnout.wire.event_json import expect
from turnout.wire.following import Following
from turnout.wire.gemini.errors import event_failure
from turnout.wire.gemini.finish import BROKEN, broken, finish_of, is_blocked, reason_of
from turnout.wire.gemini.parts import candidate_of, chars, is_meaningful, parts_of
from turnout.wire.gemini.usage import usage_from

# Looking up and combining flags takes longer than all else that is done for an event.
_NONE, _TOKEN, _FINISH, _ERROR = Mark.NONE, Mark.TOKEN, Mark.FINISH, Mark.ERROR
_TOKEN_AND_FINISH = Mark.TOKEN | Mark.FINISH


class Reader(Following):
    """Follows a stream of Gemini. It has no event for its end: after the finish reason, the body's end is the end."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = False

    def take(self, body: dict[str, Any]) -> Mark:
        """Take a piece of the response that is no error."""
        self._note_model(body.get("modelVersion"))
        usage = body.get("usageMetadata")
        if usage:
            self.usage = usage_from(expect(dict, usage, "usageMetadata"))
        candidate = candidate_of(body)
        if self.finish is not None:
            return _NONE  # nothing of an answer follows its end
        if candidate is None:
            return self._block() if is_blocked(body) else _NONE
        token = self._generates(candidate)
        reason = reason_of(candidate)
        self._only_text = token and not usage and reason is None
        if reason is None:
            return _TOKEN if token else _NONE
        if reason in BROKEN:
            self.failure = Failure(kind=FailureKind.ERROR_EVENT, message=broken(reason), code=reason)
            return _ERROR
        self.finish = finish_of(reason, calls=self._calls)
        return _TOKEN_AND_FINISH if token else _FINISH

    def _block(self) -> Mark:
        self.finish = Finish.CONTENT_FILTER
        return _FINISH

    def _generates(self, candidate: dict[str, Any]) -> bool:
        """Whether a candidate brings anything meaningful."""
        token = False
        for part in parts_of(candidate):
            self.output_chars += chars(part)
            self._calls = self._calls or part.get("functionCall") is not None
            token = token or is_meaningful(part)
        return token

    def _failed(self, error: Any, data: bytes) -> Failure:
        return event_failure(error, data)
