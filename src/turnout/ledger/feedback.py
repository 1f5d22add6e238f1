"""What was said of answers, in the SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from turnout.ledger.backfill import unrolled
from turnout.ledger.columns import milliseconds
from turnout.ledger.entry import stored_decision
from turnout.ledger.rollups import rate
from turnout.ledger.store import Written
from turnout.types.feedback import Feedback

_INSERT: Final = """
INSERT OR IGNORE INTO feedback (id, decision, time, tenant, user, score, label, comment, kind, judge)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_SCORED: Final = "SELECT DISTINCT decision FROM feedback WHERE decision BETWEEN ? AND ?"
_DECISION: Final = "SELECT seq, record, feedback FROM decisions WHERE id = ?"
_SCORE: Final = """
SELECT avg(score) FROM feedback WHERE id IN (
    SELECT max(id) FROM feedback WHERE decision = ? AND kind = 'feedback' AND score IS NOT NULL GROUP BY user
)"""


def insert_feedback(writer: sqlite3.Connection, decisions: Sequence[Written], feedback: Sequence[Feedback]) -> None:
    """Take in what was said, and let the decisions that it is about have their score.

    Args:
        writer: within the transaction of the decisions.
        decisions: those that were just taken in: something may have been said of them before they arrived.
        feedback: what was said of any decision.
    """
    writer.executemany(_INSERT, map(_row, feedback))
    about = {said.decision for said in feedback}
    if decisions:
        ids = [written.decision.id for written in decisions]
        about.update(each for (each,) in writer.execute(_SCORED, (min(ids), max(ids))))
    for decision_id in about:
        _score(writer, decision_id)


def _score(writer: sqlite3.Connection, decision_id: str) -> None:
    """Let a decision, and the sums that it is in, have the score that counts now."""
    found = writer.execute(_DECISION, (decision_id,)).fetchone()
    if found is None:
        return
    seq, record, before = found
    (now,) = writer.execute(_SCORE, (decision_id,)).fetchone()
    if now == before:
        return
    writer.execute("UPDATE decisions SET feedback = ? WHERE seq = ?", (now, seq))
    if seq > unrolled(writer):
        rate(writer, stored_decision(record), before, now)


def _row(said: Feedback) -> tuple[object, ...]:
    return (
        said.id,
        said.decision,
        milliseconds(said.time),
        said.tenant,
        said.user,
        said.score,
        said.label,
        said.comment,
        said.kind,
        said.judge,
    )
