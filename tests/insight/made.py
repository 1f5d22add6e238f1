"""Made-up decisions and what may be asked of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight.query import Filter
from turnout.ledger.sqlite import SqliteStore
from turnout.types.decision import Decision

many_decisions = st.lists(samples.decisions, max_size=8, unique_by=lambda decision: decision.id)
moments = st.none() | st.integers(0, 10**7).map(lambda seconds: samples.EPOCH + timedelta(seconds=seconds))
names = st.none() | st.sampled_from(["haiku", "sonnet", "", "naïve \0 name", "' OR 1=1 --"])
filters = st.builds(
    Filter,
    since=moments,
    until=moments,
    tenant=names,
    project=names,
    user=names,
    route=names,
    target=names,
    outcome=st.sampled_from([None, None, "answered", "failed"]),
    rule=names,
    min_cost_usd=st.none() | st.decimals(0, 10_000, places=2),
)


def fits(decision: Decision, wanted: Filter) -> bool:
    at = datetime.fromisoformat(decision.time)
    cost = decision.cost_usd
    equal = ("tenant", "project", "user", "route", "target", "outcome", "rule")
    return (
        all(getattr(wanted, name) in {None, getattr(decision, name)} for name in equal)
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at < wanted.until)
        and (wanted.min_cost_usd is None or (cost is not None and cost >= wanted.min_cost_usd))
    )


def a_store(factory: pytest.TempPathFactory, decisions: list[Decision]) -> SqliteStore:
    store = SqliteStore(factory.mktemp("data") / "db")
    append(store, *decisions)
    store.close()
    return store
