"""What Messages cannot say, what may be left out when a request of it is translated, and what differs by model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from turnout.types.dialect import Need
from turnout.wire.advisory import Advisory

LACKS: Final[Mapping[Need, str]] = MappingProxyType(
    {
        Need.AUDIO: "It neither hears nor speaks.",
        Need.HIGH_TEMPERATURE: "Its temperature ends at 1.",
        Need.JSON_OBJECT: "Its answers keep to a schema or to nothing; there is no mode for JSON of any form.",
        Need.LOGIT_BIAS: "Tokens cannot be made likelier or less likely.",
        Need.LOGPROBS: "It does not tell how likely its tokens were.",
        Need.MANY_CHOICES: "It gives one answer.",
        Need.PENALTIES: "Repetition cannot be penalised.",
        Need.SEED: "Sampling cannot be repeated.",
    }
)
"""What the dialect has no words for, and why."""

ADVISORY: Final[Mapping[str, Advisory]] = MappingProxyType(
    {
        "cache_control": Advisory("It steers a cache of the provider's; the answer is the same without it."),
        "service_tier": Advisory("It chooses between ordinary capacity and one that was bought in advance."),
        "speed": Advisory("The default.", only=("standard",)),
    }
)
"""Fields that a translation may leave out, and why."""

ADVISORY_WITHIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "messages[].content[].cache_control": "As the field of that name.",
        "messages[].content[].citations": "Citations of past answers; their text is kept.",
        "messages[].content[].redacted_thinking": "Only the provider that wrote it can read it.",
        "messages[].content[].thinking": "Past reasoning; only the provider that signed it takes it back.",
        "messages[].content[].transformations": "It only decides whether an oversized image is scaled or refused.",
        "thinking.display": "How much of the reasoning is shown; it is the same reasoning.",
        "thinking.type = disabled": "Most models of the other dialect are not reasoning unless they are asked to.",
        "tools[].cache_control": "As the field of that name.",
        "tools[].eager_input_streaming": "It makes the same arguments come sooner.",
    }
)
"""The same for what stands further inside."""

_DEFAULT_MAX_TOKENS: Final = (
    (re.compile(r"claude-3-(?:opus|sonnet|haiku)|claude-(?:2|instant)"), 4_096),
    (re.compile(r"claude-3-5"), 8_192),
    (re.compile(r"claude"), 32_000),
)
_MAX_TOKENS_ELSEWHERE: Final = 8_192

_THINKS_WITHIN_BUDGET: Final = re.compile(
    r"claude-3-7|claude-(?:opus|sonnet|haiku)-4(?:$|[@-](?:0|1|5|2\d{7}))(?:$|[^0-9])?"
)
_NO_SYSTEM_TURNS: Final = re.compile(
    r"claude-(?:2|3|instant|(?:sonnet|haiku)-4|opus-4(?:$|[@-](?:[0-7]|2\d{7})(?!\d)))"
)


def default_max_tokens(model: str) -> int:
    """How long an answer may be where the caller did not say.

    This dialect asks for a limit and the other does not, so what stands in is as much as the model surely gives:
    https://docs.claude.com/en/docs/about-claude/models/overview, "Max output".
    """
    return next((most for models, most in _DEFAULT_MAX_TOKENS if models.search(model)), _MAX_TOKENS_ELSEWHERE)


def thinks_within_budget(model: str) -> bool:
    """Whether a model is told how many tokens to think, rather than with how much effort (Claude 3.7 to 4.5)."""
    return _THINKS_WITHIN_BUDGET.search(model) is not None


def takes_system_turns(model: str) -> bool:
    """Whether a model takes a system message within the conversation (Claude Opus 4.8 and what came after it)."""
    return _NO_SYSTEM_TURNS.search(model) is None
