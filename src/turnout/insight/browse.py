"""Decisions page by page, newest first, and what has come since."""

from __future__ import annotations

from typing import Final, NamedTuple, Self

from turnout.insight.query import Filter, conditions, newest_first, select
from turnout.insight.spans import BEGINNING, END, milliseconds
from turnout.ledger.entry import stored_decision
from turnout.ledger.store import Store
from turnout.types.decision import Decision

MOST_READ: Final = 100_000
"""So many decisions are looked at for a page of those that no index leads to."""

_NEWEST: Final = """
FROM decisions WHERE time >= ? AND time < ? AND (time, seq) < (?, ?) ORDER BY time DESC, seq DESC"""
_AFTER_ALL: Final = (END, 0)


class Cursor(NamedTuple):
    """A place between two decisions: everything before it is older.

    Attributes:
        time: of the decision after it, in ms since 1970.
        seq: its number in the order of arrival.
    """

    time: int
    seq: int

    def __str__(self) -> str:
        """As an address has it."""
        return f"{self.time}-{self.seq}"

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """What `str` wrote; None for anything else."""
        time, _, seq = (text or "").partition("-")
        if not (time.isascii() and seq.isascii() and time.isdecimal() and seq.isdecimal()):
            return None
        return cls(int(time), int(seq)) if max(len(time), len(seq)) < 19 else None


class Listed(NamedTuple):
    """Some decisions, newest first.

    Attributes:
        decisions: at most as many as were asked for.
        older: where to go on; None where there are no more.
    """

    decisions: list[Decision]
    older: Cursor | None


class News(NamedTuple):
    """Decisions that arrived, newest first, and the number of the latest arrival of all."""

    decisions: list[Decision]
    latest: int


def listed(store: Store, wanted: Filter, *, before: Cursor | None, limit: int) -> Listed:
    """The newest decisions, or those before a place; each page costs the same, however far back it is.

    Raises:
        LedgerError: the store cannot be read.
    """
    older = "" if before is None else "AND (time, seq) < (?, ?)"
    sql, parameters = select("time, seq, record, feedback", wanted, f"{older} {newest_first(wanted)} LIMIT ?")
    rows = list(store.rows(sql, (*parameters, *(before or ()), limit + 1)))
    shown = rows[:limit]
    end = Cursor(*shown[-1][:2]) if len(rows) > limit else None
    return Listed([stored_decision(record, feedback) for _, _, record, feedback in shown], end)


def searched(store: Store, wanted: Filter, *, before: Cursor | None, limit: int) -> Listed:
    """As `listed`, for a filter that no index leads to: of the newest `MOST_READ` decisions before a place.

    There may be fewer than `limit`, or none, and more to look at: then `older` says where to go on.

    Raises:
        LedgerError: the store cannot be read.
    """
    where, asked = conditions(wanted)
    place = (milliseconds(wanted.since, BEGINNING), milliseconds(wanted.until, END), *(before or _AFTER_ALL))
    newest = f"SELECT * {_NEWEST} LIMIT ?"
    sql = f"SELECT time, seq, record, feedback FROM ({newest}) WHERE {where} LIMIT ?"  # noqa: S608 - as above
    rows = list(store.rows(sql, (*place, MOST_READ, *asked, limit + 1)))
    found = [stored_decision(record, feedback) for _, _, record, feedback in rows[:limit]]
    if len(rows) > limit:
        return Listed(found, Cursor(*rows[limit - 1][:2]))
    last = store.rows(f"SELECT time, seq {_NEWEST} LIMIT 1 OFFSET ?", (*place, MOST_READ - 1))
    return Listed(found, next((Cursor(*at) for at in last), None))


def latest(store: Store) -> int:
    """The number of the latest arrival; 0 where nothing ever arrived."""
    return next((seq for (seq,) in store.rows("SELECT coalesce(max(seq), 0) FROM decisions")), 0)


def news(store: Store, wanted: Filter, *, after: int, limit: int) -> News:
    """The decisions that arrived after the one with the number `after`; of more than `limit` the newest.

    Raises:
        LedgerError: the store cannot be read.
    """
    now = latest(store)
    sql, parameters = select("record, feedback", wanted, "AND seq > ? AND seq <= ? ORDER BY seq DESC LIMIT ?")
    rows = store.rows(sql, (*parameters, after, now, limit))
    return News([stored_decision(record, feedback) for record, feedback in rows], now)
