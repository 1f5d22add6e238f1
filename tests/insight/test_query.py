"""What is asked of the ledger is what comes back."""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tests.insight.made import a_store, filters, fits, many_decisions
from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight import query
from turnout.insight.query import AmbiguousId, Filter
from turnout.ledger.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.types.decision import Decision


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


@given(many_decisions, filters)
def test_a_filter_chooses_what_it_says(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision], wanted: Filter
) -> None:
    found = list(query.decisions(a_store(tmp_path_factory, decisions), wanted))
    assert sorted(one.id for one in found) == sorted(one.id for one in decisions if fits(one, wanted))
    assert [one.time for one in found] == sorted((one.time for one in found), reverse=True)


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
