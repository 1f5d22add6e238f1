"""A recorded request, as much of it as a policy may read, and what became of each target that was called for it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

import msgspec

from turnout.execution.verdict import VERDICTS
from turnout.types.candidate import Considered, Dropped
from turnout.types.conditions import BreakerState
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure, FailureKind
from turnout.types.features import Features
from turnout.types.health import TargetHealth
from turnout.types.judging import NOTHING_JUDGED, Standing

Fate = Literal["answered", "failed", "silent", "ended"]
"""What became of a call: `silent` was overtaken by another, `ended` ended the request with it."""

_ANSWER_OF: Final = "answer of "
_UNREADABLE: Final = "cannot be read"
_BY_CONFIDENCE: Final = "confidence "
_OF_THE_TARGET: Final = ("lacks_", "already_tried")
_COMPLETE: Final = frozenset({"answered", "discarded"})


class Call(msgspec.Struct, frozen=True, gc=False):
    """As much of an attempt's record as replay looks at; see `turnout.types.decision.Attempt`."""

    target: str
    outcome: str
    latency_ms: float
    purpose: str = "answer"
    error_class: str | None = None
    first_token_ms: float | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None
    hedge: bool = False


class Read(msgspec.Struct, frozen=True):
    """The conditions that the decision read."""

    draw: float | None = None
    breakers: Mapping[str, BreakerState] = {}
    health: Mapping[str, TargetHealth] = {}
    flags: Mapping[str, str] = {}
    standing: Standing = NOTHING_JUDGED
    latency_budget_s: float | None = None


class Past(msgspec.Struct, frozen=True):
    """A decision's record; see `turnout.types.decision.Decision`."""

    id: str
    time: str
    route: str
    model: str
    dialect: str
    outcome: str
    policy_version: str = ""
    tenant: str = "default"
    project: str | None = None
    key: str | None = None
    user: str | None = None
    source: str | None = None
    tags: Mapping[str, str] = {}
    stream: bool = False
    privacy: str = "hash"
    features: Features | None = None
    conditions: Read = Read()
    rule: str | None = None
    considered: msgspec.Raw = msgspec.Raw(b"[]")
    attempts: tuple[Call, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    confidence: float | None = None
    signals: Mapping[str, float] = {}
    artefact: str | None = None
    flags: Mapping[str, str] = {}
    target: str | None = None
    cost_usd: Decimal | None = None
    cache: str | None = None
    latency_ms: float = 0.0

    @property
    def was_decided(self) -> bool:
        """Whether a policy decided it, and the record has what that read."""
        return (
            self.features is not None
            and self.dialect in _DIALECTS
            and self.cache not in {"hit", "replay"}
            and bool(self.attempts or self.dropped)
        )

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls for an answer."""
        return tuple(call for call in self.attempts if call.purpose == "answer")

    def answer(self) -> Call | None:
        """The call whose answer was given; else one whose answer was complete; None where no answer was."""
        complete = [call for call in self.calls if call.outcome in _COMPLETE]
        return next(
            (call for call in reversed(complete) if call.target == self.target), complete[-1] if complete else None
        )

    def path(self) -> tuple[str, ...]:
        """The targets that were called one after another, each once; not those that were called beside one in vain."""
        calls = self.calls
        if len(calls) == 1:
            return (calls[0].target,)
        given = self.target
        return tuple(dict.fromkeys(call.target for call in calls if not call.hedge or given in {None, call.target}))

    def fate(self, target: str, *, same_policy: bool) -> Fate | None:
        """What became of `target` for this request; None where it was not called.

        Args:
            target: whose call.
            same_policy: the policy is the one that decided then, which had nobody else to ask after the last failure.
        """
        if target == self.target:
            return "answered"
        calls = [call for call in self.calls if call.target == target]
        if not calls:
            return "ended" if same_policy and self.target is None and not self._others_follow(target) else None
        if any(call.outcome in _COMPLETE for call in calls):
            return "answered"
        last = calls[-1]
        if last.outcome == "cancelled":
            return "silent" if self.target is not None else "ended"
        kind = FailureKind(last.error_class) if last.error_class in _KINDS else None
        if kind is None or VERDICTS[kind].falls_back or self.target is not None:
            over = self.target is None and self.path()[-1] == target and same_policy
            return "ended" if over else "failed"
        return "ended"

    def _others_follow(self, target: str) -> bool:
        """Whether a target that was not called was passed over for others."""
        return any(drop.target == target for drop in self.dropped)

    def drops(self) -> dict[str, list[str]]:
        """Why targets were not called at that moment: what a policy could not know, and what it could."""
        found: dict[str, list[str]] = {}
        for drop in self.dropped:
            if not drop.reason.startswith(_OF_THE_TARGET):
                found.setdefault(drop.target, []).append(drop.reason)
        return found

    def spent(self, target: str, *, held: bool) -> Decimal | None:
        """What the calls of `target` cost, and if `held` what its answer's judging did; None if a price is unknown."""
        total, own = Decimal(0), False
        for call in self.attempts:
            if call.purpose == "answer":
                own = call.target == target
            if own and (held or call.purpose == "answer"):
                if call.cost_usd is None:
                    return None
                total += call.cost_usd
        return total

    def took_ms(self, target: str) -> float:
        """How long the calls of `target` took, one after another, in ms."""
        return sum(call.latency_ms for call in self.calls if call.target == target)

    def read_of(self, target: str) -> Mapping[str, float]:
        """What was read off the answer of `target`, by signal; only what the last judged answer had is recorded."""
        return self.signals if self.signals and target == self._last_judged() else {}

    def verdict(self, target: str, *, same_policy: bool) -> bool | None:
        """Whether the answer of `target` was kept; None where nobody judged it, or another judge may say otherwise."""
        for step in self.steps():
            if step.name != f"{_ANSWER_OF}{target}":
                continue
            if same_policy:
                return step.chosen
            own_fault = not step.because.startswith(_BY_CONFIDENCE) and not step.because.endswith(_UNREADABLE)
            return False if own_fault and not step.chosen else None
        return None

    def steps(self) -> tuple[Considered, ...]:
        """Each rule, branch and answer that was looked at."""
        return _considered.decode(self.considered)

    def _last_judged(self) -> str | None:
        judged = [step.name for step in self.steps() if step.name.startswith(_ANSWER_OF)]
        return list(dict.fromkeys(judged))[-1].removeprefix(_ANSWER_OF) if judged else None


_KINDS: Final = frozenset(FailureKind)
_DIALECTS: Final = frozenset(DialectName)
_considered: Final = msgspec.json.Decoder(tuple[Considered, ...])
past_of: Final = msgspec.json.Decoder(Past).decode
"""Read a record."""


def failure(target: str, past: Past) -> Failure:
    """What the last call of `target` ran into."""
    told = next((call.error_class for call in reversed(past.calls) if call.target == target), None)
    kind = FailureKind(told) if told in _KINDS else FailureKind.SERVER_ERROR
    return Failure(kind=kind, message="as recorded")
