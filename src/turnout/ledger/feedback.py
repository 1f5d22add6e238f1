"""What was said of answers, in the SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from turnout.ledger.columns import milliseconds
from turnout.ledger.store import Written
from turnout.types.feedback import Feedback

_INSERT: Final = """
INSERT OR IGNORE INTO feedback (id, decision, time, tenant, user, score, label, comment)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_SCORE: Final = """
UPDATE decisions SET feedback = (
    SELECT avg(score) FROM feedback WHERE id IN (
        SELECT max(id) FROM feedback WHERE decision = decisions.id AND score IS NOT NULL GROUP BY user
    )
)
WHERE id IN (SELECT decision FROM feedback WHERE decision BETWEEN ? AND ?)"""


def insert_feedback(writer: sqlite3.Connection, decisions: Sequence[Written], feedback: Sequence[Feedback]) -> None:
    """Take in what was said, and let the decisions that it is about have their score.

    Args:
        writer: within the transaction of the decisions.
        decisions: those that were just taken in: something may have been said of them before they arrived.
        feedback: what was said of any decision.
    """
    writer.executemany(_INSERT, map(_row, feedback))
    writer.executemany(_SCORE, [(said.decision, said.decision) for said in feedback])
    if decisions:
        ids = [written.decision.id for written in decisions]
        writer.execute(_SCORE, (min(ids), max(ids)))


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
    )
