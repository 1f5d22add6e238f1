"""The dialects that turnout speaks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from turnout.types.dialect import DialectName
from turnout.wire.anthropic_messages import AnthropicMessages
from turnout.wire.dialect import CallerDialect, Dialect, ProviderDialect
from turnout.wire.gemini import Gemini
from turnout.wire.openai_chat import OpenAIChat
from turnout.wire.openai_embeddings import OpenAIEmbeddings
from turnout.wire.openai_responses import OpenAIResponses

DIALECTS: Final[Mapping[DialectName, Dialect]] = MappingProxyType(
    {
        DialectName.OPENAI_CHAT: OpenAIChat(),
        DialectName.OPENAI_RESPONSES: OpenAIResponses(),
        DialectName.ANTHROPIC_MESSAGES: AnthropicMessages(),
    }
)
"""Those of conversations that callers and providers speak, by name."""

EMBEDDINGS: Final = OpenAIEmbeddings()
"""What is asked and answered beside conversations, at servers of OpenAI's dialects."""

CALLER_DIALECTS: Final[Mapping[DialectName, CallerDialect]] = MappingProxyType(
    {**DIALECTS, DialectName.OPENAI_EMBEDDINGS: EMBEDDINGS}
)
"""Those that callers speak."""

PROVIDER_DIALECTS: Final[Mapping[DialectName, ProviderDialect]] = MappingProxyType(
    {**DIALECTS, DialectName.GEMINI: Gemini()}
)
"""Those in which a provider can be called."""


def dialect(name: DialectName) -> Dialect:
    """The dialect of that name, of conversations.

    Raises:
        KeyError: callers do not speak it here.
    """
    return DIALECTS[name]


def caller_dialect(name: DialectName) -> CallerDialect:
    """The dialect of that name, for answering a caller.

    Raises:
        KeyError: no caller speaks it here.
    """
    return CALLER_DIALECTS[name]


def provider_dialect(name: DialectName) -> ProviderDialect:
    """The dialect of that name, for calling a provider.

    Raises:
        KeyError: no provider is called in it.
    """
    return PROVIDER_DIALECTS[name]
