"""The record of a request: an intent before the first call, an outcome before the last byte."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from turnout.catalog.cost import cost
from turnout.errors import (
    CallerError,
    Cancelled,
    Interrupted,
    LedgerError,
    NoCapableTarget,
    Overloaded,
    RequestFailed,
    UpstreamRejected,
)
from turnout.execution.trace import Trace
from turnout.features.hash_keys import FixedKey, HashKeys
from turnout.ledger.recorder import Recorder
from turnout.policy.would_have import would_have
from turnout.router.admitted import Admitted
from turnout.types.candidate import Candidate
from turnout.types.clock import Clock
from turnout.types.decision import Attempt, Decision, DecisionOutcome, Intent
from turnout.types.events import Observer, RecordLost, Shadowed, Unobserved
from turnout.types.feedback import Feedback
from turnout.types.flag import FLAG_TAG, recorded
from turnout.types.judging import NOTHING_JUDGED
from turnout.types.privacy import Transcript
from turnout.types.target import Target
from turnout.types.usage import Usage

_log = logging.getLogger(__name__)

_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
Keep = Callable[[Transcript, Callable[[str], str] | None], None]
_FREE: Final = Decimal(0)


class Record:
    """Writes what happens to each request: an intent before the first call, an outcome before the last byte.

    Args:
        recorder: where to.
        clock: for the latency.
        hash_keys: the keys of the query hash.
        keep: is handed what was said, where that is to be kept, and the mask; must not wait.
        observer: is told of every decision, and of every one that could not be written.

    Attributes:
        lost: how many lines could not be written.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        clock: Clock,
        hash_keys: HashKeys | FixedKey,
        keep: Keep | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.hash_keys = hash_keys
        self.lost = 0
        self._losing = False
        self._keep = keep
        self.observer = observer or Unobserved()
        self._recorder = recorder
        self._clock = clock

    def intent(self, admitted: Admitted, target: Target, tokens: int) -> None:
        """A request of about `tokens` input tokens is about to be sent to `target`.

        Raises:
            Overloaded: that must be written, and cannot be.
        """
        caller = admitted.request.caller
        try:
            self._recorder.intend(
                Intent(
                    id=admitted.id,
                    time=admitted.time,
                    route=admitted.route.name if admitted.route else "",
                    model=admitted.request.route,
                    tenant=caller.tenant,
                    user=_user(admitted),
                    source=caller.source,
                    dialect=admitted.request.dialect,
                    stream=admitted.request.stream,
                    query_hash=admitted.query_hash,
                    query_key=admitted.query_key,
                    target=target.name,
                    input_tokens=tokens,
                    cost_usd=cost(Usage(input_tokens=tokens, estimated=True), target.price),
                    shadow_of=admitted.shadow_of,
                )
            )
        except LedgerError as error:
            self._not_written(error)
            if admitted.parts.required:
                raise Overloaded("The request cannot be recorded now, so it is not sent.", retry_after_s=5) from error

    def outcome(self, admitted: Admitted, error: RequestFailed | None) -> Decision:
        """The request has ended, with an answer or with `error`. Never raises."""
        decision = self._decision(admitted, error)
        try:
            self._recorder.record(decision)
            if self._losing:
                self._losing = False
                _log.warning("decisions are recorded again; %d lines were lost", self.lost)
        except LedgerError as lost:
            self._not_written(lost)
        if self._keep and decision.privacy != "hash" and decision.shadow_of is None:
            self._keep(_transcript(admitted, decision), admitted.parts.mask)
        self.observer.observe(decision if decision.shadow_of is None else Shadowed(decision))
        return decision

    def evidence(self, said: Feedback) -> None:
        """Write down what was found of an answer. Never raises."""
        try:
            self._recorder.hear(said)
        except LedgerError as lost:
            self._not_written(lost)

    def _not_written(self, error: LedgerError) -> None:
        self.lost += 1
        self.observer.observe(RecordLost(str(error)))
        if not self._losing:
            self._losing = True
            _log.error("decisions are being lost: %s", error)

    def _decision(self, admitted: Admitted, error: RequestFailed | None) -> Decision:
        request, route, trace = admitted.request, admitted.route, admitted.trace
        chosen = trace.chosen
        decided = chosen or trace.first
        answer = admitted.recalled or _answer(trace)
        flags = recorded(admitted.context.conditions.flags) if admitted.context else {}
        latency = self._clock.monotonic() - admitted.timeline.began
        return Decision(
            id=admitted.id,
            time=admitted.time,
            route=route.name if route else request.route,
            model=request.route,
            policy_version=route.policy_version if route else "",
            config_version=admitted.parts.config_version,
            tenant=request.caller.tenant,
            project=request.caller.project,
            key=request.caller.key,
            user=_user(admitted),
            source=request.caller.source,
            tags=_tags(request.caller.tags, trace, flags),
            dialect=request.dialect,
            stream=request.stream,
            query_hash=admitted.query_hash,
            query_key=admitted.query_key,
            privacy=admitted.parts.privacy.of(route.privacy if route else None, request.caller.tenant),
            features=admitted.context.features if admitted.context else None,
            conditions=_conditions(admitted),
            flags=flags,
            rule=decided.rule if decided else None,
            reason=_reason(admitted, decided),
            considered=tuple(trace.considered),
            dropped=tuple(trace.dropped),
            attempts=tuple(trace.attempts),
            confidence=_confidence(trace),
            signals=_signals(trace),
            artefact=_artefact(trace),
            target=answer.target if admitted.recalled and answer else chosen.target if chosen else None,
            outcome=_outcome(error),
            error=error.kind if error else None,
            latency_ms=round(latency * 1000, 3),
            overhead_ms=round(max(0.0, latency - trace.waited_s) * 1000, 3),
            cost_usd=_total(trace.attempts),
            baseline_cost_usd=self._baseline_cost(admitted, answer),
            router_cost_usd=_total([attempt for attempt in trace.attempts if attempt is not answer]),
            cache=admitted.cache,
            propensity=trace.chances.of[trace.chances.first] if trace.chances else None,
            sdk_retry=request.caller.sdk_retry,
            traceparent=_traceparent(request.caller.headers.get("traceparent")),
            shadow_of=admitted.shadow_of,
        )

    def _baseline_cost(self, admitted: Admitted, answer: Attempt | None) -> Decimal | None:
        """What the answer's tokens would have cost at the route's baseline."""
        route = admitted.route
        if admitted.shadow_of is not None:  # without routing there would be none
            return _FREE if route and route.baseline else None
        if route is None or answer is None or admitted.cache == "replay":
            return None
        if route.baseline is None:  # what a cache saves is the answer's own price
            return answer.cost_usd if admitted.recalled else None
        if answer.target == route.baseline:
            return answer.cost_usd
        usage = Usage(
            input_tokens=answer.input_tokens,
            cached_tokens=answer.cached_tokens,
            cache_write_tokens=answer.cache_write_tokens,
            output_tokens=answer.output_tokens,
        )
        baseline = admitted.parts.endpoints[route.baseline]
        return cost(usage, baseline.price(admitted.request.route, self._clock.now()))


