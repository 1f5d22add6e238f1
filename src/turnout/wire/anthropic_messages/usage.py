"""Token counts, as Anthropic Messages reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.usage import Usage
from turnout.wire.counts import count, section

if TYPE_CHECKING:
    from collections.abc import Mapping


def usage_from(usage: Mapping[str, Any]) -> Usage:
    """Read a `usage` object, whose `input_tokens` leave out what was read from and written to the cache."""
    read = count(usage, "cache_read_input_tokens")
    written = count(usage, "cache_creation_input_tokens")
    return Usage(
        input_tokens=count(usage, "input_tokens") + read + written,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_hour_tokens=count(section(usage, "cache_creation"), "ephemeral_1h_input_tokens"),
        output_tokens=count(usage, "output_tokens"),
        reasoning_tokens=count(section(usage, "output_tokens_details"), "thinking_tokens"),
    )


def usage_to(usage: Usage) -> dict[str, Any]:
    """The `usage` object of an answer."""
    told: dict[str, Any] = {
        "input_tokens": max(usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens, 0),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }
    if hour := usage.cache_write_hour_tokens:
        minutes = usage.cache_write_tokens - hour
        told["cache_creation"] = {"ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour}
    if usage.reasoning_tokens:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return told
