"""How much a model thinks first: https://ai.google.dev/gemini-api/docs/thinking, budgets and levels by model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from turnout.types.chat import Reasoning
from turnout.wire.gemini.limits import thinks, thinks_within_budget

BUDGETS: Final[Mapping[str, int]] = MappingProxyType(
    {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
)
"""The tokens that an effort stands for, as in Google's own OpenAI-compatible endpoint."""

_LEVELS: Final[Mapping[str, str]] = MappingProxyType({"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM"})
"""The level of an effort; `HIGH` for every greater one."""
_EFFORTS: Final = ((4_096, "low"), (16_384, "medium"))
"""The effort that a budget comes closest to, where a model takes levels; "high" above."""
_AS_IT_SEES_FIT: Final = -1


def encode_thinking(reasoning: Reasoning | None, model: str) -> dict[str, Any] | None:
    """The `thinkingConfig`; None where the model's own default is meant, or the model does not think."""
    if reasoning is None or not thinks(model):
        return None
    if thinks_within_budget(model):
        return _within_budget(reasoning, model)
    if not reasoning.enabled:
        return {"thinkingLevel": _level("minimal", model)}
    effort = reasoning.effort or _effort(reasoning.budget_tokens)
    return {"includeThoughts": True} | ({"thinkingLevel": _level(effort, model)} if effort else {})


def _within_budget(reasoning: Reasoning, model: str) -> dict[str, Any]:
    """A budget of tokens. The Pro models always think, if only a little."""
    least, most = (128, 32_768) if "pro" in model else (512, 24_576)
    if not reasoning.enabled:
        return {"thinkingBudget": least if "pro" in model else 0}
    told = reasoning.budget_tokens
    if told is None and reasoning.effort is not None:
        told = BUDGETS.get(reasoning.effort, BUDGETS["medium"])
    budget = _AS_IT_SEES_FIT if told is None else min(max(told, least), most)
    return {"includeThoughts": True, "thinkingBudget": budget}


def _effort(budget: int | None) -> str | None:
    return None if budget is None else next((effort for most, effort in _EFFORTS if budget <= most), "high")


def _level(effort: str, model: str) -> str:
    """A level that the model has: the Pro models have no `MINIMAL`, and the first of them no `MEDIUM`."""
    level = _LEVELS.get(effort, "HIGH")
    if level == "MINIMAL" and "pro" in model:
        return "LOW"
    return "HIGH" if level == "MEDIUM" and "gemini-3-pro" in model else level
