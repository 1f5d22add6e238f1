"""Pages, news and ways: each is what a loop over the decisions finds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insight.made import a_store, filters, many_decisions
from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight import browse, query
from turnout.insight.browse import Cursor
from turnout.insight.query import Filter
from turnout.insight.ways import ways
from turnout.ledger.sqlite import SqliteStore
from turnout.types.decision import Decision

ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
few = settings(max_examples=15)


@few
@given(many_decisions, st.integers(1, 4))
def test_pages_hold_every_decision_once_newest_first(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision], size: int
) -> None:
    store = a_store(tmp_path_factory, decisions)
    seen: list[Decision] = []
    cursor: Cursor | None = None
    while True:
        page = browse.listed(store, Filter(), before=cursor, limit=size)
        seen += page.decisions
        if page.older is None:
            break
        cursor = Cursor.read(str(page.older))
        assert cursor == page.older
    assert seen == list(query.decisions(store, Filter()))


@few
@given(many_decisions, filters, st.integers(1, 3), st.integers(1, 4))
def test_a_search_page_by_page_finds_them_all(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision], wanted: Filter, most: int, size: int
) -> None:
    store = a_store(tmp_path_factory, decisions)
    seen: list[Decision] = []
    cursor: Cursor | None = None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(browse, "MOST_READ", most)
        while True:
            page = browse.searched(store, wanted, before=cursor, limit=size)
            seen += page.decisions
            if page.older is None:
                break
            cursor = page.older
    assert seen == list(query.decisions(store, wanted))


@pytest.mark.parametrize("text", [None, "", "-", "1", "1-", "a-b", "-1-2", "1-2-3", "²-²", "1" * 19 + "-1"])
def test_what_is_no_cursor_is_none(text: str | None) -> None:
    assert Cursor.read(text) is None


def test_news_are_what_came_after_a_number(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    assert browse.latest(store) == 0
    first, second, third = (samples.a_decision(tenant=name) for name in ("a", "b", "a"))
    append(store, first, second)
    seen = browse.latest(store)
    append(store, third)
    assert browse.news(store, Filter(), after=seen, limit=9) == ([third], 3)
    assert browse.news(store, Filter(tenant="a"), after=0, limit=9).decisions == [third, first]
    assert browse.news(store, Filter(), after=0, limit=1).decisions == [third]
    assert browse.news(store, Filter(tenant="b"), after=seen, limit=9) == ([], 3)


@few
@given(many_decisions)
def test_ways_are_reasons_and_targets_by_route(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision]
) -> None:
    found = ways(a_store(tmp_path_factory, decisions), *ALWAYS)
    counted = Counter((one.route, one.reason, one.target) for one in decisions)
    assert {(route, *way): number for route, each in found.items() for way, number in each.items()} == counted
