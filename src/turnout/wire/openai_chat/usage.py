"""Token counts, as Chat Completions reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.types.usage import Usage
from turnout.wire.counts import count, section

if TYPE_CHECKING:
    from collections.abc import Mapping


def usage_from(usage: Mapping[str, Any]) -> Usage:
    """Read a `usage` object.

    Some servers leave reasoning out of `completion_tokens` and count it in `total_tokens` only; it is
    generated and billed all the same, so it is added here.
    """
    prompt = count(usage, "prompt_tokens")
    completion = count(usage, "completion_tokens")
    read = section(usage, "prompt_tokens_details")
    reasoning = count(section(usage, "completion_tokens_details"), "reasoning_tokens")
    if reasoning and count(usage, "total_tokens") == prompt + completion + reasoning:
        completion += reasoning
    return Usage(
        input_tokens=prompt,
        cached_tokens=count(read, "cached_tokens") or count(usage, "prompt_cache_hit_tokens"),
        cache_write_tokens=count(read, "cache_write_tokens"),
        output_tokens=completion,
        reasoning_tokens=reasoning,
    )


def usage_to(usage: Usage) -> dict[str, Any]:
    """The `usage` object of an answer."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
