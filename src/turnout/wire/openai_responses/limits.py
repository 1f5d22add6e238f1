"""What Responses cannot say, and what may be left out when a request of it is translated."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from turnout.types.dialect import Need
from turnout.wire.advisory import Advisory

LACKS: Final[Mapping[Need, str]] = MappingProxyType(
    {
        Need.AUDIO: "It neither hears nor speaks.",
        Need.LOGIT_BIAS: "Tokens cannot be made likelier or less likely.",
        Need.MANY_CHOICES: "It gives one answer.",
        Need.PENALTIES: "Repetition cannot be penalised.",
        Need.SEED: "Sampling cannot be repeated.",
        Need.STOP: "It has no stop sequences.",
        Need.TOP_K: "It samples by `top_p` and `temperature` only.",
    }
)
"""What the dialect has no words for, and why."""

LOGPROBS: Final = "message.output_text.logprobs"
"""The member of `include` that asks for log-probabilities."""

ENCRYPTED: Final = "reasoning.encrypted_content"
"""The member of `include` that asks for reasoning in the form that can be sent back."""

_CACHE: Final = "It steers a cache of the provider's; the answer is the same without it."

ADVISORY: Final[Mapping[str, Advisory]] = MappingProxyType(
    {
        "max_tool_calls": Advisory("It limits the tools that the provider runs, and such go to no other dialect."),
        "metadata": Advisory("It labels what the provider stores, and the model never sees it."),
        "prompt_cache_key": Advisory(_CACHE),
        "prompt_cache_options": Advisory(_CACHE),
        "prompt_cache_retention": Advisory(_CACHE),
        "service_tier": Advisory("The ordinary tier is what every provider gives.", only=("auto", "default")),
        "store": Advisory("Nothing is to be stored, and nothing is.", only=(False,)),
        "truncation": Advisory("The default.", only=("disabled",)),
    }
)
"""Fields that a translation may leave out, and why."""

ADVISORY_WITHIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "include = reasoning.encrypted_content": "Reasoning that can be sent back is so in every dialect.",
        "input[].content[].detail": "The other dialect looks as closely as it can where it knows no degrees.",
        "input[].content[].prompt_cache_breakpoint": _CACHE,
        "input[].id, input[].status": "They name what the provider has stored; the items themselves are kept.",
        "input[].phase": "It labels past answers, whose text is kept.",
        "input[].type = reasoning": "Past reasoning; only the provider that wrote it takes it back.",
        "reasoning.summary": "How much of the reasoning is shown; it is the same reasoning.",
        "stream_options.include_obfuscation": "It pads events of this dialect, and the translated ones are turnout's.",
        "text.format.description": "The schema's own descriptions are kept.",
        "text.format.name": "A label; the schema is kept.",
        "text.format.strict": "The other dialect is always strict, or has the same word.",
        "text.verbosity = medium": "The default.",
    }
)
"""The same for what stands further inside."""
