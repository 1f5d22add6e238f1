"""How many tokens an answer took."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one attempt, counted the same way for every dialect.

    Attributes:
        input_tokens: all tokens of the prompt, those read from and written to a cache included.
        cached_tokens: the part of `input_tokens` that was read from the provider's cache.
        cache_write_tokens: the part of `input_tokens` that was written to the provider's cache.
        output_tokens: all tokens generated, reasoning included.
        reasoning_tokens: the part of `output_tokens` that was reasoning.
        estimated: True where we counted, because the provider did not say.
        cache_write_hour_tokens: the part of `cache_write_tokens` that is kept there for an hour (Anthropic).
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    cache_write_hour_tokens: int = 0
