"""Removes what is older than it may become, a little at a time, so that nobody waits for it."""

from __future__ import annotations

import json
import sqlite3
from typing import Final, NamedTuple

from turnout.ledger.backfill import unrolled
from turnout.ledger.rollups import DAY, HOUR, MINUTE, MINUTES_KEPT_MS, USER_WIDTHS
from turnout.ledger.schema import tables

STEP: Final = 2_000
"""Rows of a table in one transaction: some 40 ms, in which the interpreter is free for others."""

OF_A_DECISION: Final = ("attempts", "drops", "feedback", "texts", "shadows")
"""The tables whose rows go with their decision."""
WIDTHS: Final = (*USER_WIDTHS, DAY, HOUR)
"""Of the buckets of sums, in seconds; where a table does not name a width, its buckets are days."""
_OLD: Final = {
    table: f"DELETE FROM {table} WHERE seq IN (SELECT seq FROM {table} WHERE time < ? ORDER BY time LIMIT ?)"  # noqa: S608 - our own names
    for table in ("feedback", "texts")
}
_OLD_DECISIONS: Final = "SELECT id FROM decisions WHERE time < ? ORDER BY time LIMIT ?"


class Retention(NamedTuple):
    """How long what is recorded is kept, in seconds; None for ever.

    Attributes:
        decisions: decisions with their attempts, drops and feedback.
        texts: what was said.
        rollups: sums by hour and day.
    """

    decisions: float | None = None
    texts: float | None = None
    rollups: float | None = None


FOREVER: Final = Retention()


def expire(writer: sqlite3.Connection, retention: Retention, now_ms: int) -> bool:
    """Remove some of what is too old. Within a transaction.

    Returns:
        Whether anything was: there may be more.
    """
    removed = 0
    if retention.decisions is not None and not unrolled(writer):  # they are counted into the sums first
        before = _before(now_ms, retention.decisions)
        old = [each for (each,) in writer.execute(_OLD_DECISIONS, (before, STEP))]
        removed += remove_decisions(writer, old)
        removed += writer.execute(_OLD["feedback"], (before, STEP)).rowcount
    if retention.texts is not None:
        removed += writer.execute(_OLD["texts"], (_before(now_ms, retention.texts), STEP)).rowcount
    return removed + _expire_sums(writer, retention, now_ms) > 0


def remove_decisions(writer: sqlite3.Connection, ids: list[str]) -> int:
    """Remove decisions and all that goes with them. Within a transaction.

    Returns:
        How many there were.
    """
    if not ids:
        return 0
    given = (json.dumps(ids),)
    shadows = "SELECT id FROM shadows WHERE decision IN (SELECT value FROM json_each(?))"
    for table in ("attempts", "feedback"):
        writer.execute(f"DELETE FROM {table} WHERE decision IN ({shadows})", given)  # noqa: S608 - our own names
    for table in OF_A_DECISION:
        writer.execute(f"DELETE FROM {table} WHERE decision IN (SELECT value FROM json_each(?))", given)  # noqa: S608 - our own names
    return writer.execute("DELETE FROM decisions WHERE id IN (SELECT value FROM json_each(?))", given).rowcount


def _expire_sums(writer: sqlite3.Connection, retention: Retention, now_ms: int) -> int:
    """Remove the oldest bucket of each table and width, if it is too old."""
    # Minutes are read for a little less than they are kept.
    removed = _expire_bucket(writer, "rollups", "width = ?", (MINUTE,), now_ms - MINUTES_KEPT_MS - HOUR * 1_000)
    if retention.rollups is None:
        return removed
    before = _before(now_ms, retention.rollups)
    for table, columns in tables(writer).items():
        if not table.endswith("rollups"):
            continue
        if "width" not in columns:
            removed += _expire_bucket(writer, table, "1", (), before - DAY * 1_000)
            continue
        for width in set(WIDTHS):
            removed += _expire_bucket(writer, table, "width = ?", (width,), before - width * 1_000)
    return removed


def _expire_bucket(writer: sqlite3.Connection, table: str, where: str, given: tuple[int, ...], before: int) -> int:
    (oldest,) = writer.execute(f"SELECT min(start) FROM {table} WHERE {where}", given).fetchone()  # noqa: S608 - our own names
    if oldest is None or oldest >= before:
        return 0
    return writer.execute(f"DELETE FROM {table} WHERE {where} AND start = ?", (*given, oldest)).rowcount  # noqa: S608 - our own names


def _before(now_ms: int, age_s: float) -> int:
    return now_ms - round(age_s * 1_000)
