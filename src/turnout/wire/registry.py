"""The dialects that turnout speaks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from turnout.types.dialect import DialectName
from turnout.wire.anthropic_messages import AnthropicMessages
from turnout.wire.dialect import Dialect
from turnout.wire.openai_chat import OpenAIChat
from turnout.wire.openai_responses import OpenAIResponses

DIALECTS: Final[Mapping[DialectName, Dialect]] = MappingProxyType(
    {
        DialectName.OPENAI_CHAT: OpenAIChat(),
        DialectName.OPENAI_RESPONSES: OpenAIResponses(),
        DialectName.ANTHROPIC_MESSAGES: AnthropicMessages(),
    }
)
"""Every dialect, by name; there is one object of each, so `is` tells whether two sides speak the same."""


def dialect(name: DialectName) -> Dialect:
    """The dialect of that name.

    Raises:
        KeyError: it is not spoken here.
    """
    return DIALECTS[name]
