"""Why an answer ended, in the words of Responses: a status, and a reason where it is incomplete."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from turnout.types.chat import Finish

COMPLETED: Final = "completed"
INCOMPLETE: Final = "incomplete"

REASONS: Final[Mapping[str, Finish]] = MappingProxyType(
    {"max_output_tokens": Finish.LENGTH, "content_filter": Finish.CONTENT_FILTER}
)
"""A reason that is not here is `Finish.OTHER`."""

INCOMPLETE_BECAUSE: Final[Mapping[Finish, str]] = MappingProxyType(
    {
        Finish.LENGTH: "max_output_tokens",
        Finish.CONTEXT_FULL: "max_output_tokens",
        Finish.CONTENT_FILTER: "content_filter",
        Finish.REFUSAL: "content_filter",
    }
)
"""The nearest of the words that the official SDK's strict validation accepts; all else is completed."""


def finish_of(status: Any, incomplete_details: Any, *, calls: bool) -> Finish:
    """Why an answer of that status ended.

    Args:
        status: the response's.
        incomplete_details: the response's.
        calls: whether it calls a tool of the caller's.

    Raises:
        ValueError: that is not the status of an answer.
    """
    if status == COMPLETED:
        return Finish.TOOL_CALLS if calls else Finish.STOP
    if status == INCOMPLETE:
        reason = incomplete_details.get("reason") if isinstance(incomplete_details, dict) else None
        return REASONS.get(reason, Finish.OTHER) if isinstance(reason, str) else Finish.OTHER
    if not isinstance(status, str) or not status:
        raise ValueError("an answer without a status")
    raise ValueError(f"an answer of the status '{status}'")


def ending(finish: Finish) -> dict[str, Any]:
    """The fields `status` and `incomplete_details`."""
    reason = INCOMPLETE_BECAUSE.get(finish)
    if reason is None:
        return {"status": COMPLETED, "incomplete_details": None}
    return {"status": INCOMPLETE, "incomplete_details": {"reason": reason}}
