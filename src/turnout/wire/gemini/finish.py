"""Why an answer ended, in the words of Gemini: https://ai.google.dev/api/generate-content, "FinishReason"."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from turnout.types.chat import Finish
from turnout.wire.counts import section
from turnout.wire.event_json import expect

FINISH: Final[Mapping[str, Finish]] = MappingProxyType(
    {
        "STOP": Finish.STOP,
        "MAX_TOKENS": Finish.LENGTH,
        "CONTINUATION": Finish.LENGTH,
        **dict.fromkeys(
            (
                *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION"),
                *("MODEL_ARMOR", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
            ),
            Finish.CONTENT_FILTER,
        ),
    }
)
"""A word that is neither here nor in `BROKEN` is `Finish.OTHER`."""

BROKEN: Final = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "OTHER",
        "PUP_LIMITED_DISABLED",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)
"""Words for an answer that went wrong: what there is of it is none, and another attempt may do better."""

_NOT_YET: Final = (None, "", "FINISH_REASON_UNSPECIFIED")


def reason_of(candidate: Mapping[str, Any]) -> str | None:
    """The word for why a candidate ended; None while it has not.

    Raises:
        ValueError: it is no word.
    """
    reason = candidate.get("finishReason")
    return None if reason in _NOT_YET else expect(str, reason, "a finish reason")


def finish_of(reason: str, *, calls: bool) -> Finish:
    """What a word means. An answer that calls tools ends with `STOP` here, and with a reason of its own elsewhere.

    Raises:
        ValueError: the answer went wrong.
    """
    if reason in BROKEN:
        raise ValueError(broken(reason))
    finish = FINISH.get(reason, Finish.OTHER)
    return Finish.TOOL_CALLS if finish is Finish.STOP and calls else finish


def broken(reason: str) -> str:
    """What is said of an answer that went wrong."""
    return f"the provider ended its answer with {reason}"


def is_blocked(body: Mapping[str, Any]) -> bool:
    """Whether the provider refused the prompt, which it does within an answer that has no candidate."""
    return bool(section(body, "promptFeedback").get("blockReason"))
