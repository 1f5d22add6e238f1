"""A drill's verdict, from records whose sums are plain to see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from turnout.insight.drill import DrillVerdict, drill_verdict
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Written
from turnout.types.candidate import Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision, DecisionOutcome
from turnout.types.drill import Drill, DrillMode
from turnout.types.money import Price

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
END = BEGAN + timedelta(seconds=60)
DRILL = Drill(id="d-1", targets=("a",), mode=DrillMode.REFUSE, began=timestamp(BEGAN), until=timestamp(END), seconds=60)
PRICES = {"a": Price(input=Decimal(1), output=Decimal(1)), "b": Price(input=Decimal(2), output=Decimal(2))}


def attempt(target: str, at: float, *, drilled: bool = False) -> Attempt:
    return Attempt(
        target=target,
        started=timestamp(BEGAN + timedelta(seconds=at)),
        outcome="failed" if drilled else "answered",
        latency_ms=1,
        input_tokens=0 if drilled else 1_000_000,
        cost_usd=Decimal(0) if drilled else PRICES[target].input,
        drilled="d-1" if drilled else None,
    )


def decided(
    at: float, *attempts: Attempt, ms: float = 100, outcome: DecisionOutcome = "answered", shut: bool = False
) -> Decision:
    return Decision(
        id=f"{at:010.3f}",
        time=timestamp(BEGAN + timedelta(seconds=at)),
        route="r",
        model="r",
        dialect="openai_chat",
        dropped=(Dropped("a", "breaker_open"),) if shut else (),
        conditions={"breakers": {"a": "open"}} if shut else {},
        attempts=attempts,
        target=attempts[-1].target if outcome == "answered" else None,
        outcome=outcome,
        latency_ms=ms,
        cost_usd=sum((each.cost_usd or Decimal(0) for each in attempts), Decimal(0)),
    )


def verdict(tmp_path: Path, *decisions: Decision, prices: dict[str, Price | None] | None = None) -> DrillVerdict:
    store = SqliteStore(tmp_path / "ledger.sqlite3")
    store.append([Written(each, msgspec.json.encode(each)) for each in decisions], "journal", None)
    try:
        return drill_verdict(store, DRILL, END, prices or dict(PRICES))
    finally:
        store.close()


def test_a_drill_is_summed_up(tmp_path: Path) -> None:
    found = verdict(
        tmp_path,
        decided(-700, attempt("a", -700), ms=9_999),  # too long ago
        decided(-20, attempt("a", -20), ms=100),
        decided(-10, attempt("b", -10), ms=5_000),  # never asked a
        decided(2, attempt("a", 2, drilled=True), attempt("b", 2), ms=500),
        decided(3, attempt("a", 3, drilled=True), outcome="failed"),
        decided(4, attempt("a", 4), ms=120),  # not in the share
        decided(5, attempt("b", 5), ms=300, shut=True),
        decided(6, attempt("b", 6), ms=9_000),  # not concerned
        decided(7, attempt("a", 7, drilled=True), outcome="cancelled"),
        decided(61, attempt("b", 61), shut=True),
        decided(64, attempt("a", 65)),
    )
    assert (found.during.requests, found.during.answered, found.during.failed) == (5, 3, 1)
    assert found.during.availability == 0.75
    assert (found.before.requests, found.before.p50_ms) == (1, 100)
    assert (found.during.p50_ms, found.during.p99_ms) == (300, 500)
    assert (found.added_p50_ms, found.added_p99_ms) == (200, 400)
    assert found.answered_by == {"a": 1, "b": 2}
    assert (found.drilled_attempts, found.strayed) == (3, 0)
    assert found.first_fallback_s == 2.5
    assert (found.breaker_opened_s, found.breaker_closed_s, found.recovered_s) == (5, 4, 5)
    assert [found.cost_usd, found.undisturbed_usd, found.detour_usd] == [Decimal(5), Decimal(3), Decimal(2)]


def test_without_traffic_nothing_is_claimed(tmp_path: Path) -> None:
    found = verdict(tmp_path)
    assert found.during.availability is None
    assert (found.added_p50_ms, found.first_fallback_s, found.breaker_opened_s) == (None, None, None)
    assert found.recovered_s is None
    assert found.cost_usd == 0


@pytest.mark.parametrize("prices", [{}, {"a": None}])
def test_an_unknown_price_is_not_taken_for_nothing(tmp_path: Path, prices: dict[str, Price | None]) -> None:
    found = verdict(tmp_path, decided(2, attempt("a", 2, drilled=True), attempt("b", 2)), prices={**prices, "c": None})
    assert (found.undisturbed_usd, found.detour_usd) == (None, None)
    unpriced = msgspec.structs.replace(decided(3, attempt("b", 3), shut=True), cost_usd=None)
    assert verdict(tmp_path, unpriced).cost_usd is None
