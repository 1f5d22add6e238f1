"""Which decisions: by time, tenant, user, route and so on, newest first or as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from turnout.errors import LedgerError
from turnout.ledger.entry import stored_decision
from turnout.ledger.money import to_pico
from turnout.ledger.store import Store
from turnout.types.decision import Decision

POLL_S = 0.2
_ALL = 1 << 62
_FLAG = "EXISTS (SELECT 1 FROM json_each(record, '$.flags') WHERE key || '=' || atom = ?)"
_LAST_CHARACTER = "\U0010ffff"


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision must be to be looked at; None and False ask for nothing.

    Attributes:
        since: admitted then or later; aware.
        until: admitted before then; aware.
        tenant, project, user, route, target, outcome, rule, source, query_hash: as in the record.
        id_prefix: how the id begins.
        flag: a feature flag's variant as the record has it: `haiku-first=on`, `haiku-first=observe:on`.
        min_cost_usd: its cost is known and at least this, in USD.
        fell_back: an earlier candidate failed, or its breaker was open.
    """

    since: datetime | None = None
    until: datetime | None = None
    tenant: str | None = None
    project: str | None = None
    user: str | None = None
    route: str | None = None
    target: str | None = None
    outcome: str | None = None
    rule: str | None = None
    source: str | None = None
    query_hash: str | None = None
    id_prefix: str | None = None
    flag: str | None = None
    min_cost_usd: Decimal | None = None
    fell_back: bool = False


class AmbiguousId(LedgerError):
    """Several decisions begin with the given id.

    Attributes:
        ids: some of them.
    """

    def __init__(self, prefix: str, ids: list[str]) -> None:
        self.ids = ids
        super().__init__(f"several decisions begin with {prefix}: {', '.join(ids)}, ...")


def decisions(store: Store, wanted: Filter, *, limit: int | None = None) -> Iterator[Decision]:
    """The decisions, newest first, read one by one.

    Raises:
        LedgerError: the store cannot be read.
    """
    sql, parameters = select("record, feedback", wanted, f"{newest_first(wanted)} LIMIT ?")
    for record, feedback in store.rows(sql, (*parameters, _ALL if limit is None else limit)):
        yield stored_decision(record, feedback)


def decision(store: Store, id_or_prefix: str) -> Decision | None:
    """The one decision whose id is or begins with the given text; None if there is none.

    Raises:
        AmbiguousId: there are several.
        LedgerError: the store cannot be read.
    """
    found = list(decisions(store, Filter(id_prefix=id_or_prefix), limit=4))
    exact = [one for one in found if one.id == id_or_prefix]
    if len(found) > 1 and not exact:
        raise AmbiguousId(id_or_prefix, [one.id for one in found])
    return next(iter(exact or found), None)


def follow(store: Store, wanted: Filter, *, recent: int = 0, poll_s: float = POLL_S) -> Iterator[Decision]:
    """New decisions as they arrive, for ever; first the `recent` latest ones, oldest first.

    Raises:
        LedgerError: the store cannot be read.
    """
    arrived = _one(store, "SELECT coalesce(max(seq), 0) FROM decisions", 0)
    latest, parameters = select("record, feedback", wanted, "AND seq <= ? ORDER BY seq DESC LIMIT ?")
    for record, feedback in reversed(list(store.rows(latest, (*parameters, arrived, recent)))):
        yield stored_decision(record, feedback)
    newer, parameters = select("seq, record", wanted, "AND seq > ? ORDER BY seq")
    while True:
        for seq, record in store.rows(newer, (*parameters, arrived)):
            arrived = seq
            yield stored_decision(record)
        time.sleep(poll_s)


def count(store: Store) -> int:
    """How many decisions there are at all."""
    return _one(store, "SELECT count(*) FROM decisions", 0)


def conditions(wanted: Filter) -> tuple[str, tuple[object, ...]]:
    """What a filter asks for besides the time, as a condition on `decisions`, and its parameters."""
    equal = ("tenant", "project", "user", "route", "target", "outcome", "rule", "source", "query_hash")
    asked: list[tuple[str, object]] = [
        (f"{column} = ?", value) for column in equal if (value := getattr(wanted, column)) is not None
    ]
    if wanted.id_prefix:
        asked += [("id >= ?", wanted.id_prefix), ("id < ?", wanted.id_prefix + _LAST_CHARACTER)]
    if wanted.min_cost_usd is not None:
        asked.append(("cost >= ?", to_pico(wanted.min_cost_usd)))
    if wanted.flag is not None:
        asked.append((_FLAG, wanted.flag))
    if wanted.fell_back:
        asked.append(("fell_back = ?", 1))
    # Said in the index's own words, without which SQLite does not see that the index has them all.
    trouble = "1 = 1" if wanted.outcome in {None, "answered"} else "outcome <> 'answered'"
    where = " AND ".join([trouble, *(condition for condition, _ in asked)])
    return where, tuple(value for _, value in asked)


def newest_first(wanted: Filter) -> str:
    """The order in which decisions are listed.

    Those whose ids begin alike are few, or near one another in time: they are looked up by the id, and then put in
    order. The sign keeps Postgres from going through all decisions in the order of time until there are enough.
    """
    return "ORDER BY +time DESC, seq DESC" if wanted.id_prefix else "ORDER BY time DESC, seq DESC"


def select(what: str, wanted: Filter, rest: str, *, of: str = "decisions") -> tuple[str, tuple[object, ...]]:
    """A query for the decisions wanted, and its parameters; `of` the view `accounts`, for their shadows as well."""
    where, parameters = conditions(wanted)
    period: list[object] = []
    for moment, condition in ((wanted.since, "time >= ?"), (wanted.until, "time < ?")):
        if moment:
            where += f" AND {condition}"
            period.append(round(moment.timestamp() * 1000))
    sql = f"SELECT {what} FROM {of} WHERE {where} {rest}"  # noqa: S608 - our own words; all that was asked is bound
    return sql, (*parameters, *period)


def _one(store: Store, sql: str, otherwise: int) -> int:
    for (value,) in store.rows(sql):
        return int(value)
    return otherwise
