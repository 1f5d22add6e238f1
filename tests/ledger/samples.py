"""Decisions to record: plain ones, and whatever the types allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from turnout.ledger.ids import new_decision_id
from turnout.types.candidate import Considered, Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision, Intent
from turnout.types.features import Features

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.ledger.sqlite import SqliteStore

EPOCH = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def an_attempt(**changes: Any) -> Attempt:
    fields: dict[str, Any] = {
        "target": "haiku",
        "started": timestamp(EPOCH),
        "outcome": "answered",
        "status": 200,
        "finish": "stop",
        "first_token_ms": 311.25,
        "latency_ms": 840.125,
        "input_tokens": 412,
        "output_tokens": 96,
        "cost_usd": Decimal("0.0007136"),
        "price_version": "genai-prices 2026-02-01",
    }
    return Attempt(**{**fields, **changes})


def a_decision(**changes: Any) -> Decision:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": new_decision_id(now),
        "time": timestamp(EPOCH),
        "route": "support",
        "model": "support",
        "user": "user-7",
        "dialect": "openai_chat",
        "query_hash": "ab" * 32,
        "features": Features(chars=180, tokens=42, context_tokens=412, matches={"faq": "reset my password"}),
        "conditions": {"draw": 0.25},
        "rule": "faq",
        "reason": "rule:faq",
        "considered": (Considered("escalate", False, "no phrase"), Considered("faq", True, "matches faq")),
        "attempts": (an_attempt(),),
        "target": "haiku",
        "outcome": "answered",
        "latency_ms": 841.5,
        "overhead_ms": 0.5,
        "cost_usd": Decimal("0.0007136"),
        "baseline_cost_usd": Decimal("0.002676"),
        "router_cost_usd": Decimal(0),
    }
    return Decision(**{**fields, **changes})


def an_intent(**changes: Any) -> Intent:
    fields: dict[str, Any] = {
        "id": new_decision_id(datetime.now(UTC)),
        "time": timestamp(EPOCH),
        "route": "support",
        "model": "support",
        "tenant": "default",
        "user": "user-7",
        "source": None,
        "dialect": "openai_chat",
        "stream": True,
        "query_hash": "ab" * 32,
        "target": "haiku",
        "input_tokens": 412,
        "cost_usd": Decimal("0.0003296"),
    }
    return Intent(**{**fields, **changes})


def recorded(store: SqliteStore) -> list[str]:
    """The ids in the store, in the order of their arrival."""
    return [decision_id for (decision_id,) in store.rows("SELECT id FROM decisions ORDER BY seq")]


def journal_files(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.rglob("*.jsonl"))


_text = st.text(max_size=8)
_name = st.sampled_from(["haiku", "sonnet", "llama-8b", "", "naïve \0 name"])
_maybe_text = st.none() | _text
_tokens = st.integers(0, 10**7)
_ms = st.floats(0, 1e7, allow_nan=False)
_chance = st.none() | st.floats(0, 1)
amounts = st.none() | st.decimals(0, 10_000, places=12)
times = st.integers(0, 10**7).map(lambda seconds: timestamp(EPOCH + timedelta(seconds=seconds)))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_text, inner, max_size=2),
    max_leaves=4,
)
features = st.builds(
    Features,
    chars=_tokens,
    tokens=_tokens,
    context_tokens=_tokens,
    max_tokens=st.none() | _tokens,
    language=_maybe_text,
    needs=st.lists(_text, max_size=2).map(tuple),
    matches=st.dictionaries(_text, _text, max_size=2),
)
attempts = st.builds(
    Attempt,
    target=_name,
    purpose=st.sampled_from(["answer", "judge"]),
    started=times,
    outcome=st.sampled_from(["answered", "failed", "cancelled", "discarded"]),
    error_class=_maybe_text,
    status=st.none() | st.integers(100, 599),
    model=_maybe_text,
    finish=_maybe_text,
    first_token_ms=st.none() | _ms,
    latency_ms=_ms,
    input_tokens=_tokens,
    cached_tokens=_tokens,
    cache_write_tokens=_tokens,
    output_tokens=_tokens,
    reasoning_tokens=_tokens,
    cost_usd=amounts,
    estimated=st.booleans(),
    price_version=_maybe_text,
)
decisions = st.builds(
    Decision,
    id=st.uuids(version=4).map(str),
    time=times,
    route=_name,
    model=_text,
    policy_version=_text,
    config_version=_text,
    tenant=_name,
    project=st.none() | _name,
    user=st.none() | _name,
    source=_maybe_text,
    tags=st.dictionaries(_text, _text, max_size=2),
    dialect=_text,
    stream=st.booleans(),
    query_hash=_text,
    features=st.none() | features,
    conditions=st.dictionaries(_text, json_values, max_size=2),
    rule=st.none() | _name,
    reason=_maybe_text,
    considered=st.lists(st.builds(Considered, _text, st.booleans(), _text), max_size=2).map(tuple),
    dropped=st.lists(st.builds(Dropped, _name, st.sampled_from(["breaker_open", "lacks_tools"])), max_size=2).map(
        tuple
    ),
    attempts=st.lists(attempts, max_size=3).map(tuple),
    confidence=_chance,
    target=st.none() | _name,
    outcome=st.sampled_from(["answered", "failed", "partial", "refused", "cancelled", "interrupted"]),
    error=_maybe_text,
    latency_ms=_ms,
    overhead_ms=_ms,
    cost_usd=amounts,
    baseline_cost_usd=amounts,
    router_cost_usd=amounts,
    cache=_maybe_text,
    propensity=_chance,
    feedback=_chance,
    sdk_retry=st.none() | st.integers(0, 9),
)
