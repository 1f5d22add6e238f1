"""Rules: the first whose condition holds decides."""

from __future__ import annotations

from dataclasses import dataclass

from turnout.policy.base import Context, Policy, union_of_targets
from turnout.policy.when import ALWAYS, Condition
from turnout.types.candidate import Considered, Declined, Plan


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition, and the policy that decides where it holds.

    Attributes:
        name: what the record and `explain` call it.
        policy: its `use`.
        when: its condition; `ALWAYS` where none is given.
    """

    name: str
    policy: Policy
    when: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class Rules:
    """Hands over to the first rule whose condition holds, and to no other: what follows its failure is its own to say.

    Attributes:
        rules: in the order in which they are looked at.
        at: where they stand in the configuration, dotted.
    """

    rules: tuple[Rule, ...]
    at: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of all rules."""
        return union_of_targets(*(rule.policy for rule in self.rules))

    def decide(self, context: Context) -> Plan:
        """See `Policy`. Declines where no rule holds."""
        for rule in self.rules:
            holds, because = rule.when.judge(context)
            yield Considered(rule.name, holds, because)
            if holds:
                return (yield from rule.policy.decide(context))
        yield Declined("rules", "no_rule_holds")
        return None
