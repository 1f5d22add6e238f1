"""What is copied: read from the embedded store, in the form in which Postgres takes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from turnout.ledger.columns import AttemptRow, DecisionRow, ShadowRow
from turnout.ledger.money import to_usd
from turnout.ledger.postgres.schema import PARTITIONED, RENAMED, renamed
from turnout.ledger.postgres.sums import Row, changed_sums, clean, key_text, sum_columns
from turnout.ledger.rollups import KEYS
from turnout.ledger.store import Store

BATCH: Final = 1_000
"""Decisions in one transaction."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AMOUNTS: Final = {"cost": "cost_usd", "baseline_cost": "baseline_cost_usd", "router_cost": "router_cost_usd"}
_FLAGS: Final = frozenset({"fell_back", "escalated", "cached", "estimated"})
_TIMES: Final = frozenset({"time", "started"})
_RENAMED: Final = {**RENAMED, **_AMOUNTS}
_NAMES: Final = frozenset({"tenant", "user"})
_FEEDBACK: Final = ("id", "time", "decision", "tenant", "user", "score", "label", "comment", "kind", "judge")


class Position(NamedTuple):
    """How far a ledger has been copied: the last decision, feedback and shadow, each by place and id."""

    decision: int = 0
    decision_id: str = ""
    feedback: int = 0
    feedback_id: str = ""
    shadow: int = 0
    shadow_id: str = ""


class Batch(NamedTuple):
    """What is new, and the position after it.

    Attributes:
        rows: for each table of `COLUMNS`.
        sums: for each table of sums, the rows that take the place of those with the same key.
        scores: the time and id of decisions of which something was said, with the score that they have now.
        position: how far the ledger has been copied then.
    """

    rows: dict[str, list[Row]]
    sums: dict[str, list[Row]]
    scores: list[Row]
    position: Position

    @property
    def days(self) -> set[date]:
        """The days of what it has, in UTC."""
        return {row[0].date() for table in PARTITIONED for row in self.rows[table]}


def _columns(fields: tuple[str, ...], *, first: tuple[str, ...] = (), last: tuple[str, ...] = ()) -> tuple[str, ...]:
    return (*first, *(_RENAMED.get(name, name) for name in fields), *last)


_OF_DECISION: Final = tuple(name for name in DecisionRow._fields if name not in {"id", "time"})
_OF_SHADOW: Final = tuple(name for name in ShadowRow._fields if name != "id")
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "decisions": _columns(_OF_DECISION, first=("time", "id", "ledger"), last=("feedback", "record")),
    "shadows": _columns(_OF_SHADOW, first=("id", "ledger"), last=("record",)),
    "attempts": _columns(AttemptRow._fields, first=("time",)),
    "drops": ("time", "decision", "position", "target", "reason"),
    "feedback": _columns(_FEEDBACK),
}
"""The columns of each table, in the order of a batch's rows."""
SUM_COLUMNS: Final = {table: ("ledger", *renamed(sum_columns(table))) for table in KEYS}
"""Those of the tables of sums."""


def _next(table: str, fields: Iterable[str]) -> str:
    return f"SELECT {', '.join(fields)} FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - our own names


