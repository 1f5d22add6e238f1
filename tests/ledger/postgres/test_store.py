"""What insight asks, asked of two gateways' copy in Postgres, and of one SQLite ledger that has all of theirs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.ledger.postgres.fleet import (
    DAY,
    GATEWAYS,
    NOW,
    NUMBER,
    SINCE,
    UNTIL,
    Fleet,
)
from tests.postgreses import Postgres
from turnout.errors import LedgerError, MissingExtra
from turnout.insight import query
from turnout.insight.bill import Bill, Billed, Key
from turnout.insight.browse import listed, news, searched
from turnout.insight.canary.observed import observed
from turnout.insight.cost_change import explain_change
from turnout.insight.drift import Learnt, survey
from turnout.insight.evaluate.recorded import recorded_traffic
from turnout.insight.export import in_order
from turnout.insight.feedback import said_of, whose
from turnout.insight.forecast import forecasts
from turnout.insight.latency import calls, latencies
from turnout.insight.outages import outages
from turnout.insight.query import Filter
from turnout.insight.reconcile import reconcile
from turnout.insight.report import make_report
from turnout.insight.sample import sampled
from turnout.insight.shadows import compared, pairs, shadows_of
from turnout.insight.spend import Period
from turnout.insight.sums import series, summary, totals
from turnout.insight.texts import answerable
from turnout.insight.ways import ways
from turnout.ledger.postgres.holdings import copy_holdings
from turnout.ledger.postgres.store import PostgresStore
from turnout.ledger.postgres.sums import key_text
from turnout.ledger.store import Store
from turnout.types.canary import Canary, Walked
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

RAGGED = Filter(since=SINCE, until=UNTIL)
ONE = "SELECT id FROM decisions WHERE feedback IS NOT NULL AND id IN (SELECT decision FROM shadows) ORDER BY id"
DAYS = [NOW.replace(hour=0, minute=0, second=0) - days * DAY for days in (20, 10, 0)]
BILL = Bill(
    issuer="anthropic",
    first=(NOW - 9 * DAY).date(),
    last=NOW.date(),
    lines={Key((NOW - days * DAY).date(), "model-haiku"): Billed(cost_usd=Decimal("0.02")) for days in range(9)},
)
CANARY = Canary(
    flag="haiku.first",
    variant="on",
    route="support",
    steps=(0.5,),
    walked=(Walked(time=timestamp(SINCE), share=0.5, because=""),),
)


def filters() -> dict[str, Filter]:
    asked: dict[str, dict[str, Any]] = {
        "everything": {"since": None, "until": None},
        "a ragged period": {},
        "an hour": {"since": UNTIL - timedelta(minutes=50)},
        "a tenant": {"tenant": "acme"},
        "a user": {"user": "joe"},
        "a project": {"project": "web"},
        "a route and outcome": {"route": "support", "outcome": "answered"},
        "a flag": {"flag": "haiku.first=on"},
        "dear ones": {"min_cost_usd": Decimal("0.005")},
        "fallbacks": {"fell_back": True},
        "nobody": {"tenant": "x' OR '1'='1"},
    }
    return {name: msgspec.structs.replace(RAGGED, **each) for name, each in asked.items()}


def ids(store: Store, wanted: Filter) -> list[str]:
    return sorted(one.id for one in in_order(store, wanted))


def drawn(store: Store, *, most: int) -> tuple[int, bool]:
    """How many there are, and whether about as many are drawn as were asked for."""
    sample = sampled(store, RAGGED, most=most)
    return sample.of, abs(len(list(sample.decisions)) - min(most, sample.of)) <= most / 3


QUESTIONS: dict[str, Callable[[Store], Any]] = {
    **{f"summary of {name}": partial(summary, wanted=each) for name, each in filters().items()},
    **{f"latencies of {name}": partial(latencies, wanted=each) for name, each in filters().items()},
    **{f"decisions of {name}": partial(ids, wanted=each) for name, each in filters().items()},
    **{
        f"totals by {' and '.join(by)}": partial(totals, wanted=RAGGED, by=by)
        for by in (("tenant",), ("project",), ("route", "rule"), ("target", "source"), ("outcome",), ("tag:team",))
    },
    "totals by user": lambda store: {
        key_text(key[0] or ""): each for key, each in totals(store, RAGGED, by=("user",)).items()
    },
    "totals by two tags": lambda store: totals(store, RAGGED, by=("tag:team", "tag:flag:none")),
    "by the minute": lambda store: series(store, Filter(since=NOW - DAY), timedelta(minutes=5)),
    "by the hour": lambda store: series(store, RAGGED, timedelta(hours=1)),
    "latencies by day": lambda store: latencies(store, RAGGED, step=DAY),
    "calls": lambda store: calls(store, SINCE, UNTIL),
    "report by provider": lambda store: make_report(store, RAGGED, by=("provider", "tenant"), now=NOW),
    "report by user": lambda store: make_report(store, Filter(tenant="acme"), by=("route",), now=NOW),
    "change of cost": lambda store: explain_change(store, Period(*DAYS[:2]), Period(*DAYS[1:])),
    "forecast": lambda store: forecasts(store, now=NOW),
    "reconciled": lambda store: reconcile(store, BILL, today=date.today()),  # noqa: DTZ011 - any day will do
    "outages": lambda store: outages(store, SINCE, UNTIL),
    "ways": lambda store: ways(store, SINCE, UNTIL),
    "shadows": lambda store: sorted(
        (each.route, sorted(each.served), each.requests, each.served_usd, each.shadow_usd, each.shadow_ms, each.judged)
        for each in compared(store, Filter())
    ),
    "pairs": lambda store: sorted(each.shadow.id for each in pairs(store, Filter(route="support"))),
    "drawn": lambda store: drawn(store, most=60),
    "all drawn": lambda store: drawn(store, most=10_000),
    "drift": lambda store: survey(store, Learnt(file="", id="", kind="classifier"), RAGGED),
    "canary": lambda store: [
        (
            each.requests,
            [(arm.count, arm.callers, round(arm.mean, 9)) for arm in (*each.old.values(), *each.new.values())],
        )
        for each in observed(store, CANARY)
    ],
    "answerable": lambda store: answerable(store, RAGGED, "features"),
    "evaluated": lambda store: sorted(each.id for each in recorded_traffic(store, Filter())),
    "evaluated by judges": lambda store: len(recorded_traffic(store, Filter(), evidence="judge")),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_copy_of_two_gateways_answers_as_one_ledger_does(fleet: Fleet, copy: PostgresStore, question: str) -> None:
    ask = QUESTIONS[question]
    assert ask(copy) == ask(fleet.together)


def test_a_decision_is_found_with_what_was_said_of_it_and_beside_it(fleet: Fleet, copy: PostgresStore) -> None:
    for decision_id in [each for (each,) in fleet.together.rows(ONE)][:3]:
        expected = fleet.together.read(decision_id)
        assert expected is not None
        assert copy.read(decision_id) == query.decision(copy, decision_id[:-1]) == expected
        assert whose(copy, decision_id) == whose(fleet.together, decision_id)
        assert [each.score for each in said_of(copy, decision_id)] == [
            each.score for each in said_of(fleet.together, decision_id)
        ]
        assert shadows_of(copy, decision_id) == shadows_of(fleet.together, decision_id)
    assert copy.read("nothing") is None


def test_pages_of_the_newest_go_on_where_the_last_one_ended(fleet: Fleet, copy: PostgresStore) -> None:
    found: list[Decision] = []
    before = None
    while len(found) < 2 * NUMBER + 1:
        page = listed(copy, Filter(), before=before, limit=100)
        found += page.decisions
        if (before := page.older) is None:
            break
    assert len({each.id for each in found}) == len(found) == query.count(fleet.together)
    assert [each.time for each in found] == sorted((each.time for each in found), reverse=True)
    dear = Filter(min_cost_usd=Decimal("0.012"))
    assert {each.id for each in searched(copy, dear, before=None, limit=500).decisions} == {
        each.id for each in searched(fleet.together, dear, before=None, limit=500).decisions
    }
    assert len(news(copy, Filter(), after=0, limit=7).decisions) == 7


def test_one_gateways_ledger_can_be_asked_alone(fleet: Fleet) -> None:
    for gateway, store in zip(GATEWAYS, fleet.apart, strict=True):
        alone = PostgresStore(fleet.postgres.url, gateway)
        assert summary(alone, Filter()) == summary(store, Filter())
        assert summary(alone, RAGGED) == summary(store, RAGGED)
        held = copy_holdings(alone)
        assert held.rows["decisions"] == held.ledgers[gateway].decisions == query.count(store)
        assert set(held.ledgers) == set(GATEWAYS)
        assert held.bytes > 0
        assert "postgres:" not in held.where


def test_a_role_that_may_only_select_is_enough(fleet: Fleet, tmp_path: Path) -> None:
    reader = PostgresStore(fleet.postgres.url.replace("postgres:@", "reader:@"))
    fleet.postgres.does("CREATE ROLE reader LOGIN", "GRANT USAGE ON SCHEMA turnout TO reader")
    try:
        with pytest.raises(LedgerError, match="permission denied for table version"):
            query.count(reader)
        fleet.postgres.does("GRANT SELECT ON ALL TABLES IN SCHEMA turnout TO reader")
        ((name,),) = reader.rows("SELECT current_role::text")
        assert name == "reader"
        assert calls(reader, SINCE, UNTIL) == calls(fleet.together, SINCE, UNTIL)
        assert copy_holdings(reader).rows["decisions"] == query.count(fleet.together)
    finally:
        fleet.postgres.does("DROP OWNED BY reader", "DROP ROLE reader")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://joe:s3cret@127.0.0.1:1/turnout", "Postgres at 127.0.0.1/turnout cannot be read"),
        ("postgresql://joe:s3c/ret@127.0.0.1:5/turnout", "it is no address like"),
        ("postgresql://joe:s3cret@[/turnout", "it is no address like"),
    ],
)
def test_what_is_no_database_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(LedgerError, match=told) as error:
        query.count(PostgresStore(url))
    assert "s3c" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_database_that_no_gateway_copied_into_or_another_version_did_says_so(postgres: Postgres) -> None:
    store = PostgresStore(postgres.url)
    with pytest.raises(LedgerError, match="no gateway has copied a ledger into this database"):
        query.count(store)
    postgres.does("CREATE SCHEMA turnout", "CREATE TABLE turnout.positions (ledger text)")
    with pytest.raises(LedgerError, match="have version 1; this turnout needs version 2: DROP SCHEMA"):
        query.count(store)
    postgres.does("CREATE TABLE turnout.version AS SELECT 99 AS version")
    with pytest.raises(LedgerError, match="have version 99; a newer turnout wrote them"):
        query.count(store)


def test_without_the_extra_its_name_is_told(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(MissingExtra, match=r"turnout\[postgres\]"):
        query.count(PostgresStore(fleet.postgres.url))
