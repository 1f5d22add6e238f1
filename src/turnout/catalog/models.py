"""What models can do: how much they read, and what they lack."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from turnout.catalog.prices import find_model
from turnout.types.dialect import Need


class Capabilities(msgspec.Struct, frozen=True):
    """What a model can do.

    Attributes:
        context_tokens: the size of its context window in tokens; None if unknown.
        output_tokens: the most tokens that an answer can have, those of its reasoning included; None if unknown.
        lacks: what it cannot do, whatever its server's dialect can say.
    """

    context_tokens: int | None = None
    output_tokens: int | None = None
    lacks: frozenset[str] = frozenset()


class Family(msgspec.Struct, frozen=True):
    """Models that lack the same things.

    Attributes:
        pattern: matches the beginning of a model's name: lower case, without its vendor's prefix (`openai/`).
        lacks: what they cannot do.
        context_tokens: their context window, where the price list does not give it.
    """

    pattern: str
    lacks: frozenset[str]
    context_tokens: int | None = None


def _family(pattern: str, *lacks: Need, context: int | None = None) -> Family:
    return Family(pattern, frozenset(lacks), context)


# The first row that matches holds, so the particular stands before the general. Only what a vendor's documentation
# rules out is here: a model that is missing, or newer than its row, is taken to lack nothing. As of November 2026.
FAMILIES: Final = (
    # OpenAI: platform.openai.com/docs, "Models" and, for the fields that reasoning models refuse, "Reasoning".
    _family(r"gpt-3\.5|gpt-35", Need.AUDIO, Need.DOCUMENTS, Need.IMAGES, Need.JSON_SCHEMA, Need.REASONING),
    _family(r"gpt-4-(turbo|1106|0125|vision)", Need.AUDIO, Need.DOCUMENTS, Need.JSON_SCHEMA, Need.REASONING),
    _family(
        r"gpt-4(-|$)",
        *(Need.AUDIO, Need.DOCUMENTS, Need.IMAGES, Need.JSON_OBJECT, Need.JSON_SCHEMA, Need.REASONING),
    ),
    _family(r"gpt-4o-2024-05-13", Need.AUDIO, Need.JSON_SCHEMA, Need.REASONING),
    _family(r"gpt-4o(-mini)?-audio", Need.IMAGES, Need.REASONING),
    _family(r"gpt-4o|gpt-4\.1", Need.AUDIO, Need.REASONING),
    _family(
        r"o1-(mini|preview)",
        *(Need.AUDIO, Need.IMAGES, Need.JSON_OBJECT, Need.JSON_SCHEMA, Need.LOGIT_BIAS, Need.LOGPROBS),
        *(Need.PENALTIES, Need.TOOLS),
    ),
    _family(r"o3-mini", Need.AUDIO, Need.IMAGES, Need.LOGIT_BIAS, Need.LOGPROBS, Need.PENALTIES),
    _family(r"o[134](-|$)|gpt-5(-|$)", Need.AUDIO, Need.LOGIT_BIAS, Need.LOGPROBS, Need.PENALTIES),
    # Anthropic: docs.claude.com, "Models overview", "Extended thinking", "Structured outputs" (Claude 4.1 on).
    _family(
        r"claude-(v1|instant|2)",
        *(Need.DOCUMENTS, Need.IMAGES, Need.JSON_SCHEMA, Need.REASONING, Need.TOOLS),
    ),
    _family(r"claude-3-7", Need.JSON_SCHEMA),
    _family(r"claude-3-", Need.JSON_SCHEMA, Need.REASONING),
    _family(r"claude-(opus|sonnet)-4-(0|2\d{7})", Need.JSON_SCHEMA),
    # Google: ai.google.dev/gemini-api/docs, "Models", "Thinking" and, for files by their address, "File input methods".
    _family(r"gemini-(1|2\.0)", Need.IMAGE_URLS, Need.REASONING),
    # Open weights, whoever serves them: the model cards of their publishers.
    _family(r"(meta-)?llama-3\.2-(11b|90b)", Need.AUDIO, Need.REASONING, context=131_072),
    _family(r"(meta-)?llama-3\.[123]", Need.AUDIO, Need.IMAGES, Need.REASONING, context=131_072),
    _family(r"(meta-)?llama-3", Need.AUDIO, Need.IMAGES, Need.REASONING, context=8_192),
    _family(r"mixtral-8x7b", Need.AUDIO, Need.IMAGES, Need.REASONING, context=32_768),
    _family(r"smollm2", Need.AUDIO, Need.DOCUMENTS, Need.IMAGES, Need.REASONING, Need.TOOLS, context=8_192),
)


LONGEST_ANSWERS: Final = (
    (r"gpt-3\.5|gpt-35|gpt-4-(turbo|1106|0125|vision)|gpt-4o-2024-05-13", 4_096),
    (r"gpt-4o", 16_384),
    (r"gpt-4\.1", 32_768),
    (r"gpt-4(-|$)", 8_192),
    (r"o1-mini", 65_536),
    (r"o1-preview", 32_768),
    (r"o[134](-|$)", 100_000),
    (r"gpt-5(-|$)", 128_000),
    (r"gemini-(1|2\.0)", 8_192),
    (r"gemini-2\.5", 65_536),
)
"""Tokens of the longest answer, those of reasoning included, by the beginning of a model's name; from the same pages.
Anthropic's dialect never leaves it open."""


@lru_cache(maxsize=4096)
def capabilities(provider: str | None, model: str) -> Capabilities:
    """What `model` can do, as far as is known.

    A server may give a model less room than it has; the configuration says so where it matters.

    Args:
        provider: the price list's key of the provider (`KnownProvider.price_provider`), which also lists context
            windows; None where the provider is not on it.
        model: the provider's name of the model.
    """
    listed = find_model(provider, model) if provider else None
    window = listed.context_window if listed else None
    family = _family_of(model)
    longest = next((most for pattern, most in LONGEST_ANSWERS if re.match(pattern, _bare(model))), None)
    if family is None:
        return Capabilities(context_tokens=window, output_tokens=longest)
    return Capabilities(window or family.context_tokens, longest, family.lacks)


def _family_of(model: str) -> Family | None:
    return next((family for family in FAMILIES if re.match(family.pattern, _bare(model))), None)


def _bare(model: str) -> str:
    return model.lower().rpartition("/")[2]
