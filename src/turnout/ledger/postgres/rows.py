"""What is copied: read from the embedded store, in the form in which Postgres takes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from turnout.ledger.columns import AttemptRow, DecisionRow
from turnout.ledger.money import to_usd
from turnout.ledger.store import Store

BATCH: Final = 1_000
"""Decisions in one transaction."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AMOUNTS: Final = {"cost": "cost_usd", "baseline_cost": "baseline_cost_usd", "router_cost": "router_cost_usd"}
_FLAGS: Final = frozenset({"fell_back", "escalated", "cached", "estimated"})
_TIMES: Final = frozenset({"time", "started"})
_RENAMED: Final = {"user": "user_name", **_AMOUNTS}
_FEEDBACK: Final = ("id", "time", "decision", "tenant", "user", "score", "label", "comment", "kind", "judge")
Row = tuple[Any, ...]


class Position(NamedTuple):
    """How far a ledger has been copied: the last decision and the last feedback, each by place and id."""

    decision: int = 0
    decision_id: str = ""
    feedback: int = 0
    feedback_id: str = ""


class Batch(NamedTuple):
    """Rows for each table, the names of their columns, and the position after them."""

    rows: dict[str, list[Row]]
    position: Position

    @property
    def days(self) -> set[date]:
        """The days of its decisions, in UTC."""
        return {row[0].date() for row in self.rows["decisions"]}


def _columns(fields: tuple[str, ...], *, first: tuple[str, ...] = (), last: tuple[str, ...] = ()) -> tuple[str, ...]:
    return (*first, *(_RENAMED.get(name, name) for name in fields), *last)


_OF_DECISION: Final = tuple(name for name in DecisionRow._fields if name not in {"id", "time"})
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "decisions": _columns(_OF_DECISION, first=("time", "id", "ledger"), last=("record",)),
    "attempts": _columns(AttemptRow._fields, first=("time",)),
    "drops": ("time", "decision", "position", "target", "reason"),
    "feedback": _columns(_FEEDBACK),
}
"""The columns of each table, in the order of a batch's rows."""


def _next(table: str, fields: Iterable[str]) -> str:
    return f"SELECT {', '.join(fields)} FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - our own names


_NEXT_DECISIONS: Final = _next("decisions", ("seq", "time", "id", *_OF_DECISION, "record"))
_NEXT_FEEDBACK: Final = _next("feedback", ("seq", *_FEEDBACK))
_BEHIND: Final = "SELECT coalesce(max(seq), 0) - ? FROM decisions"
_REWIND: Final = 100_000


def next_batch(store: Store, ledger: str, after: Position) -> Batch | None:
    """What comes after a position; None where there is nothing.

    Raises:
        LedgerError: the store cannot be read.
    """
    found = list(store.rows(_NEXT_DECISIONS, (after.decision, BATCH)))
    feedback = list(store.rows(_NEXT_FEEDBACK, (after.feedback, BATCH)))
    if not found and not feedback:
        return None
    times = {row[2]: _time(row[1]) for row in found}
    rows: dict[str, list[Row]] = {
        "decisions": [(times[row[2]], row[2], ledger, *map(_value, _OF_DECISION, row[3:-1]), row[-1]) for row in found],
        "attempts": list(_inner(store, "attempts", AttemptRow._fields, times)),
        "drops": list(_inner(store, "drops", ("decision", "position", "target", "reason"), times)),
        "feedback": [tuple(map(_value, _FEEDBACK, row[1:])) for row in feedback],
    }
    position = after
    if found:
        position = position._replace(decision=found[-1][0], decision_id=found[-1][2])
    if feedback:
        position = position._replace(feedback=feedback[-1][0], feedback_id=feedback[-1][1])
    return Batch(rows, position)


def checked(store: Store, position: Position) -> Position:
    """The position, or an earlier one where what it names is not there any more.

    A store whose newest rows were removed gives their places to others, which are then still to be copied. What is
    copied twice is there once.
    """
    return Position(
        *_or_earlier(store, "decisions", position.decision, position.decision_id),
        *_or_earlier(store, "feedback", position.feedback, position.feedback_id),
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
    return _clean(value) if isinstance(value, str) else value


def _clean(text: str) -> str:
    """Without the one character that Postgres keeps in no text."""
    return text.replace("\0", "\ufffd")
