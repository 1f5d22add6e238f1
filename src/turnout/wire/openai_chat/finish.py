"""Why an answer ended, in the words of Chat Completions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from turnout.types.chat import Finish

if TYPE_CHECKING:
    from collections.abc import Mapping

FINISH: Mapping[str, Finish] = MappingProxyType(
    {
        "stop": Finish.STOP,
        "length": Finish.LENGTH,
        "tool_calls": Finish.TOOL_CALLS,
        "function_call": Finish.TOOL_CALLS,
        "content_filter": Finish.CONTENT_FILTER,
    }
)
"""A word that is not here is `Finish.OTHER`: servers of this dialect add their own."""

FINISH_REASON: Mapping[Finish, str] = MappingProxyType(
    {
        Finish.STOP: "stop",
        Finish.STOP_SEQUENCE: "stop",
        Finish.LENGTH: "length",
        Finish.TOOL_CALLS: "tool_calls",
        Finish.CONTENT_FILTER: "content_filter",
        Finish.REFUSAL: "content_filter",
        Finish.PAUSE: "stop",
        Finish.CONTEXT_FULL: "length",
        Finish.OTHER: "stop",
    }
)
"""The nearest of the words that the official SDK's strict validation accepts."""
