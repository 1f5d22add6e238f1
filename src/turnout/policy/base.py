"""What every policy is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from turnout.types.candidate import Outcome, Plan
from turnout.types.conditions import Conditions
from turnout.types.dialect import DialectName
from turnout.types.features import Features
from turnout.types.request import Caller
from turnout.types.target import Target


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a policy may read.

    Attributes:
        query: the last thing the user said; no record of the decision repeats it. None of a recorded request whose text
            was not kept.
        latency_budget_s: how long the answer may take, in seconds, or the first token of a stream; None for no limit.
    """

    features: Features
    dialect: DialectName
    caller: Caller
    conditions: Conditions
    targets: Mapping[str, Target]
    query: str | None = ""
    stream: bool = False
    latency_budget_s: float | None = None

    def predicted_ms(self, target: str) -> float | None:
        """How long the caller would probably wait for `target`, in ms; None where recent calls do not tell."""
        health = self.conditions.health[target]
        return health.predicted_ms(stream=self.stream, max_tokens=self.features.max_tokens)


class NotKnown(Exception):
    """A policy asks about a recorded request what nobody recorded. Never of one that is being answered.

    Attributes:
        what: what it asks for, in machine-readable words (`list:faq`, `text`, `header:x-plan`, `judgement:small`).
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


class Policy(Protocol):
    """Decides: proposes candidates, is told each outcome, and stops when satisfied."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target that it could propose, in the order of the configuration, each once."""
        ...

    def decide(self, context: Context) -> Plan:
        """See `turnout.types.candidate.Plan`. The same context and outcomes always give the same steps."""
        ...


def satisfied(outcome: Outcome | None) -> bool:
    """Whether `outcome` is an answer, so that nothing further need be proposed."""
    return outcome is not None and outcome.answered


def union_of_targets(*policies: Policy) -> tuple[str, ...]:
    """The targets of all `policies`, in order, each once."""
    return tuple(dict.fromkeys(name for policy in policies for name in policy.targets))
