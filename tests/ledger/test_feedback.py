"""What is said of an answer reaches the ledger once, whatever arrives first; of each user the latest score counts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import samples
from turnout.insight import query
from turnout.insight.feedback import said_of, whose
from turnout.insight.sums import totals
from turnout.ledger.drain import Drain
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.entry import encode_decision
from turnout.ledger.ids import new_decision_id
from turnout.ledger.journal import Journal
from turnout.ledger.location import database_file, journal_directory
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Position, Written
from turnout.types.clock import timestamp
from turnout.types.feedback import Feedback

DECISION = samples.a_decision(tags={"team": "growth"})


def feedback(score: float | None, user: str | None = None, decision: str = DECISION.id, **fields: Any) -> Feedback:
    now = samples.EPOCH
    return Feedback(id=new_decision_id(now), decision=decision, time=timestamp(now), user=user, score=score, **fields)


OPINIONS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, None]), st.sampled_from([None, "ann", "bob"])), max_size=6
)


@given(OPINIONS, st.integers(0, 6), st.permutations(range(6)))
def test_the_latest_score_of_each_user_counts_in_whatever_order_things_arrive(
    tmp_path_factory: pytest.TempPathFactory,
    opinions: list[tuple[float | None, str | None]],
    decision_arrives: int,
    order: list[int],
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("data") / "db")
    said = [feedback(score, user) for score, user in opinions]
    arriving = [said[place] for place in order if place < len(said)]
    decision = [Written(DECISION, encode_decision(DECISION))]
    for place in range(7):
        now = arriving[place : place + 1]
        store.append(decision if place == decision_arrives else [], "journal", Position(1, place), [*now, *now])
    latest = {user: score for score, user in opinions if score is not None}
    found = store.read(DECISION.id)
    assert found is not None
    assert found.feedback == (pytest.approx(fmean(latest.values())) if latest else None)
    assert [one.feedback for one in query.decisions(store, query.Filter())] == [found.feedback]
    assert [one.id for one in said_of(store, DECISION.id)] == [one.id for one in said]
    for by in ((), ("route",), ("user",), ("tag:team",)):
        (summed,) = totals(store, query.Filter(), by=by).values()
        assert summed.ratings == bool(latest)
        assert summed.rating == (pytest.approx(found.feedback, abs=1e-6) if latest else None)
    store.close()


def test_it_comes_back_as_it_was_given(tmp_path: Path) -> None:
    ledger = EmbeddedLedger(tmp_path)
    ledger.start()
    given_ = feedback(0.5, "ann", label="too long", comment="naïve, \n but right")
    ledger.journal.record(DECISION)
    ledger.journal.hear(given_)
    ledger.close()
    store = SqliteStore(database_file(tmp_path))
    assert said_of(store, DECISION.id) == [given_]
    assert said_of(store, "another") == []
    assert whose(store, "another") is None
    assert whose(store, DECISION.id) == ("default", "support")


def test_a_process_that_dies_leaves_it_to_the_next_which_takes_it_in_once(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
import msgspec
from turnout.ledger.journal import Journal
from turnout.types.feedback import Feedback
journal = Journal(Path(sys.argv[1]), worker="dying")
journal.hear(msgspec.json.decode(sys.argv[2], type=Feedback))
os.kill(os.getpid(), signal.SIGKILL)
"""
    import sys

    import msgspec

    said = feedback(1.0, "ann", label="up")
    directory = journal_directory(tmp_path)
    died = subprocess.run([sys.executable, "-c", code, directory, msgspec.json.encode(said)], check=False)
    assert died.returncode == -9
    store = SqliteStore(database_file(tmp_path))
    living = Journal(directory, worker="next")
    living.record(DECISION)
    drain = Drain(directory, store, journal=living)
    drain.sweep()
    drain.sweep()
    assert said_of(store, DECISION.id) == [said]
    found = store.read(DECISION.id)
    assert found is not None
    assert found.feedback == 1.0
    living.close()
    store.close()


def test_evidence_that_nobody_said_is_kept_with_its_kind_and_makes_no_score(tmp_path: Path) -> None:
    store = SqliteStore(database_file(tmp_path))
    told = [
        feedback(0.2, kind="judge", judge="opus"),
        feedback(1.0, user="ann"),
        feedback(0.0, kind="outcome", label="reopened"),
    ]
    store.append([Written(DECISION, encode_decision(DECISION))], "journal", Position(1, 0), told)
    kept = store.read(DECISION.id)
    said = {each.kind: (each.score, each.judge) for each in said_of(store, DECISION.id)}
    store.close()
    assert kept is not None
    assert kept.feedback == 1.0
    assert said == {"judge": (0.2, "opus"), "feedback": (1.0, None), "outcome": (0.0, None)}
