"""What Gemini cannot say, and what differs by model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from turnout.types.dialect import Need

LACKS: Final[Mapping[Need, str]] = MappingProxyType(
    {
        Need.AUDIO: "Its own parts of sound have no counterpart in the neutral form.",
        Need.LOGIT_BIAS: "Tokens cannot be made likelier or less likely.",
        Need.MANY_CHOICES: "The neutral form has one answer.",
        Need.ONE_CALL: "Its models call as many tools at once as they see fit.",
        Need.SERVER_TOOLS: "Tools that the provider runs differ from one provider to the next.",
    }
)
"""What the dialect has no words for, or the neutral form has none for, and why."""

ADVISORY_WITHIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "user": "It has no field for the end user, whom the model never sees.",
        "response_format.json_schema.name": "A label; the schema is kept.",
    }
)
"""What a translation leaves out, and why."""

NO_SIGNATURE: Final = "skip_thought_signature_validator"
"""What stands for the signature of a call that another provider's model made, or whose caller did not keep it:
https://ai.google.dev/gemini-api/docs/thought-signatures, "FAQs"."""

_BEFORE_3: Final = re.compile(r"gemini-[12](?!\d)|gemma")
_WITHIN_BUDGET: Final = re.compile(r"gemini-2\.5")
_THOUGHTLESS: Final = re.compile(r"gemini-(?:1|2\.0)|gemma")


def signs_calls(model: str) -> bool:
    """Whether a model refuses a history in which a step's first call has no signature (Gemini 3 and later)."""
    return _BEFORE_3.search(model) is None


def thinks(model: str) -> bool:
    """Whether a model thinks at all (Gemini 2.5 and later); one that does not refuses every word about it."""
    return _THOUGHTLESS.search(model) is None


def thinks_within_budget(model: str) -> bool:
    """Whether a model is told how many tokens to think, rather than at which level (Gemini 2.5)."""
    return _WITHIN_BUDGET.search(model) is not None
