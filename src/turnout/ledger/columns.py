"""A decision and its attempts as rows: what is beside the record in columns, to be filtered and summed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from turnout.ledger.money import to_pico
from turnout.types.decision import Attempt, Decision, escalated, fell_back, is_judgement

MOST_TOKENS = 10**12  # of one request in the columns that are summed


class DecisionRow(NamedTuple):
    """The columns of `decisions` but for the record; see the migrations for what they mean."""

    id: str
    time: int
    route: str
    tenant: str
    project: str | None
    user: str | None
    source: str | None
    rule: str | None
    target: str | None
    outcome: str
    query_hash: str
    fell_back: bool
    escalated: bool
    cached: bool
    attempts: int
    input_tokens: int
    output_tokens: int
    latency_ms: float
    overhead_ms: float
    first_token_ms: float | None
    cost: int | None
    baseline_cost: int | None
    router_cost: int | None


class AttemptRow(NamedTuple):
    """The columns of `attempts`."""

    decision: str
    position: int
    target: str
    provider: str
    purpose: str
    started: int
    outcome: str
    error_class: str | None
    status: int | None
    first_token_ms: float | None
    latency_ms: float
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: int | None
    estimated: bool
    price_version: str = ""


def decision_row(decision: Decision) -> DecisionRow:
    """The columns of a decision."""
    attempts = decision.attempts
    return DecisionRow(
        decision.id,
        milliseconds(decision.time),
        decision.route,
        decision.tenant,
        decision.project,
        decision.user,
        decision.source,
        decision.rule,
        decision.target,
        decision.outcome,
        decision.query_hash,
        fell_back(decision),
        escalated(decision),
        decision.cache == "hit",
        len(attempts),
        _tokens(sum([attempt.input_tokens for attempt in attempts])),
        _tokens(sum([attempt.output_tokens for attempt in attempts])),
        decision.latency_ms,
        decision.overhead_ms,
        _first_token(decision),
        to_pico(decision.cost_usd),
        to_pico(decision.baseline_cost_usd),
        to_pico(decision.router_cost_usd),
    )


def attempt_rows(decision: Decision) -> list[AttemptRow]:
    """The columns of a decision's attempts."""
    return [
        AttemptRow(
            decision.id,
            position,
            attempt.target,
            attempt.provider,
            attempt.purpose,
            milliseconds(attempt.started),
            attempt.outcome,
            attempt.error_class,
            attempt.status,
            attempt.first_token_ms,
            attempt.latency_ms,
            _tokens(attempt.input_tokens),
            _tokens(attempt.cached_tokens),
            _tokens(attempt.output_tokens),
            to_pico(attempt.cost_usd),
            attempt.estimated,
            attempt.price_version or "",
        )
        for position, attempt in enumerate(decision.attempts)
    ]


class ShadowRow(NamedTuple):
    """The columns of `shadows` but for the record."""

    id: str
    decision: str
    time: int
    route: str
    tenant: str
    project: str | None
    user: str | None
    source: str | None
    target: str | None
    outcome: str
    query_hash: str
    latency_ms: float
    cost: int | None
    baseline_cost: int | None
    purpose: str


def shadow_row(shadow: Decision) -> ShadowRow:
    """The columns of a shadow."""
    return ShadowRow(
        shadow.id,
        shadow.shadow_of or "",
        milliseconds(shadow.time),
        shadow.route,
        shadow.tenant,
        shadow.project,
        shadow.user,
        shadow.source,
        shadow.target,
        shadow.outcome,
        shadow.query_hash,
        shadow.latency_ms,
        to_pico(shadow.cost_usd),
        to_pico(shadow.baseline_cost_usd),
        "judge" if is_judgement(shadow) else "shadow",
    )


def _first_token(decision: Decision) -> float | None:
    """Of the attempt whose answer was given."""
    given: Attempt | None = None
    for attempt in decision.attempts:
        if attempt.target == decision.target and (attempt.outcome, attempt.purpose) == ("answered", "answer"):
            given = attempt
    return given.first_token_ms if given else None


# What a provider says may be anything, and a record that the columns cannot hold would stop all that come after it.


def milliseconds(timestamp: str) -> int:
    """Milliseconds since 1970 in UTC; 0 for what is no time, since a record is never refused for a detail."""
    try:
        return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0


def _tokens(count: int) -> int:
    return count if 0 <= count <= MOST_TOKENS else MOST_TOKENS if count > 0 else 0
