"""Token counts, as Responses reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.usage import Usage
from turnout.wire.counts import count, section

if TYPE_CHECKING:
    from collections.abc import Mapping


def usage_from(usage: Mapping[str, Any]) -> Usage:
    """Read a `usage` object."""
    read = section(usage, "input_tokens_details")
    return Usage(
        input_tokens=count(usage, "input_tokens"),
        cached_tokens=count(read, "cached_tokens"),
        cache_write_tokens=count(read, "cache_write_tokens"),
        output_tokens=count(usage, "output_tokens"),
        reasoning_tokens=count(section(usage, "output_tokens_details"), "reasoning_tokens"),
    )


def usage_to(usage: Usage) -> dict[str, Any]:
    """The `usage` object of an answer."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
