"""Targets that are proposed one after another, in an order that the policy has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from turnout.policy.base import satisfied
from turnout.types.candidate import Candidate, Plan


@dataclass(frozen=True, slots=True)
class Where:
    """Where a policy stands, and how requests get there.

    Attributes:
        at: its place in the configuration, dotted.
        reasons: why anything that it proposes is proposed.
        rule: the rule that led here.
        more: whether something may follow it if it fails.
    """

    at: str = ""
    reasons: tuple[str, ...] = ()
    rule: str | None = None
    more: bool = False


def in_order(targets: Sequence[str], kind: str, where: Where) -> Plan:
    """Propose each of `targets` until one answers; the reason is the policy's kind and the target's place."""
    for place, target in enumerate(targets):
        outcome = yield Candidate(
            target=target,
            reason="/".join((*where.reasons, f"{kind}:{place}")),
            rule=where.rule,
            more=where.more or place < len(targets) - 1,
        )
        if satisfied(outcome):
            return outcome
    return None
