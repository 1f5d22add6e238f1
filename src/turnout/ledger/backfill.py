"""Counts decisions into the sums that were recorded before there were any: a few at a time, beside the traffic."""

from __future__ import annotations

import sqlite3
from typing import Final

from turnout.errors import LedgerError
from turnout.ledger.columns import attempt_rows, decision_row
from turnout.ledger.entry import stored_decision
from turnout.ledger.rollups import Rollup
from turnout.types.decision import Decision

STEP: Final = 500
"""Decisions in one transaction: some 20 ms."""

_NEVER: Final = 1 << 62
_OLDER: Final = "SELECT seq, record, feedback FROM decisions WHERE seq <= ? ORDER BY seq DESC LIMIT ?"
_COLUMNS: Final = """
UPDATE decisions SET source = ?, escalated = ?, cached = ?, overhead_ms = ?, first_token_ms = ? WHERE seq = ?"""
_DROP: Final = "INSERT OR IGNORE INTO drops (decision, position, target, reason) VALUES (?, ?, ?, ?)"


def unrolled(connection: sqlite3.Connection) -> int:
    """The highest `seq` of the decisions that are not in the sums yet; 0 where all are."""
    row = connection.execute("SELECT value FROM progress WHERE name = 'unrolled'").fetchone()
    return int(row[0]) if row else 0


def roll_up_older(writer: sqlite3.Connection, step: int = STEP) -> bool:
    """Count the newest of the decisions in that are not in the sums yet. Within a transaction.

    Returns:
        Whether there are more.
    """
    highest = unrolled(writer)
    if not highest:
        return False
    rollup = Rollup(minutes_from=_NEVER)
    found = writer.execute(_OLDER, (highest, step)).fetchall()
    for seq, record, feedback in found:
        try:
            decision = stored_decision(record, feedback)
        except LedgerError:
            continue  # what cannot be read was never counted anywhere, and shall not keep the others from it
        _count(writer, seq, decision, rollup)
    rollup.write(writer)
    if len(found) < step:
        writer.execute("DELETE FROM progress WHERE name = 'unrolled'")
        return False
    writer.execute("UPDATE progress SET value = ? WHERE name = 'unrolled'", (found[-1][0] - 1,))
    return True


def _count(writer: sqlite3.Connection, seq: int, decision: Decision, rollup: Rollup) -> None:
    row = decision_row(decision)
    rollup.add(row, decision.tags.items(), attempt_rows(decision), decision.feedback)
    columns = (row.source, row.escalated, row.cached, row.overhead_ms, row.first_token_ms)
    writer.execute(_COLUMNS, (*columns, seq))
    drops = [(decision.id, place, drop.target, drop.reason) for place, drop in enumerate(decision.dropped)]
    writer.executemany(_DROP, drops)
