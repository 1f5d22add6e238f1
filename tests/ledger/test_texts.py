"""Texts are written soon, masked where they must be, and never hold up a request."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import wait_for
from turnout.ledger import texts
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.texts import Texts
from turnout.types.privacy import PrivacyMode, Transcript
from turnout.types.request import Said


def a_transcript(decision: str, text: str = "Hello", mode: PrivacyMode = "full", user: str = "u-1") -> Transcript:
    return Transcript(
        decision=decision,
        time="2026-03-01T00:00:00.000Z",
        tenant="acme",
        user=user,
        mode=mode,
        said=(Said("system", "Be kind."), Said("user", text)),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "db", busy_s=0.05)
    yield store
    store.close()


def kept(store: SqliteStore) -> list[tuple[object, ...]]:
    return list(store.rows("SELECT decision, time, tenant, user, mode, said FROM texts ORDER BY seq"))


def test_what_was_said_is_kept_word_for_word_where_that_is_wanted(store: SqliteStore) -> None:
    keeper = Texts(store)
    keeper.keep(a_transcript("one", 'Grüße, "Ω" \ud800'), str.upper)
    wait_for(lambda: kept(store))
    keeper.stop()
    ((*whose, said),) = kept(store)
    assert whose == ["one", 1_772_323_200_000, "acme", "u-1", "full"]
    assert json.loads(str(said)) == [["system", "Be kind."], ["user", 'Grüße, "Ω" \ud800']]


def test_what_is_to_be_redacted_is_masked(store: SqliteStore) -> None:
    keeper = Texts(store)
    keeper.keep(a_transcript("one", "joe@example.com", "redacted"), lambda text: text.replace("joe", "[who]"))
    keeper.stop()
    assert '"[who]@example.com"' in str(kept(store)[0][-1])


def test_without_a_mask_nothing_of_it_is_kept(store: SqliteStore) -> None:
    keeper = Texts(store)
    keeper.keep(a_transcript("one", "joe@example.com", "redacted"))
    keeper.stop()
    assert json.loads(str(kept(store)[0][-1])) == [
        ["system", "[8 characters, not kept]"],
        ["user", "[15 characters, not kept]"],
    ]


def test_what_comes_too_fast_is_counted_and_left_out(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    monkeypatch.setattr(texts, "MOST_WAITING", 100)
    keeper = Texts(store)
    keeper.keep(a_transcript("one", "x" * 1_000))
    keeper.keep(a_transcript("two", "x" * 1_000))
    keeper.keep(a_transcript("three"))
    keeper.stop()
    assert [row[0] for row in kept(store)] == ["three"]
    assert keeper.lost == 2
    assert caplog.text.count("texts are being lost") == 1


def test_a_store_that_is_busy_is_tried_again(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    monkeypatch.setattr(texts, "RETRY_S", 0.01)
    list(store.rows("SELECT 1"))
    store.position("makes the file")
    keeper = Texts(store)
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        keeper.keep(a_transcript("one"))
        wait_for(lambda: "texts cannot be written" in caplog.text)
        other.execute("COMMIT")
    wait_for(lambda: kept(store))
    keeper.stop()
    assert keeper.lost == 0


def test_what_a_broken_store_does_not_take_is_counted_in_the_end(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    keeper = Texts(SqliteStore(tmp_path / "db"))
    keeper.keep(a_transcript("one"))
    keeper.stop()
    assert keeper.lost == 1