_NEXT_DECISIONS: Final = _next("decisions", ("seq", "time", "id", *_OF_DECISION, "feedback", "record"))
_NEXT_SHADOWS: Final = _next("shadows", ("seq", "time", "id", *_OF_SHADOW, "record"))
_NEXT_FEEDBACK: Final = _next("feedback", ("seq", *_FEEDBACK))
_SCORED: Final = "SELECT time, id, feedback, record FROM decisions WHERE id IN (SELECT value FROM json_each(?))"
_BEHIND: Final = "SELECT coalesce(max(seq), 0) - ? FROM decisions"
_UNROLLED: Final = "SELECT value FROM progress WHERE name = 'unrolled'"
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""As JSON has it: Postgres reads no value out of an object in which it is."""
_REWIND: Final = 100_000


def next_batch(store: Store, ledger: str, after: Position) -> Batch | None:
    """What comes after a position; None where there is nothing (yet: what an older turnout recorded is summed first).

    Raises:
        LedgerError: the store cannot be read.
    """
    if any(store.rows(_UNROLLED)):
        return None
    found = list(store.rows(_NEXT_DECISIONS, (after.decision, BATCH)))
    shadows = list(store.rows(_NEXT_SHADOWS, (after.shadow, BATCH)))
    feedback = list(store.rows(_NEXT_FEEDBACK, (after.feedback, BATCH)))
    if not (found or shadows or feedback):
        return None
    scored = list(store.rows(_SCORED, (json.dumps([row[1 + _FEEDBACK.index("decision")] for row in feedback]),)))
    times = {row[2]: _time(row[1]) for row in (*found, *shadows)}
    rows: dict[str, list[Row]] = {
        "decisions": [
            (times[row[2]], row[2], ledger, *map(_value, _OF_DECISION, row[3:-2]), row[-2], _record(row[-1]))
            for row in found
        ],
        "shadows": [(row[2], ledger, *map(_value, _OF_SHADOW, row[3:-1]), _record(row[-1])) for row in shadows],
        "attempts": list(_inner(store, "attempts", AttemptRow._fields, times)),
        "drops": list(_inner(store, "drops", ("decision", "position", "target", "reason"), times)),
        "feedback": [tuple(map(_value, _FEEDBACK, row[1:])) for row in feedback],
    }
    return Batch(
        rows,
        changed_sums(store, ledger, [row[-1] for row in (*found, *shadows, *scored)]),
        [(_time(at), decision, score) for at, decision, score, _ in scored],
        _reached(after, found, feedback, shadows),
    )


def _reached(after: Position, found: list[Row], feedback: list[Row], shadows: list[Row]) -> Position:
    if found:
        after = after._replace(decision=found[-1][0], decision_id=found[-1][2])
    if feedback:
        after = after._replace(feedback=feedback[-1][0], feedback_id=feedback[-1][1])
    if shadows:
        after = after._replace(shadow=shadows[-1][0], shadow_id=shadows[-1][2])
    return after


def checked(store: Store, position: Position) -> Position:
    """The position, or an earlier one where what it names is not there any more.

    A store whose newest rows were removed gives their places to others, which are then still to be copied. What is
    copied twice is there once.
    """
    return Position(
        *_or_earlier(store, "decisions", position.decision, position.decision_id),
        *_or_earlier(store, "feedback", position.feedback, position.feedback_id),
        *_or_earlier(store, "shadows", position.shadow, position.shadow_id),
    )


def behind(store: Store, position: Position) -> int:
    """How many decisions are still to be copied, about."""
    counted: int = next((count for (count,) in store.rows(_BEHIND, (position.decision,))), 0)
    return max(counted, 0)


def _or_earlier(store: Store, table: str, seq: int, found_id: str) -> tuple[int, str]:
    there = next(iter(store.rows(f"SELECT id FROM {table} WHERE seq = ?", (seq,))), None)  # noqa: S608 - our own names
    if not seq or there == (found_id,):
        return seq, found_id
    return max(seq - _REWIND, 0), ""


def _inner(store: Store, table: str, fields: tuple[str, ...], times: dict[str, datetime]) -> Iterator[Row]:
    asked = f"SELECT {', '.join(fields)} FROM {table} WHERE decision IN (SELECT value FROM json_each(?))"  # noqa: S608
    for row in store.rows(asked, (json.dumps(list(times)),)):
        yield (times[row[0]], *map(_value, fields, row))


def _time(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def _value(name: str, value: Any) -> Any:
    if name in _AMOUNTS:
        return to_usd(value)
    if name in _FLAGS:
        return bool(value)
    if name in _TIMES:
        return _time(value)
    if name in _NAMES and value is not None:
        return key_text(value)
    return clean(value) if isinstance(value, str) else value


def _record(record: str) -> str:
    return _NUL.sub(r"\1\\ufffd", record) if "u0000" in record else record
