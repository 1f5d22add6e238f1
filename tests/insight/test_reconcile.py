"""A bill held against the ledger: they agree where nothing is wrong, and each single thing that is wrong is named."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.errors import ConfigError, LedgerError
from turnout.insight.bill import Bill, Billed, Key, family
from turnout.insight.reconcile import Reconciled, reconcile
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision

FIRST = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 4
LATER = date(2026, 12, 1)
HOUR = timedelta(hours=1)


def a_call(at: datetime, **changes: Any) -> Attempt:
    taken, cached, given = 3000, 1000, 500
    fields = {
        "target": "smart",
        "provider": "openai",
        "model": "gpt-4o-2024-08-06",
        "started": timestamp(at),
        "input_tokens": taken,
        "cached_tokens": cached,
        "output_tokens": given,
        "cost_usd": Decimal("0.0625") + at.hour * Decimal("0.001"),  # no two hours alike, so that a shift shows
    }
    return samples.an_attempt(**(fields | changes))


def usual() -> list[Attempt]:
    """Three calls in every hour of four days, and of one day on either side."""
    return [a_call(FIRST + HOUR * hour / 3 + HOUR / 9) for hour in range(-72, 3 * 24 * (DAYS + 1))]


def cost_of(call: Attempt) -> Decimal:
    assert call.cost_usd is not None
    return call.cost_usd


def a_request(call: Attempt) -> Decision:
    return samples.a_decision(time=call.started, attempts=(call,), cost_usd=call.cost_usd)


def a_bill(calls: Iterable[Attempt], *, ahead: int = 0, **without: None) -> Bill:
    """What a provider charges for the calls, which its days are `ahead` hours of UTC."""
    sums: dict[Key, Billed] = defaultdict(Billed)
    for call in calls:
        day = (datetime.fromisoformat(call.started) + ahead * HOUR).date()
        if not FIRST.date() <= day < (FIRST + timedelta(days=DAYS)).date():
            continue
        one = Billed(
            requests=1,
            input_tokens=call.input_tokens,
            cached_tokens=call.cached_tokens,
            output_tokens=call.output_tokens,
            cost_usd=call.cost_usd or Decimal(0),
        )
        key = Key(day, family(call.model or "gpt-4o"))
        sums[key] = sums[key].plus(one)
    lines = {key: msgspec.structs.replace(each, **without) for key, each in sums.items()}
    return Bill("openai", FIRST.date(), (FIRST + timedelta(days=DAYS - 1)).date(), lines)


def held(tmp_path: Path, calls: Iterable[Attempt], bill: Bill, **options: Any) -> Reconciled:
    store = SqliteStore(tmp_path / "db")
    append(store, *map(a_request, calls))
    store.close()
    return reconcile(store, bill, **({"today": LATER} | options))


def kinds(found: Reconciled) -> set[str]:
    """The likeliest cause of each gap."""
    return {row.causes[0].kind for row in found.rows if not row.agrees}


calls = st.lists(
    st.builds(
        a_call,
        st.integers(0, DAYS * 86_400_000 - 1).map(lambda each: FIRST + timedelta(milliseconds=each)),
        model=st.sampled_from(["gpt-4o-2024-08-06", "gpt-4o-mini", "claude-3-5-haiku-20241022"]),
        input_tokens=st.integers(1, 10**6),
        output_tokens=st.integers(0, 10**6),
        cost_usd=st.decimals(0, 1000, places=8),
    ),
    max_size=12,
)


@given(calls)
def test_the_ledgers_own_sum_is_no_gap(tmp_path_factory: pytest.TempPathFactory, calls: list[Attempt]) -> None:
    bill = a_bill(calls)
    found = held(tmp_path_factory.mktemp("data"), calls, bill, tolerance=Decimal(0))
    assert found.agrees
    assert found.total("USD") == (sum(call.cost_usd or 0 for call in calls),) * 2
    assert {Key(row.day, row.model) for row in found.rows} == bill.lines.keys()
    assert not any(row.causes or row.gap for row in found.rows)


def test_only_the_bills_days_and_provider_are_compared(tmp_path: Path) -> None:
    elsewhere = [a_call(FIRST + HOUR, provider="azure"), a_call(FIRST - HOUR), a_call(FIRST + DAYS * 24 * HOUR)]
    assert held(tmp_path, [*usual(), *elsewhere], a_bill(usual())).agrees


def test_a_provider_of_another_name_is_found_by_its_models_or_by_being_named(tmp_path: Path) -> None:
    renamed = [msgspec.structs.replace(call, provider="eu") for call in usual()]
    other = a_call(FIRST, provider="vllm", model="llama", target="own")
    found = held(tmp_path, [*renamed, other], a_bill(usual()))
    assert found.agrees
    assert found.providers == ("eu",)
    store = SqliteStore(tmp_path / "db")
    assert not reconcile(store, a_bill(usual()), today=LATER, providers={"vllm"}).agrees
    with pytest.raises(ConfigError, match=r"no call to a provider 'us'\. There are: eu, vllm"):
        reconcile(store, a_bill(usual()), today=LATER, providers={"us"})
    store.close()


def test_a_call_that_nobody_answered_is_its_targets_usual_models(tmp_path: Path) -> None:
    cut = a_call(FIRST + HOUR, model=None, outcome="failed", provider="")
    refused = a_call(FIRST + HOUR, model=None, outcome="failed", input_tokens=0, output_tokens=0, cost_usd=None)
    assert held(tmp_path, [*usual(), cut, refused], a_bill([*usual(), cut])).agrees


def test_a_gap_within_the_bills_rounding_or_a_cent_is_none(tmp_path: Path) -> None:
    bill = a_bill(usual())
    off = {key: each.plus(Billed(cost_usd=Decimal("0.03"))) for key, each in bill.lines.items()}
    rounded = {key: each.plus(Billed(rounding_usd=Decimal("0.03"))) for key, each in off.items()}
    assert not held(tmp_path, usual(), bill._replace(lines=off), tolerance=Decimal(0)).agrees
    assert held(tmp_path / "again", usual(), bill._replace(lines=rounded), tolerance=Decimal(0)).agrees


def test_calls_past_the_gateway_are_told_by_requests_or_tokens(tmp_path: Path) -> None:
    past = [a_call(FIRST + HOUR * hour) for hour in range(5)]
    found = held(tmp_path, usual(), a_bill([*usual(), *past]))
    assert kinds(found) == {"outside"}
    (row,) = (row for row in found.rows if not row.agrees)
    assert (row.day, row.gap) == (FIRST.date(), sum(call.cost_usd or 0 for call in past))
    assert "77 requests, the ledger 72: 5 did not go" in row.causes[0].told
    uncounted = held(tmp_path / "again", usual(), a_bill([*usual(), *past], requests=None))
    assert kinds(uncounted) == {"outside"}
    silent = a_bill([*usual(), *past], requests=None, input_tokens=None, output_tokens=None, cached_tokens=None)
    assert kinds(held(tmp_path / "third", usual(), silent)) == {"unknown"}


def test_a_model_that_never_went_through_the_gateway_is_told(tmp_path: Path) -> None:
    past = a_call(FIRST, model="o3")
    found = held(tmp_path, usual(), a_bill([*usual(), past]))
    assert kinds(found) == {"outside"}
    assert [row.share for row in found.rows if row.model == "o3"] == [1]


def test_a_day_without_any_call_points_at_the_ledger(tmp_path: Path) -> None:
    kept = [call for call in usual() if not call.started.startswith("2026-11-03")]
    found = held(tmp_path, kept, a_bill(usual()))
    assert kinds(found) == {"retention"}


def test_what_is_not_on_the_bill_is_told_and_a_day_just_past_may_still_come(tmp_path: Path) -> None:
    more = a_call(FIRST + timedelta(days=DAYS - 1), model="o3", target="think")
    assert kinds(held(tmp_path, [*usual(), more], a_bill(usual()))) == {"not_billed"}
    last = (FIRST + timedelta(days=DAYS)).date()
    again = held(tmp_path / "again", [*usual(), more], a_bill(usual()), today=last)
    assert kinds(again) == {"open_day"}


def test_days_of_another_time_zone_are_recognised(tmp_path: Path) -> None:
    uneven = [call for call in usual() if int(call.started[11:13]) >= 8 or call.started[9] in "24"]
    found = held(tmp_path, uneven, a_bill(uneven, ahead=-8))
    assert kinds(found) == {"time_zone"}
    assert all("UTC-8: export it in UTC" in row.causes[0].told for row in found.rows if not row.agrees)


def test_another_price_is_told_from_the_same_tokens_or_the_same_ratio_every_day(tmp_path: Path) -> None:
    dearer = [msgspec.structs.replace(call, cost_usd=cost_of(call) * Decimal("1.25")) for call in usual()]
    found = held(tmp_path, usual(), a_bill(dearer))
    assert kinds(found) == {"price"}
    assert "genai-prices 2026-02-01" in found.rows[0].causes[0].told
    silent = a_bill(dearer, requests=None, input_tokens=None, output_tokens=None, cached_tokens=None)
    again = held(tmp_path / "again", usual(), silent)
    assert kinds(again) == {"price"}
    assert "1.250 times the ledger" in again.rows[0].causes[0].told


def test_cached_tokens_that_only_one_side_has_are_told(tmp_path: Path) -> None:
    plain = [
        msgspec.structs.replace(call, cached_tokens=0, cost_usd=cost_of(call) + Decimal("0.0125")) for call in usual()
    ]
    assert kinds(held(tmp_path, usual(), a_bill(plain))) == {"cached"}
    bill = a_bill(plain, input_tokens=None, output_tokens=None, cached_tokens=None)
    none = bill._replace(lines={key: each.plus(Billed(cached_usd=Decimal(0))) for key, each in bill.lines.items()})
    assert kinds(held(tmp_path / "again", usual(), none)) == {"cached"}
    cheap = a_bill(usual(), input_tokens=None, output_tokens=None, cached_tokens=None)
    some = cheap._replace(lines={key: each.plus(Billed(cached_usd=Decimal(1))) for key, each in cheap.lines.items()})
    assert kinds(held(tmp_path / "third", plain, some)) == {"cached"}


def test_a_missing_price_is_told_with_the_target_that_needs_it(tmp_path: Path) -> None:
    blind = [msgspec.structs.replace(call, cost_usd=None) for call in usual()]
    found = held(tmp_path, blind, a_bill(usual()))
    assert kinds(found) == {"unpriced"}
    assert "give smart a `price`" in found.rows[0].causes[0].told


def test_estimates_failures_and_midnight_are_told_by_what_they_amount_to(tmp_path: Path) -> None:
    big = {"input_tokens": 90_000, "cost_usd": Decimal("0.9")}
    guessed = a_call(FIRST + HOUR, estimated=True, outcome="cancelled", **big)
    true = msgspec.structs.replace(guessed, input_tokens=40_000, cost_usd=Decimal("0.4"))
    assert kinds(held(tmp_path, [*usual(), guessed], a_bill([*usual(), true]))) == {"estimated"}
    broken = a_call(FIRST + HOUR, outcome="failed", **big)
    assert kinds(held(tmp_path / "again", [*usual(), broken], a_bill(usual()))) == {"broken"}
    late = a_call(FIRST + 24 * HOUR - timedelta(seconds=1), latency_ms=5000.0, **big)
    billed = msgspec.structs.replace(late, started=timestamp(FIRST + 24 * HOUR + timedelta(seconds=4)))
    found = held(tmp_path / "third", [*usual(), late], a_bill([*usual(), billed]))
    assert kinds(found) == {"midnight", "outside"}  # the day on which it was billed has it not


def test_a_discount_is_unknown_and_says_so(tmp_path: Path) -> None:
    bill = a_bill(usual(), requests=None, input_tokens=None, output_tokens=None, cached_tokens=None)
    key = min(bill.lines)
    less = {**bill.lines, key: Billed(cost_usd=Decimal("1.00"))}
    found = held(tmp_path, usual(), bill._replace(lines=less))
    assert kinds(found) == {"unknown"}
    assert "Credits or discounts" in found.rows[0].causes[0].told


def test_a_bill_without_costs_is_compared_by_tokens(tmp_path: Path) -> None:
    silent = a_bill([*usual(), *(a_call(FIRST) for _ in range(5))], cost_usd=None)
    found = held(tmp_path, usual(), silent)
    assert {row.unit for row in found.rows} == {"tokens"}
    assert [row.gap for row in found.rows if not row.agrees] == [5 * 3500]
    assert kinds(found) == {"outside"}


def test_a_record_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db")
    append(store, a_request(a_call(FIRST)))
    store.close()
    with sqlite3.connect(tmp_path / "db") as writer:
        writer.execute("UPDATE decisions SET record = '{'")
    with pytest.raises(LedgerError, match="cannot be read"):
        reconcile(store, a_bill(usual()), today=LATER)


def test_progress_is_told_every_so_many_decisions(tmp_path: Path) -> None:
    many = [a_call(FIRST + timedelta(seconds=each)) for each in range(10_001)]
    told: list[int] = []
    assert held(tmp_path, many, a_bill(many), progress=told.append).agrees
    assert told == [10_000]
