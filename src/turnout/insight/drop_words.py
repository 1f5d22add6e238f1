"""Why candidates were dropped, in the words of the terminal and of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SAID: Final[Mapping[str, str]] = {
    "breaker_open": "its circuit breaker is open",
    "context_too_small": "the input does not fit into its context window",
    "other_model": "its vectors are another model's, and do not compare",
    "over_budget": "it would cost more than the budget has left",
    "provider_busy": "its provider has as many calls under way as it takes",
    "unknown_target": "there is no target of that name",
}


def drop_words(reason: str) -> str:
    """Why a candidate was dropped, in words."""
    if reason.startswith("lacks_"):
        return f"it lacks {reason.removeprefix('lacks_').replace('_', ' ')}"
    if reason.startswith("too_slow:"):
        return f"it would take {reason.removeprefix('too_slow:')}, more than the latency budget has left"
    return _SAID.get(reason, reason.replace("_", " "))
