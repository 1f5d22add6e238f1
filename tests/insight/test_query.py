"""What is asked of the ledger is what comes back."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight import query
from turnout.insight.query import AmbiguousId, Filter, Summary
from turnout.ledger.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.types.decision import Decision

many_decisions = st.lists(samples.decisions, max_size=8, unique_by=lambda decision: decision.id)
moments = st.none() | st.integers(0, 10**7).map(lambda seconds: samples.EPOCH + timedelta(seconds=seconds))
names = st.none() | st.sampled_from(["haiku", "sonnet", "", "naïve \0 name", "' OR 1=1 --"])
filters = st.builds(
    Filter,
    since=moments,
    until=moments,
    tenant=names,
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
    equal = ("tenant", "user", "route", "target", "outcome", "rule")
    return (
        all(getattr(wanted, name) in {None, getattr(decision, name)} for name in equal)
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at < wanted.until)
        and (wanted.min_cost_usd is None or (cost is not None and cost >= wanted.min_cost_usd))
    )


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def a_store(factory: pytest.TempPathFactory, decisions: list[Decision]) -> SqliteStore:
    store = SqliteStore(factory.mktemp("data") / "db")
    append(store, *decisions)
    store.close()
    return store


@given(many_decisions, filters)
def test_a_filter_chooses_what_it_says(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision], wanted: Filter
) -> None:
    found = list(query.decisions(a_store(tmp_path_factory, decisions), wanted))
    assert sorted(one.id for one in found) == sorted(one.id for one in decisions if fits(one, wanted))
    assert [one.time for one in found] == sorted((one.time for one in found), reverse=True)


@given(many_decisions)
def test_a_summary_adds_up_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision]
) -> None:
    summary = query.summary(a_store(tmp_path_factory, decisions), Filter())
    compared = [one for one in decisions if one.cost_usd is not None and one.baseline_cost_usd is not None]
    assert summary.decisions == len(decisions)
    assert summary.outcomes == Counter(one.outcome for one in decisions)
    assert summary.attempts == sum(len(one.attempts) for one in decisions)
    assert summary.output_tokens == sum(attempt.output_tokens for one in decisions for attempt in one.attempts)
    assert summary.cost_usd == sum((one.cost_usd or Decimal(0) for one in decisions), Decimal(0))
    assert summary.router_cost_usd == sum((one.router_cost_usd or Decimal(0) for one in decisions), Decimal(0))
    assert summary.unpriced == sum(one.cost_usd is None for one in decisions)
    assert summary.compared == len(compared)
    assert summary.baseline_cost_usd == sum((one.baseline_cost_usd or Decimal(0) for one in compared), Decimal(0))
    assert summary.saved_usd == summary.baseline_cost_usd - sum(
        (one.cost_usd or Decimal(0) for one in compared), Decimal(0)
    )


@given(many_decisions)
def test_summaries_by_a_field_are_the_summaries_of_its_values(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision]
) -> None:
    store = a_store(tmp_path_factory, decisions)
    grouped = query.summaries(store, Filter(), by="target")
    assert set(grouped) == {one.target for one in decisions}
    for target, summary in grouped.items():
        if target is not None:
            assert summary == query.summary(store, Filter(target=target))


def test_a_summary_of_absurd_amounts_does_not_overflow(store: SqliteStore) -> None:
    append(store, *(samples.a_decision(cost_usd=Decimal(10**15)) for _ in range(20)))
    assert query.summary(store, Filter()).cost_usd > Decimal(9_000_000) * 20


def test_nothing_sums_up_to_nothing(store: SqliteStore) -> None:
    assert query.summary(store, Filter()) == Summary()
    assert query.count(store) == 0


def test_a_limit_takes_the_newest(store: SqliteStore) -> None:
    times = ["2026-03-01T09:00:00.000+00:00", "2026-03-01T11:00:00.000+00:00", "2026-03-01T10:00:00.000+00:00"]
    append(store, *(samples.a_decision(time=time) for time in times))
    assert [one.time for one in query.decisions(store, Filter(), limit=2)] == [times[1], times[2]]


def test_fallbacks_and_the_query_hash_can_be_asked_for(store: SqliteStore) -> None:
    failed = samples.an_attempt(outcome="failed", target="sonnet")
    fallback = samples.a_decision(attempts=(failed, samples.an_attempt()), query_hash="cd" * 32)
    append(store, samples.a_decision(), fallback)
    assert list(query.decisions(store, Filter(fell_back=True))) == [fallback]
    assert list(query.decisions(store, Filter(query_hash="cd" * 32))) == [fallback]
    assert query.summary(store, Filter()).fallbacks == 1


def test_a_decision_is_found_by_its_id_or_how_that_begins(store: SqliteStore) -> None:
    first, second, third = (samples.a_decision(id=name) for name in ("01a2-aa", "01a2-bb", "01a2"))
    append(store, first, second)
    assert query.decision(store, "01a2-bb") == second
    assert query.decision(store, "01a2-a") == first
    assert query.decision(store, "01a3") is None
    assert query.decision(store, "01a%") is None
    with pytest.raises(AmbiguousId) as caught:
        query.decision(store, "01a2")
    assert sorted(caught.value.ids) == ["01a2-aa", "01a2-bb"]
    append(store, third)
    assert query.decision(store, "01a2") == third


def test_following_gives_the_latest_and_then_each_new_one_once(store: SqliteStore) -> None:
    before = [samples.a_decision() for _ in range(3)]
    after = [samples.a_decision() for _ in range(5)]
    append(store, *before)
    followed = query.follow(store, Filter(tenant="default"), recent=2, poll_s=0.01)
    assert [next(followed), next(followed)] == before[1:]

    def write() -> None:
        for one in after:
            append(store, samples.a_decision(tenant="another"), one)

    writer = threading.Thread(target=write)
    writer.start()
    assert list(islice(followed, 5)) == after
    writer.join()


def test_following_may_begin_before_there_is_anything(store: SqliteStore) -> None:
    followed = query.follow(store, Filter(), poll_s=0.01)
    decision = samples.a_decision()
    threading.Timer(0.05, append, (store, decision)).start()
    assert next(followed) == decision
