"""The record of one request. Field names are stable: the `--json` output, the journal and the ledger share them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import msgspec

from turnout.types.candidate import Considered, Dropped, Purpose
from turnout.types.features import Features
from turnout.types.privacy import PrivacyMode

AttemptOutcome = Literal["answered", "failed", "cancelled", "discarded"]
DecisionOutcome = Literal["answered", "failed", "partial", "refused", "cancelled", "interrupted"]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call to one target.

    Attributes:
        target: the target's name.
        provider: whose it is.
        purpose: `answer`, `judge`, or `shadow`.
        started: wall time in UTC, ISO 8601 with milliseconds.
        outcome: `answered` (a complete answer), `failed`, `cancelled` (by the caller leaving, or by us), or
            `discarded` (complete, or stopped at its beginning, and not the one that the caller got).
        error_class: the `FailureKind`, where it failed.
        status: the provider's HTTP status.
        model: the model that the provider says answered.
        finish: why the answer ended.
        first_token_ms: from the start of the attempt to the first meaningful token, in ms.
        latency_ms: from the start of the attempt to its end, in ms.
        input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens: see `Usage`.
        cost_usd: what it cost; None if the price is unknown.
        estimated: True where the tokens are our estimate.
        price_version: where the price came from.
        hedge: it was begun beside an earlier attempt that was silent, not after one.
        drilled: the outage drill that did something to it; None where none did.
    """

    target: str
    provider: str = ""
    purpose: Purpose = "answer"
    started: str
    outcome: AttemptOutcome
    error_class: str | None = None
    status: int | None = None
    model: str | None = None
    finish: str | None = None
    first_token_ms: float | None = None
    latency_ms: float
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal | None = None
    estimated: bool = False
    price_version: str | None = None
    hedge: bool = False
    drilled: str | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The record of one request: what was considered, dropped, tried and chosen, what it took and cost, and why.

    Attributes:
        id: UUIDv7: sorts by time.
        time: when the request was admitted: UTC, ISO 8601 with milliseconds.
        route: the route's name as configured (the pattern, where the caller's name matched one).
        model: the name the caller asked for.
        policy_version: digest of the route's policy and phrase lists.
        config_version: digest of the whole configuration.
        tenant: whose account it was; `default` until keys name others.
        project: what the caller's key was given out for; None where the key names none.
        key: the id of the caller's key, which is no secret; None for a caller without a key of its own.
        user: who asked, as the key or the caller said; None where nobody said.
        source: the calling program or page, as the caller said.
        tags: labels, as the caller gave them; and `drill`, the id of an outage drill that did something to an attempt.
        dialect: the wire format that the caller spoke.
        stream: whether the caller wanted the answer streamed.
        query_hash: keyed HMAC-SHA-256 over the canonical messages, hexadecimal.
        query_key: which key it was made with: hashes of different keys do not compare. Empty for the only one.
        privacy: how much of what was said is kept: `hash` (nothing but the hash and the features), `redacted`, `full`.
        features: what the request looked like.
        conditions: what else the decision read: breakers not closed, the random draw, the latency budget, of the
            targets that it compared, what recent calls said of them, and in `chances`, where chance had a part, what
            was called `first` and with which probability each target might have been.
        rule: the name of the rule that decided, where rules did.
        reason: why the target was chosen.
        considered, dropped, attempts: everything on the way, in order.
        confidence: the accepted answer's, where one was computed.
        signals: what was read off the last answer that was judged, and what a classifier expected of each target
            (`haiku.chance`, `haiku.cost_usd`, `haiku.latency_ms`), by name.
        artefact: the start of the checksum of the calibration or classifier that decided; None where none did.
        flags: the variant of each feature flag that was looked at, by the flag's name.
        target: whose answer the caller got; None where nobody's.
        outcome: `answered` (in full), `partial` (a committed stream broke off), `failed` (no answer), `refused` (the
            caller's own mistake, before any attempt or passed on from the provider), `cancelled` (the caller left),
            `interrupted` (the process died).
        error: the error's kind, where there was one.
        latency_ms: from admission to the answer's last byte, in ms.
        overhead_ms: the part of it that was turnout's own, in ms.
        cost_usd: the sum of the attempts' costs; None if any price is unknown.
        baseline_cost_usd: what the same tokens would have cost at the route's baseline; None without one, but for a
            hit, where it is then what the answer cost when it was made.
        router_cost_usd: the part of `cost_usd` that routing itself took (judges, discarded answers, failed attempts).
        cache: how the route's cache took part: `hit` (its answer was given again: no attempts, no cost, and the first
            answer's target), `miss`, `bypass` (the caller or the request ruled it out); None where the route has none.
            `replay`: the answer recorded under the request's idempotency key, with nothing saved by it.
        propensity: the probability with which what was called first was chosen, where chance had a part; None where it
            had none. `conditions.chances` has that of all that might have been.
        feedback: how good the answer was found, 0 to 1: the mean of each user's latest score; None where nobody said.
        sdk_retry: which automatic retry of the caller's SDK the request was.
        traceparent: the caller's span, as W3C Trace Context writes it; None where the caller named none.
        shadow_of: the decision whose request this was asked beside, to compare; None for a request of a caller's. All
            that a shadow costs is the router's own, and it counts as no request.
    """

    id: str
    time: str
    route: str
    model: str
    policy_version: str = ""
    config_version: str = ""
    tenant: str = "default"
    project: str | None = None
    key: str | None = None
    user: str | None = None
    source: str | None = None
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    dialect: str
    stream: bool = False
    query_hash: str = ""
    query_key: str = ""
    privacy: PrivacyMode = "hash"
    features: Features | None = None
    conditions: Mapping[str, object] = msgspec.field(default_factory=dict)
    rule: str | None = None
    reason: str | None = None
    considered: tuple[Considered, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    confidence: float | None = None
    signals: Mapping[str, float] = msgspec.field(default_factory=dict)
    artefact: str | None = None
    flags: Mapping[str, str] = msgspec.field(default_factory=dict)
    target: str | None = None
    outcome: DecisionOutcome
    error: str | None = None
    latency_ms: float = 0.0
    overhead_ms: float = 0.0
    cost_usd: Decimal | None = None
    baseline_cost_usd: Decimal | None = None
    router_cost_usd: Decimal | None = None
    cache: str | None = None
    propensity: float | None = None
    feedback: float | None = None
    sdk_retry: int | None = None
    traceparent: str | None = None
    shadow_of: str | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What is journalled before the first call: enough to account for the request if the process dies under it."""

    id: str
    time: str
    route: str
    model: str
    tenant: str
    user: str | None
    source: str | None
    dialect: str
    stream: bool
    query_hash: str
    query_key: str = ""
    target: str
    input_tokens: int
    cost_usd: Decimal | None = None
    shadow_of: str | None = None


def is_judgement(shadow: Decision) -> bool:
    """Whether a record beside a decision is of a judge that was asked about its answer, and not of another answer."""
    return bool(shadow.attempts) and all(attempt.purpose == "judge" for attempt in shadow.attempts)


def fell_back(decision: Decision) -> bool:
    """Whether an earlier candidate failed and another one was tried, or its breaker was open.

    A failed hedge is not an earlier candidate: the one beside it was there before it.
    """
    if decision.dropped and any(dropped.reason == "breaker_open" for dropped in decision.dropped):
        return True
    return any(earlier.outcome == "failed" and not earlier.hedge for earlier, _ in _changes(decision))


def escalated(decision: Decision) -> bool:
    """Whether an answer was discarded and another target was asked; one that came second in a hedge was not."""
    return any(
        earlier.outcome == "discarded" and not (earlier.hedge or later.hedge) for earlier, later in _changes(decision)
    )


def _changes(decision: Decision) -> list[tuple[Attempt, Attempt]]:
    """Each attempt at an answer after which another target was tried, with that one's."""
    if len(decision.attempts) < 2:
        return []
    attempts = [attempt for attempt in decision.attempts if attempt.purpose == "answer"]
    return [(earlier, later) for earlier, later in pairwise(attempts) if earlier.target != later.target]
