"""Traffic is what the ledger has: answers, what others said beside them, and the probabilities of what was done."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ledger import samples
from turnout.errors import LedgerError
from turnout.insight.evaluate.recorded import recorded_traffic
from turnout.insight.evaluate.traffic import Asked
from turnout.insight.query import Filter
from turnout.insight.trace import Taken, take_in
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.texts import keep_all
from turnout.types.decision import Attempt, Decision
from turnout.types.dialect import DialectName
from turnout.types.feedback import Feedback
from turnout.types.request import Said


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(database_file(tmp_path))
    yield store
    store.close()


def traffic(store: SqliteStore, *decisions: Decision, said: str = "", **wanted: Any) -> list[Asked]:
    turns = (Said("system", "Be kind."), Said("user", said)) if said else ()
    take_in(store, [Taken(each, turns) for each in decisions], keep=lambda texts: keep_all(store, texts))
    return recorded_traffic(store, Filter(**wanted))


def attempt(target: str, outcome: str = "answered", **fields: Any) -> Attempt:
    return samples.an_attempt(target=target, outcome=outcome, cost_usd=Decimal("0.002"), latency_ms=50.0, **fields)


def test_a_decision_is_a_request_with_what_was_said_and_found_of_it(store: SqliteStore) -> None:
    decision = samples.a_decision(feedback=0.75, attempts=(attempt("haiku"),), policy_version="v1", source="app")
    (asked,) = traffic(store, decision, said="How do I reset it?")
    assert (asked.id, asked.time, asked.cluster) == (decision.id, decision.time, "default/user-7")
    assert (asked.query, asked.features, asked.dialect) == (
        "How do I reset it?",
        decision.features,
        DialectName.OPENAI_CHAT,
    )
    assert (asked.policy_version, asked.caller.source, asked.logged) == ("v1", "app", None)
    answer = asked.answers["haiku"]
    assert (answer.quality, answer.cost_usd, answer.latency_ms, answer.failed) == (0.75, 0.002, 50.0, False)


def test_what_others_said_beside_it_is_known_too(store: SqliteStore) -> None:
    served = samples.a_decision(attempts=(attempt("haiku"),), feedback=0.0)
    shadow = samples.a_decision(
        shadow_of=served.id,
        target="opus",
        attempts=(attempt("opus", purpose="shadow"),),
        feedback=1.0,
        signals={"mean_logprob": -0.5},
    )
    failed = samples.a_decision(
        shadow_of=served.id, target=None, outcome="failed", attempts=(attempt("sonnet", "failed", purpose="shadow"),)
    )
    (asked,) = traffic(store, served, shadow, failed, route="support")
    assert list(asked.answers) == ["opus", "sonnet", "haiku"]
    assert (asked.answers["opus"].quality, asked.answers["opus"].signals) == (1.0, {"mean_logprob": -0.5})
    assert asked.answers["sonnet"].failed


def test_of_an_answer_that_was_thrown_away_the_signals_are_known_and_not_the_quality(store: SqliteStore) -> None:
    decision = samples.a_decision(
        attempts=(attempt("small", "failed"), attempt("haiku", "discarded"), attempt("opus")),
        target="opus",
        feedback=1.0,
        signals={"mean_logprob": -2.0},
    )
    (asked,) = traffic(store, decision)
    assert asked.answers["small"].failed
    assert math.isnan(asked.answers["haiku"].quality)
    assert asked.answers["haiku"].signals == {"mean_logprob": -2.0}
    assert (asked.answers["opus"].quality, asked.answers["opus"].signals) == (1.0, {})


def test_where_chance_had_a_part_its_probabilities_and_the_whole_outcome_are_known(store: SqliteStore) -> None:
    chances = {"first": "haiku", "of": {"haiku": 0.01, "opus": 0.99}}
    fell_back = samples.a_decision(
        conditions={"draw": 0.3, "chances": chances},
        attempts=(attempt("haiku", "failed"), attempt("opus")),
        target="opus",
        feedback=1.0,
        cost_usd=Decimal("0.004"),
        latency_ms=120.0,
    )
    (asked,) = traffic(store, fell_back)
    assert asked.logged is not None
    assert (asked.logged.first, asked.logged.chances) == ("haiku", chances["of"])
    assert (asked.logged.came.quality, asked.logged.came.cost_usd, asked.logged.came.latency_ms) == (1.0, 0.004, 120.0)


def test_a_request_that_nobody_answered_is_one_of_no_quality(store: SqliteStore) -> None:
    chances = {"first": "haiku", "of": {"haiku": 1.0}}
    failed = samples.a_decision(
        conditions={"chances": chances}, outcome="failed", target=None, attempts=(attempt("haiku", "failed"),)
    )
    (asked,) = traffic(store, failed)
    assert asked.logged is not None
    assert asked.logged.came.quality == 0.0


def test_a_judges_scores_are_evidence_of_their_own_for_answers_and_shadows(store: SqliteStore) -> None:
    served = samples.a_decision(attempts=(attempt("haiku"),), feedback=1.0)
    shadow = samples.a_decision(shadow_of=served.id, target="opus", attempts=(attempt("opus", purpose="shadow"),))
    graded = [(served.id, "gpt", 0.2), (served.id, "gpt", 0.4), (served.id, "opus", 0.8), (shadow.id, "gpt", 0.9)]
    said = [
        Feedback(id=f"f{place}", decision=of, time=served.time, kind="judge", judge=judge, score=score)
        for place, (of, judge, score) in enumerate(graded)
    ]
    traffic(store, served, shadow)
    store.append([], "test", None, said)
    (by_people,) = recorded_traffic(store, Filter())
    (by_judges,) = recorded_traffic(store, Filter(), evidence="judge")
    assert by_people.answers["haiku"].quality == 1.0
    assert math.isnan(by_people.answers["opus"].quality)
    assert by_judges.answers["haiku"].quality == pytest.approx(0.6), "the latest of each judge, on average"
    assert by_judges.answers["opus"].quality == 0.9
    with pytest.raises(LedgerError, match=r"of the kind 'check'. The whole ledger has: judge \(2 answers\)"):
        recorded_traffic(store, Filter(), evidence="check")


@pytest.mark.parametrize(
    "changes",
    [{"cache": "hit"}, {"outcome": "cancelled"}, {"outcome": "refused"}, {"features": None}],
)
def test_what_no_policy_decided_is_left_out(store: SqliteStore, changes: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="no request"):
        traffic(store, samples.a_decision(**changes))


def test_an_import_without_a_user_or_a_dialect_is_read(store: SqliteStore) -> None:
    decision = samples.a_decision(
        user=None, dialect="imported", query_hash="", conditions={"chances": "odd"}, feedback=1.0
    )
    (asked,) = traffic(store, decision)
    assert (asked.cluster, asked.question, asked.query) == (decision.id, decision.id, None)
    assert (asked.dialect, asked.logged) == (DialectName.OPENAI_CHAT, None)
