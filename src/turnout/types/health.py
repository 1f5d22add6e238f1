"""What recent calls say of a target, and what that lets one expect of the next."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class TargetHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What recent calls say of a target; None where they say nothing.

    Attributes:
        first_token_ms: within so many ms nine of ten calls had their first token.
        total_ms: within so many ms nine of ten calls had their whole answer.
        tokens_per_s: how fast answers are written once they have begun.
        output_tokens: how long answers are.
        error_rate: the share of calls that failed in a way that speaks against the target.
        peak_ms: the latency that the next call is to reckon with, in ms: jumps up, and comes down slowly.
        in_flight: calls under way.
    """

    first_token_ms: float | None = None
    total_ms: float | None = None
    tokens_per_s: float | None = None
    output_tokens: float | None = None
    error_rate: float | None = None
    peak_ms: float | None = None
    in_flight: int = 0

    def predicted_ms(self, *, stream: bool, max_tokens: int | None) -> float | None:
        """How long the caller will probably wait, in ms: for the first token of a stream, else for the whole answer.

        Args:
            stream: whether the caller wants a stream.
            max_tokens: the most tokens that the answer may have, if the caller set it.

        Returns:
            None where recent calls do not tell.
        """
        if stream:
            return self.first_token_ms
        if self.first_token_ms is None or not self.tokens_per_s or self.output_tokens is None:
            return self.total_ms
        tokens = self.output_tokens if max_tokens is None else min(max_tokens, self.output_tokens)
        return self.first_token_ms + tokens / self.tokens_per_s * 1000


class HealthRead(dict[str, TargetHealth]):
    """Each target's health as it was when it was first asked for: what one decision reads, and has read.

    Args:
        look: reads a target's health now.
    """

    def __init__(self, look: Callable[[str], TargetHealth]) -> None:
        super().__init__()
        self._look = look

    def __missing__(self, target: str) -> TargetHealth:
        """Look once, and keep to it."""
        seen = self[target] = self._look(target)
        return seen


def unknown_health() -> HealthRead:
    """Where nothing is known of any target."""
    return HealthRead(lambda _: TargetHealth())


def too_slow(predicted_ms: float | None, budget_s: float | None) -> str | None:
    """The reason for which a target is dropped that does not fit into a latency budget: `too_slow:1840ms`.

    Args:
        predicted_ms: how long it will probably take; None is not held against it.
        budget_s: the budget, or what is left of it, in seconds; None for none.

    Returns:
        None where it fits.
    """
    if predicted_ms is None or budget_s is None or predicted_ms <= budget_s * 1000:
        return None
    return f"{TOO_SLOW}{predicted_ms:.0f}ms"


TOO_SLOW = "too_slow:"
"""How the reason begins."""
