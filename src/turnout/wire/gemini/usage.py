"""Token counts, as Gemini reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.usage import Usage
from turnout.wire.counts import count

if TYPE_CHECKING:
    from collections.abc import Mapping


def usage_from(usage: Mapping[str, Any]) -> Usage:
    """Read a `usageMetadata` object. Its prompt has what was read from the cache; its candidates leave thoughts out."""
    thought = count(usage, "thoughtsTokenCount")
    return Usage(
        input_tokens=count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount"),
        cached_tokens=count(usage, "cachedContentTokenCount"),
        output_tokens=count(usage, "candidatesTokenCount") + thought,
        reasoning_tokens=thought,
    )
