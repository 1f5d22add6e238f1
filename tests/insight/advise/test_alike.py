"""What is said of a cheaper target, on ledgers that would fool whoever compares what is unlike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ledger import samples
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.fact import Fact, Facts
from turnout.insight.advise.prices import CHEAP, STRONG, Pair, priced
from turnout.insight.advise.reckoning import completed, outlook
from turnout.insight.advise.recorded import recorded_facts
from turnout.insight.advise.table import Approach
from turnout.insight.query import Filter
from turnout.insight.trace import Taken, take_in
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback, Kind

NOW = datetime(2026, 3, 9, tzinfo=UTC)
PRICES = {"cheap": (1, 2), "strong": (10, 20), "dear": (4, 40)}
"""USD per million input and output tokens."""
BARE: dict[str, Any] = {"baseline_cost_usd": None, "user": None, "rule": None}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(database_file(tmp_path))
    yield store
    store.close()


def asked(number: int, target: str, tokens: tuple[int, int], **changes: Any) -> Decision:
    """A request of one target, on one of the six days before."""
    time = timestamp(NOW - timedelta(days=6) + timedelta(minutes=20 * number))
    cost = sum(Decimal(price) * each for price, each in zip(PRICES[target], tokens, strict=True)).scaleb(-6)  # type: ignore[union-attr]
    purpose = "shadow" if "shadow_of" in changes else "answer"
    attempt = samples.an_attempt(
        target=target, started=time, purpose=purpose, input_tokens=tokens[0], output_tokens=tokens[1], cost_usd=cost
    )
    return samples.a_decision(
        **{**BARE, "time": time, "target": target, "attempts": (attempt,), "cost_usd": cost, **changes}
    )


def facts(store: SqliteStore, decisions: list[Decision], said: list[Feedback] | None = None) -> Facts:
    take_in(store, map(Taken, decisions))
    store.append([], "test", None, said or [])
    return recorded_facts(store, Filter(), Assumptions(), now=NOW)


def said_of(decision: Decision, kind: Kind, judge: str, score: float) -> Feedback:
    name = f"{decision.id}-{kind}-{judge}"
    return Feedback(id=name, decision=decision.id, time=decision.time, kind=kind, judge=judge, score=score)


def beside(count: int, served: str, other: str, **changes: Any) -> list[tuple[Decision, Decision]]:
    """Requests of the target that served them, and of another that was asked the same."""
    made = [asked(number, served, (900 + number, 100 + number % 7), **changes) for number in range(count)]
    return [
        (one, asked(number, other, (900 + number, 90 + number % 5), shadow_of=one.id, **changes))
        for number, one in enumerate(made)
    ]


def test_a_target_that_was_only_given_cheap_questions_is_not_cheaper(store: SqliteStore) -> None:
    """`strong` reads long texts and says a word, `dear` writes: by the token it is four times dearer. It is not."""
    made = [asked(number, "strong", (5_000 + 10 * number, 20 + number % 9)) for number in range(0, 300, 2)]
    made += [asked(number, "dear", (100 + number, 2_000 + 7 * (number % 11))) for number in range(1, 31, 2)]
    found = facts(store, made)
    tokens = [sum(each.attempts[0].input_tokens for each in made), sum(each.attempts[0].output_tokens for each in made)]
    usd = {name: price[0] * tokens[0] + price[1] * tokens[1] for name, price in PRICES.items()}
    assert usd["dear"] < usd["strong"], "though by the token that it answered with it is the dearer one"
    assert found.value("cheap_cost") == pytest.approx(usd["dear"] / usd["strong"], rel=1e-6)
    assert not found.notes


def test_requests_of_one_shape_each_cannot_be_compared_and_that_is_said(store: SqliteStore) -> None:
    made = [asked(number, "cheap", (100, 900)) for number in range(0, 100, 2)]
    made += [asked(number, "strong", (900, 100)) for number in range(1, 100, 2)]
    found = facts(store, made)
    assert found.get("cheap_cost") is None
    assert "What cheap, strong would cost for the others' requests cannot be told" in found.notes[0]
    assert "what was spent stands for what the strong model alone would cost" in found.notes[1]
    pair = Pair(priced(STRONG, NOW), priced(CHEAP, NOW))
    baseline = completed(found, Assumptions(), pair).known["baseline_per_month"]
    assert (baseline.origin, baseline.how) == ("reckoned", "what was spent: no baseline is recorded")
    assert baseline.value == found.value("cost_per_month")


def test_without_a_recorded_baseline_the_dearest_target_for_the_same_tokens_is_it(store: SqliteStore) -> None:
    made = [asked(number, ("cheap", "strong")[number % 2], (900 + number, 100 + number % 7)) for number in range(200)]
    found = facts(store, made)
    spent, baseline = found.known["cost_per_month"], found.known["baseline_per_month"]
    cheap = sum(each.cost_usd or Decimal(0) for each in made if each.target == "cheap")
    strong = sum(each.cost_usd or Decimal(0) for each in made if each.target == "strong")
    assert baseline.value == pytest.approx(spent.value * float((10 * cheap + strong) / (cheap + strong)), rel=1e-6)
    assert "no baseline is recorded" in baseline.how


def test_a_target_that_was_only_asked_beside_the_traffic_is_known_to_be_cheaper_and_how_good(
    store: SqliteStore,
) -> None:
    pairs = beside(100, "strong", "cheap")
    said = [said_of(one, "agreement", "cheap", float(place % 5 > 0)) for place, (one, _) in enumerate(pairs)]
    found = facts(store, [each for pair in pairs for each in pair], said)
    share = found.known["cheaper_share"]
    assert found.value("cheap_cost") == pytest.approx(0.1, rel=1e-6)
    assert (share.value, share.how) == (
        0.8,
        "100 answers of cheap beside the traffic, graded or compared with strong's",
    )
    assert 0.6 < (share.low or 0) < 0.8 < (share.high or 0) < 0.9


def test_an_answer_beside_the_traffic_counts_once_and_a_grade_before_agreement(store: SqliteStore) -> None:
    pairs = beside(40, "strong", "cheap")
    said = [said_of(one, "agreement", "cheap", 0.0) for one, _ in pairs]
    said += [said_of(other, "judge", judge, 0.9) for _, other in pairs[:20] for judge in ("one", "two")]
    share = facts(store, [each for pair in pairs for each in pair], said).known["cheaper_share"]
    assert share.value == 0.5
    assert share.how.startswith("40 answers")


def test_agreement_with_a_cheap_answer_does_not_make_another_good(store: SqliteStore) -> None:
    """The caller was answered by `cheap` too: that it says the same again is no evidence."""
    made = [asked(number, "strong", (900 + number, 100 + number % 7)) for number in range(100, 130)]
    pairs = beside(30, "cheap", "cheap")
    said = [said_of(one, "agreement", "cheap", 1.0) for one, _ in pairs]
    found = facts(store, made + [each for pair in pairs for each in pair], said)
    assert found.get("cheaper_share") is None


def test_shadows_of_one_route_speak_for_its_requests_alone(store: SqliteStore) -> None:
    pairs = beside(50, "strong", "cheap")
    made = [asked(number, "strong", (900 + number, 100), route="other") for number in range(150)]
    said = [said_of(other, "judge", "one", 1.0) for _, other in pairs]
    share = facts(store, made + [each for pair in pairs for each in pair], said).known["cheaper_share"]
    assert (share.value, share.high) == (0.25, 1.0)
    assert "on routes with 25 % of the requests; of the others nothing is known" in share.how


def test_what_would_save_less_than_is_saved_today_is_told_so(store: SqliteStore) -> None:
    made = [
        asked(number, "cheap" if number % 2 else "strong", (900 + number, 100 + number % 7)) for number in range(300)
    ]
    known = facts(store, made).but(cheaper_share=Fact(value=0.1))
    found = outlook(
        Approach.RULES, completed(known, Assumptions(), Pair(priced(STRONG, NOW), priced(CHEAP, NOW))), Assumptions()
    )
    assert found is not None
    assert found.saved.value < 0
    assert found.arithmetic[-1].endswith("more than it would save.")
