"""What Chat Completions cannot say, and what may be left out when a request of it is translated."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from turnout.types.dialect import Need
from turnout.wire.advisory import Advisory

LACKS: Final[Mapping[Need, str]] = MappingProxyType(
    {
        Need.SERVER_TOOLS: "Tools that the provider runs or defines have no place among its tools.",
        Need.TOP_K: "An extension of some servers, which others refuse.",
    }
)
"""What the dialect has no words for, and why."""

MAX_STOPS: Final = 4
"""More stop sequences than this are refused."""

MAX_TOOL_NAME: Final = 64
"""A tool with a longer name is refused."""

MAX_USER: Final = 64
"""A longer `user` is refused; its SHA-256 in hexadecimal, which is as long as this, stands for it."""

_CACHE: Final = "It steers a cache of the provider's; the answer is the same without it."

ADVISORY: Final[Mapping[str, Advisory]] = MappingProxyType(
    {
        "metadata": Advisory("It labels what the provider stores, and the model never sees it."),
        "modalities": Advisory("Text is what every dialect answers with.", only=(["text"],)),
        "prediction": Advisory("It makes the same answer come sooner."),
        "prompt_cache_key": Advisory(_CACHE),
        "prompt_cache_options": Advisory(_CACHE),
        "prompt_cache_retention": Advisory(_CACHE),
        "service_tier": Advisory("The ordinary tier is what every provider gives.", only=("auto", "default")),
        "store": Advisory("Nothing is to be stored, and nothing is.", only=(False,)),
        "verbosity": Advisory("The default.", only=("medium",)),
    }
)
"""Fields that a translation may leave out, and why."""

ADVISORY_WITHIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "messages[].content[].image_url.detail": "The other dialect always looks as closely as the model can.",
        "messages[].content[].prompt_cache_breakpoint": _CACHE,
        "messages[].reasoning_content": "Past reasoning that nobody has signed is not taken back by a provider.",
        "response_format.json_schema.description": "The schema's own descriptions are kept.",
        "response_format.json_schema.name": "A label; the schema is kept.",
        "response_format.json_schema.strict": "The other dialect is always strict.",
        "stream_options.include_obfuscation": "It pads events of this dialect, and the translated ones are turnout's.",
    }
)
"""The same for what stands further inside."""
