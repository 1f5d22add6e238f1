"""What the ledger tells for advice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.recorded import recorded_facts
from turnout.insight.query import Filter
from turnout.insight.trace import Taken, take_in
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.decision import Attempt, Decision

NOW = datetime(2026, 3, 9, tzinfo=UTC)


def attempt(target: str, time: str, cost: str, *, kept: bool) -> Attempt:
    return Attempt(
        target=target,
        started=time,
        outcome="answered" if kept else "discarded",
        latency_ms=5.0,
        input_tokens=900,
        output_tokens=100,
        cost_usd=Decimal(cost),
    )


def decision(number: int, route: str, *, escalated: bool) -> Decision:
    time = (NOW - timedelta(days=6) + timedelta(minutes=20 * number)).isoformat(timespec="milliseconds")
    attempts = [attempt("cheap", time, "0.001", kept=not escalated)]
    attempts += [attempt("strong", time, "0.01", kept=True)] if escalated else []
    return Decision(
        id=f"id{number:05}",
        time=time,
        route=route,
        model=route,
        dialect="openai",
        attempts=tuple(attempts),
        target=attempts[-1].target,
        outcome="answered",
        cost_usd=sum((each.cost_usd for each in attempts if each.cost_usd), Decimal(0)),
    )


def test_escalations_are_a_share_of_the_routes_that_escalate(tmp_path: Path) -> None:
    store = SqliteStore(database_file(tmp_path))
    routes = ("cascade", "plain")
    made = (decision(number, routes[number % 2], escalated=number % 4 == 0) for number in range(400))
    take_in(store, (Taken(each) for each in made))
    found = recorded_facts(store, Filter(), Assumptions(), now=NOW)
    assert found.value("escalation") == 0.5
    assert found.value("cheap_cost") == 0.1
    assert found.value("categories") == 2
