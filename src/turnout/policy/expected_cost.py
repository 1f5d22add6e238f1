"""What an answer will probably cost, before any call."""

from __future__ import annotations

from typing import Final

from turnout.catalog.cost import cost
from turnout.policy.base import Context
from turnout.types.usage import Usage

ASSUMED_TOKENS: Final = 300.0
"""The length of an answer where neither training nor recent calls tell it: the same for every target, so that their
prices alone decide which is cheaper."""


def expected_cost(target: str, context: Context, output_tokens: float | None = None) -> float | None:
    """What the answer of `target` will cost, in USD; None where its price is unknown.

    Args:
        target: whose answer.
        context: the request; its tokens are counted or estimated.
        output_tokens: how long the answer will be, if anything has learnt it; else as long as that target's recent
            answers. The caller's own limit holds either way.
    """
    features = context.features
    tokens = output_tokens or context.conditions.health[target].output_tokens or ASSUMED_TOKENS
    if features.max_tokens is not None:
        tokens = min(tokens, features.max_tokens)
    usage = Usage(input_tokens=features.context_tokens, output_tokens=round(tokens))
    amount = cost(usage, context.targets[target].price)
    return None if amount is None else float(amount)
