"""How much a model thinks first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from turnout.types.chat import Chat, Message, Reasoning, Thinking, ToolCall
from turnout.wire.anthropic_messages.limits import thinks_within_budget
from turnout.wire.fields import maybe, record, text, whole

LEAST_BUDGET: Final = 1_024
"""The smallest budget that is accepted."""

BUDGETS: Final[Mapping[str, int]] = MappingProxyType(
    {"minimal": LEAST_BUDGET, "low": 4_096, "medium": 8_192, "high": 16_384, "xhigh": 24_576, "max": 32_000}
)
"""The tokens that an effort of the other dialect stands for, where a model is told tokens."""

_EFFORTS: Final = frozenset({"low", "medium", "high", "xhigh", "max"})


def decode_reasoning(thinking: Any, effort: Any) -> Reasoning | None:
    """Read `thinking` and `output_config.effort`.

    Raises:
        InvalidRequest: they are neither.
    """
    told = maybe(text, effort, "output_config.effort")
    if thinking is None:
        return None if told is None else Reasoning(effort=told)
    config = record(thinking, "thinking")
    match text(config.get("type"), "thinking.type"):
        case "disabled":
            return Reasoning(enabled=False)
        case "enabled":
            budget = whole(config.get("budget_tokens"), "thinking.budget_tokens")
            return Reasoning(effort=told, budget_tokens=budget)
        case kind:
            return Reasoning(effort=told, adaptive=kind == "adaptive")


def encode_reasoning(chat: Chat, model: str, max_tokens: int) -> dict[str, Any]:
    """The field `thinking` and the `effort` for `output_config`, as far as the request has room for them."""
    reasoning = chat.reasoning
    if reasoning is None:
        return {}
    if not reasoning.enabled:
        return {"thinking": {"type": "disabled"}}
    if reasoning.budget_tokens is not None:
        return {"thinking": {"type": "enabled", "budget_tokens": reasoning.budget_tokens}}
    if thinks_within_budget(model):
        return _within_budget(chat, reasoning, max_tokens)
    told: dict[str, Any] = {"thinking": {"type": "adaptive"}}
    if reasoning.effort is not None:
        told["effort"] = reasoning.effort if reasoning.effort in _EFFORTS else "low"
    return told


def _within_budget(chat: Chat, reasoning: Reasoning, max_tokens: int) -> dict[str, Any]:
    """A budget, which must be smaller than the answer.

    A turn that goes on after tool calls must begin with the thinking that led to them; where the caller could not
    keep it, this turn goes without, as the API asks.
    """
    budget = min(BUDGETS.get(reasoning.effort or "medium", BUDGETS["medium"]), max_tokens - 1)
    if budget < LEAST_BUDGET or _goes_on_unthought(chat.messages):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _goes_on_unthought(messages: Sequence[Message]) -> bool:
    answer = next((turn for turn in reversed(messages) if turn.role == "assistant"), None)
    if answer is None or not any(isinstance(part, ToolCall) for part in answer.parts):
        return False
    return not any(isinstance(part, Thinking) and (part.signature or part.redacted) for part in answer.parts)
