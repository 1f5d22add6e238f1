"""The one error that the caller gets when nothing helped."""

from __future__ import annotations

from typing import Final

from turnout.errors import (
    BudgetExhausted,
    DeadlineExceeded,
    NoCapableTarget,
    Overloaded,
    RequestFailed,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRejected,
)
from turnout.execution.verdict import VERDICTS
from turnout.execution.work import Work
from turnout.types.failure import FailureKind
from turnout.types.health import TOO_SLOW
from turnout.types.spend import Refused

_BUSY: Final = frozenset({FailureKind.RATE_LIMITED, FailureKind.OVERLOADED})
"""What passes by itself. An exhausted quota does not: it is our account's, as a refused key is."""
_ABOUT_US: Final = ("breaker_open", "provider_busy", TOO_SLOW)
_OVER: Final = frozenset({Refused.OVER_BUDGET, Refused.LADDER})
_PASSING: Final = frozenset({Refused.BUDGET_BUSY, Refused.BUDGET_UNREACHABLE})
_GOOD: Final = 200
_PROBED_S: Final = 1.0
"""A target that rests is left out only while a probe of it is under way; its result is there about then."""
_REJECTIONS: Final = frozenset(
    kind
    for kind, verdict in VERDICTS.items()
    if not (verdict.counts or verdict.billed)  # the request's own fault: no other failure is free and harmless
)


def final_error(work: Work) -> RequestFailed:
    """What to tell the caller, from what was tried and dropped."""
    error = _error(work)
    error.decision_id = work.decision_id
    return error


def _error(work: Work) -> RequestFailed:
    failures = tuple(work.trace.failures)
    if not failures:
        return _never_called(work)
    last = failures[-1]
    if last.kind in _REJECTIONS:
        return UpstreamRejected(last.message, failures=failures)
    if last.kind is FailureKind.STOPPING:
        return Overloaded("The gateway is being restarted. Try again.", failures=failures, retry_after_s=1)
    if last.kind is FailureKind.DEADLINE:
        return DeadlineExceeded(f"No complete answer before the deadline. {_tried(work)}", failures=failures)
    if all(failure.kind in _BUSY for failure in failures):
        waits = [failure.retry_after_s for failure in failures if failure.retry_after_s is not None]
        busy = f"Every provider that was asked is rate-limited or overloaded. {_tried(work)}"
        return UpstreamBusy(busy, failures=failures, retry_after_s=min(waits, default=None))
    return UpstreamFailed(f"No provider gave a complete answer. {_tried(work)}", failures=failures)


def _never_called(work: Work) -> RequestFailed:
    """Nothing was called: every candidate was dropped, or the policy proposed none."""
    route, drops = work.request.route, work.trace.dropped
    if not drops and not work.trace.refusals:
        said = f"No rule of route '{route}' applies to this request. Add a last rule without `when`."
        return NoCapableTarget(said)
    told = ", ".join(f"{drop.target}: {drop.reason}" for drop in drops)
    if work.trace.refusals:
        return _unpaid(work, told)
    if all(drop.reason.startswith(_ABOUT_US) for drop in drops):
        why = "is resting after failures, and one is being probed"
        if any(drop.reason == "provider_busy" for drop in drops):
            why = "is resting after failures, or at a provider that takes no more calls at the same time"
        return UpstreamBusy(f"Every target of route '{route}' {why} ({told}).", retry_after_s=_PROBED_S)
    return NoCapableTarget(f"No target of route '{route}' can serve this request ({told}).")


def _unpaid(work: Work, told: str) -> RequestFailed:
    """Nothing could be paid. Where waiting helps, the caller's SDK may try again."""
    passing = [each for each in work.trace.refusals if each.reason in _PASSING]
    if passing:
        why = "is held by other requests" if passing[0].reason is Refused.BUDGET_BUSY else "cannot be looked up"
        return Overloaded(f"What is left of the budget '{passing[0].budget}' {why} now ({told}).", retry_after_s=1)
    over = next((each for each in work.trace.refusals if each.reason in _OVER), None)
    if over is None:
        unpriced = "A hard budget holds for it, and the price of every target is unknown"
        return NoCapableTarget(
            f"No target of route '{work.request.route}' can serve this request. {unpriced} ({told})."
        )
    resets = None if over.resets is None else over.resets.isoformat(timespec="seconds")
    again = "It has no end." if resets is None else f"It begins anew at {resets}."
    return BudgetExhausted(
        f"Too little is left of the budget '{over.budget or work.request.route}'. {again}",
        budget=over.budget or work.request.route,
        resets=resets,
    )


def _tried(work: Work) -> str:
    """What was tried, and what could not be: "Tried: gpt-4o (server_error 503). Not asked: haiku (lacks_seed)."."""
    attempts = work.trace.attempts
    told = [f"{attempt.target} ({_what(attempt.error_class, attempt.status)})" for attempt in attempts]
    tried = {attempt.target for attempt in attempts}
    unasked = {drop.target: f"{drop.target} ({drop.reason})" for drop in work.trace.dropped if drop.target not in tried}
    said = f"Tried: {', '.join(told)}." if told else "Nothing was sent."
    return f"{said} Not asked: {', '.join(unasked.values())}." if unasked else said


def _what(error_class: str | None, status: int | None) -> str:
    refused = f" {status}" if status is not None and status != _GOOD else ""
    return f"{error_class or 'answered'}{refused}"
