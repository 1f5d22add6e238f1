"""Why an answer ended, in the words of Anthropic Messages."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from turnout.types.chat import Finish

if TYPE_CHECKING:
    from collections.abc import Mapping

FINISH: Mapping[str, Finish] = MappingProxyType(
    {
        "end_turn": Finish.STOP,
        "stop_sequence": Finish.STOP_SEQUENCE,
        "max_tokens": Finish.LENGTH,
        "tool_use": Finish.TOOL_CALLS,
        "refusal": Finish.REFUSAL,
        "pause_turn": Finish.PAUSE,
        "model_context_window_exceeded": Finish.CONTEXT_FULL,
    }
)
"""A word that is not here is `Finish.OTHER`."""

STOP_REASON: Mapping[Finish, str] = MappingProxyType(
    {finish: reason for reason, finish in FINISH.items()} | {Finish.CONTENT_FILTER: "refusal", Finish.OTHER: "end_turn"}
)
"""The nearest of the words that the official SDK's strict validation accepts."""
