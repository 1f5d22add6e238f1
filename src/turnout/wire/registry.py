"""The dialects that turnout speaks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from turnout.types.dialect import DialectName
from turnout.wire.anthropic_messages import AnthropicMessages
from turnout.wire.dialect import Dialect, ProviderDialect
from turnout.wire.gemini import Gemini
from turnout.wire.openai_chat import OpenAIChat
from turnout.wire.openai_responses import OpenAIResponses

DIALECTS: Final[Mapping[DialectName, Dialect]] = MappingProxyType(
    {
        DialectName.OPENAI_CHAT: OpenAIChat(),
        DialectName.OPENAI_RESPONSES: OpenAIResponses(),
        DialectName.ANTHROPIC_MESSAGES: AnthropicMessages(),
    }
)
"""Those that callers and providers speak, by name."""

PROVIDER_DIALECTS: Final[Mapping[DialectName, ProviderDialect]] = MappingProxyType(
    {**DIALECTS, DialectName.GEMINI: Gemini()}
)
"""Those in which a provider can be called."""


def dialect(name: DialectName) -> Dialect:
    """The dialect of that name.

    Raises:
        KeyError: callers do not speak it here.
    """
    return DIALECTS[name]


def provider_dialect(name: DialectName) -> ProviderDialect:
    """The dialect of that name, for calling a provider.

    Raises:
        KeyError: no provider is called in it.
    """
    return PROVIDER_DIALECTS[name]