def _reason(admitted: Admitted, decided: Candidate | None) -> str | None:
    """Why the answer is the target's: the policy's words, unless an answer of before is given again."""
    if admitted.recalled is not None:
        return "idempotency" if admitted.cache == "replay" else "cache"
    return decided.reason if decided else None


def _tags(given: Mapping[str, str], trace: Trace, flags: Mapping[str, str]) -> Mapping[str, str]:
    """The caller's, the drill that did something to an attempt, and the flags, so that sums can be had by them."""
    tags = {f"{FLAG_TAG}{name}": variant for name, variant in flags.items()}
    for attempt in trace.attempts:
        if attempt.drilled:
            tags.setdefault("drill", attempt.drilled)
    return {**given, **tags} if tags else given


def _outcome(error: RequestFailed | None) -> DecisionOutcome:
    match error:
        case None:
            return "answered"
        case Interrupted():
            return "partial"
        case Cancelled():
            return "cancelled"
        case CallerError() | UpstreamRejected() | NoCapableTarget():
            return "refused"
        case _:
            return "failed"


def _total(attempts: Iterable[Attempt]) -> Decimal | None:
    """The sum of the costs; None if one of them is unknown."""
    total = _FREE
    for attempt in attempts:
        if attempt.cost_usd is None:
            return None
        total += attempt.cost_usd
    return total


def _answer(trace: Trace) -> Attempt | None:
    """The attempt whose answer, whole or in part, the caller got."""
    if trace.chosen is None:
        return None
    for done in reversed(trace.attempts):
        if done.target == trace.chosen.target and done.purpose == "answer":
            return done
    return None


def _signals(trace: Trace) -> Mapping[str, float]:
    """What was predicted before the first call, and read off the last answer that was judged."""
    signals = dict(trace.predicted.signals) if trace.predicted is not None else {}
    for each in trace.judged:
        if each.target == trace.judged[-1].target:  # by its beginning, and at its end
            signals.update(each.signals)
    return signals


def _artefact(trace: Trace) -> str | None:
    """The calibration that judged the last answer, or else the classifier that chose."""
    if trace.judged and trace.judged[-1].artefact is not None:
        return trace.judged[-1].artefact
    return trace.predicted.artefact if trace.predicted is not None else None


def _confidence(trace: Trace) -> float | None:
    """The given answer's, where it was judged."""
    for each in reversed(trace.judged):
        if trace.chosen and each.target == trace.chosen.target:
            return each.confidence
    return None


def _conditions(admitted: Admitted) -> dict[str, object]:
    """What else the decision read, for the record."""
    context, route = admitted.context, admitted.route
    if context is None:
        return {}
    conditions, chances = context.conditions, admitted.trace.chances
    read: dict[str, object] = {"draw": conditions.draw}
    if chances is not None:
        read["chances"] = {"first": chances.first, "of": chances.of}
    if conditions.breakers:
        read["breakers"] = dict(conditions.breakers)
    if conditions.health:
        read["health"] = dict(conditions.health)
    if conditions.flags:
        read["flags"] = {name: value.reason for name, value in conditions.flags.items()}
        would = would_have(route, context) if route else None
        if would is not None:
            read["would_have"] = {"target": would.target, "reason": would.reason}
    if conditions.budgets:
        read["budgets"] = {
            name: {"used": round(each.used, 4), "usd": each.usd} for name, each in conditions.budgets.items()
        }
    if conditions.standing != NOTHING_JUDGED:
        read["standing"] = conditions.standing
    if context.latency_budget_s is not None:
        read["latency_budget_s"] = context.latency_budget_s
    return read


def _traceparent(said: str | None) -> str | None:
    """What a caller says of its span, if it is what W3C Trace Context asks for."""
    return said if said and _TRACEPARENT.fullmatch(said) else None


def _transcript(admitted: Admitted, decision: Decision) -> Transcript:
    return Transcript(
        decision=decision.id,
        time=decision.time,
        tenant=decision.tenant,
        user=decision.user,
        mode=decision.privacy,
        said=admitted.outline.said,
    )


def _user(admitted: Admitted) -> str | None:
    return admitted.request.caller.user or admitted.outline.user
