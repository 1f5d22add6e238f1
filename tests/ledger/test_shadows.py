"""Shadows in the store: beside the decisions, in nothing that counts those, and gone with them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight.cost_change import SHADOWS, explain_change
from turnout.insight.query import Filter, count
from turnout.insight.shadows import shadows_of
from turnout.insight.spend import Period
from turnout.insight.sums import summary
from turnout.ledger.entry import interrupted
from turnout.ledger.erasing import Subject, erase
from turnout.ledger.ids import new_decision_id
from turnout.ledger.location import database_file
from turnout.ledger.retention import Retention
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp
from turnout.types.decision import Decision, Intent

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(database_file(tmp_path))
    yield store
    store.close()


def a_pair() -> list[Decision]:
    served = samples.a_decision(baseline_cost_usd=Decimal("0.01"))
    attempt = samples.an_attempt(target="opus", purpose="shadow", cost_usd=Decimal("0.002"))
    shadow = samples.a_decision(
        shadow_of=served.id,
        attempts=(attempt,),
        target="opus",
        cost_usd=attempt.cost_usd,
        router_cost_usd=attempt.cost_usd,
        baseline_cost_usd=Decimal(0),
        tags={"team": "a"},
    )
    return [served, shadow]


def left(store: SqliteStore) -> dict[str, int]:
    tables = ("decisions", "shadows", "attempts")
    return {table: next(store.rows(f"SELECT count(*) FROM {table}"))[0] for table in tables}


def test_a_shadow_is_taken_in_once_and_is_no_decision(store: SqliteStore) -> None:
    served, shadow = a_pair()
    append(store, served, shadow, shadow)
    append(store, shadow)
    assert left(store) == {"decisions": 1, "shadows": 1, "attempts": 2}
    assert count(store) == 1
    assert shadows_of(store, served.id) == [shadow]
    sums = summary(store, Filter())
    assert served.cost_usd is not None
    assert (sums.decisions, sums.cost_usd) == (1, served.cost_usd + Decimal("0.002"))
    assert sums.saved_usd == Decimal("0.01") - sums.cost_usd


def test_a_shadow_goes_with_its_decision(store: SqliteStore) -> None:
    append(store, *a_pair())
    now_ms = round(time.time() * 1_000)
    while store.expire(Retention(decisions=DAY.total_seconds()), now_ms):
        pass
    assert left(store) == {"decisions": 0, "shadows": 0, "attempts": 0}


def test_nothing_of_a_user_who_is_erased_stays_in_a_shadow(store: SqliteStore, tmp_path: Path) -> None:
    append(store, *a_pair(), samples.a_decision(user="another"))
    store.close()
    assert erase(tmp_path, Subject(user="user-7")) == 1
    assert left(store) == {"decisions": 1, "shadows": 0, "attempts": 1}
    assert not list(store.rows("SELECT 1 FROM tag_rollups WHERE key = 'team' AND cost > 0"))


def test_a_shadow_whose_process_died_is_a_shadow_still() -> None:
    intent = Intent(
        id=new_decision_id(samples.EPOCH),
        time=timestamp(samples.EPOCH),
        route="support",
        model="support",
        tenant="default",
        user=None,
        source=None,
        dialect="openai_chat",
        stream=False,
        query_hash="",
        target="opus",
        input_tokens=5,
        shadow_of="the-original",
    )
    assert interrupted(intent).shadow_of == "the-original"


def test_a_change_of_cost_tells_what_shadows_took(store: SqliteStore) -> None:
    today = samples.EPOCH.replace(hour=0, minute=0)
    yesterday = samples.a_decision(time=timestamp(samples.EPOCH - DAY))
    append(store, yesterday, *a_pair())
    found = explain_change(store, Period(today - DAY, today), Period(today, today + DAY))
    assert found.causes[SHADOWS] == found.change_usd == Decimal("0.002")
