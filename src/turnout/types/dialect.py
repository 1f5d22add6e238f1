"""Names of the wire formats, and what a request may need that not every target has."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class DialectName(StrEnum):
    """A wire format."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC_MESSAGES = "anthropic_messages"
    GEMINI = "gemini"
    OPENAI_EMBEDDINGS = "openai_embeddings"


REFERENCES: Final = frozenset(
    f"field:{name}"
    for name in (
        *("conversation", "document.source", "file_id", "file_url", "item_reference"),
        *("previous_response_id", "prompt"),
    )
)
"""Needs of a request that only refers to a part of its input: how long that is, only the provider can tell."""


class Need(StrEnum):
    """Something that a request asks for and that a target may lack; a lack is the drop reason `lacks_<need>`.

    A field of a request that no member stands for is carried as `field:<name>`: only a target of the caller's own
    dialect takes it.
    """

    AUDIO = "audio"
    DOCUMENTS = "documents"
    HIGH_TEMPERATURE = "high_temperature"
    IMAGES = "images"
    IMAGE_URLS = "image_urls"
    JSON_OBJECT = "json_object"
    JSON_SCHEMA = "json_schema"
    LOGIT_BIAS = "logit_bias"
    LOGPROBS = "logprobs"
    MANY_CHOICES = "many_choices"
    ONE_CALL = "one_call"
    PENALTIES = "penalties"
    REASONING = "reasoning"
    SEED = "seed"
    SERVER_TOOLS = "server_tools"
    STOP = "stop"
    TOOLS = "tools"
    TOP_K = "top_k"


EMBEDDING: Final = frozenset({DialectName.OPENAI_CHAT, DialectName.OPENAI_RESPONSES})
"""The dialects whose servers embed texts as well, beside their conversations."""

BOUND: Final = frozenset({Need.SERVER_TOOLS})
"""What each dialect has words of its own for that no other knows: as with a field, only a target of the caller's own
dialect takes it."""
