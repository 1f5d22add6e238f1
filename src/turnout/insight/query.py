"""Which decisions: by time, tenant, user, route and so on, newest first or as they come, and summed up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from turnout.errors import LedgerError
from turnout.ledger.entry import stored_decision
from turnout.ledger.money import to_pico, to_usd
from turnout.ledger.store import Store
from turnout.types.decision import Decision

POLL_S = 0.2
_LAST_CHARACTER = "\U0010ffff"


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision must be to be looked at; None and False ask for nothing.

    Attributes:
        since: admitted then or later; aware.
        until: admitted before then; aware.
        tenant, user, route, target, outcome, rule, query_hash: as in the record.
        id_prefix: how the id begins.
        min_cost_usd: its cost is known and at least this, in USD.
        fell_back: an earlier candidate failed, or its breaker was open.
    """

    since: datetime | None = None
    until: datetime | None = None
    tenant: str | None = None
    user: str | None = None
    route: str | None = None
    target: str | None = None
    outcome: str | None = None
    rule: str | None = None
    query_hash: str | None = None
    id_prefix: str | None = None
    min_cost_usd: Decimal | None = None
    fell_back: bool = False


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What some decisions amount to.

    Attributes:
        decisions: how many there are.
        attempts: calls to targets that they took.
        outcomes: how many there are of each outcome.
        fallbacks: for how many an earlier candidate failed, or its breaker was open.
        input_tokens, output_tokens: of all attempts.
        cost_usd: the sum of the known costs.
        router_cost_usd: the part of it that routing itself took (judges, discarded and failed attempts).
        unpriced: how many have no known cost.
        compared: how many have a known cost and a known baseline cost; the next two are about these.
        baseline_cost_usd: what they would have cost at their routes' baselines.
        saved_usd: the baseline cost less the cost.
    """

    decisions: int = 0
    attempts: int = 0
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    fallbacks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    router_cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    compared: int = 0
    baseline_cost_usd: Decimal = Decimal(0)
    saved_usd: Decimal = Decimal(0)


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
    sql, parameters = _select("record, feedback", wanted, "ORDER BY time DESC, seq DESC LIMIT ?")
    for record, feedback in store.rows(sql, (*parameters, -1 if limit is None else limit)):
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
    latest, parameters = _select("record, feedback", wanted, "AND seq <= ? ORDER BY seq DESC LIMIT ?")
    for record, feedback in reversed(list(store.rows(latest, (*parameters, arrived, recent)))):
        yield stored_decision(record, feedback)
    newer, parameters = _select("seq, record", wanted, "AND seq > ? ORDER BY seq")
    while True:
        for seq, record in store.rows(newer, (*parameters, arrived)):
            arrived = seq
            yield stored_decision(record)
        time.sleep(poll_s)


def count(store: Store) -> int:
    """How many decisions there are at all."""
    return _one(store, "SELECT count(*) FROM decisions", 0)


def summary(store: Store, wanted: Filter) -> Summary:
    """What the decisions amount to.

    Raises:
        LedgerError: the store cannot be read.
    """
    return summaries(store, wanted, by=None).get(None, Summary())


def summaries(
    store: Store, wanted: Filter, *, by: Literal["target", "route", "rule", "tenant", "user"] | None
) -> dict[str | None, Summary]:
    """What the decisions amount to, for each value of a field; under None what has no value there.

    Raises:
        LedgerError: the store cannot be read.
    """
    grouped: dict[str | None, Summary] = {}
    query = _select(f"{_GROUPS[by]}, outcome, {_SUMS}", wanted, "GROUP BY 1, 2 ORDER BY 1, 2")
    for key, outcome, *sums in store.rows(*query):
        grouped[key] = _added(grouped.get(key, Summary()), outcome, sums)
    return grouped


_GROUPS = {
    None: "NULL",
    "target": "target",
    "route": "route",
    "rule": "rule",
    "tenant": "tenant",
    "user": "user",
}
_COMPARED = "cost IS NOT NULL AND baseline_cost IS NOT NULL"


def _sum(amount: str) -> str:
    """The sum of pico-USD as whole micro-USD and the rest: exact, and too small to overflow 64 bits."""
    return f"coalesce(sum({amount} / 1000000), 0), coalesce(sum({amount} % 1000000), 0)"


_SUMS = f"""
    count(*), sum(attempts), sum(fell_back), sum(input_tokens), sum(output_tokens),
    sum(cost IS NULL), sum({_COMPARED}),
    {_sum("cost")}, {_sum("router_cost")},
    {_sum(f"CASE WHEN {_COMPARED} THEN baseline_cost END")}, {_sum(f"CASE WHEN {_COMPARED} THEN cost END")}"""


def _added(so_far: Summary, outcome: str, sums: list[int]) -> Summary:
    number, attempts, fell_back, input_tokens, output_tokens, unpriced, compared = sums[:7]
    amounts = [to_usd(high * 1_000_000 + low) for high, low in zip(sums[7::2], sums[8::2], strict=True)]
    cost, router_cost, baseline, compared_cost = amounts
    return Summary(
        decisions=so_far.decisions + number,
        attempts=so_far.attempts + attempts,
        outcomes={**so_far.outcomes, outcome: number},
        fallbacks=so_far.fallbacks + fell_back,
        input_tokens=so_far.input_tokens + input_tokens,
        output_tokens=so_far.output_tokens + output_tokens,
        cost_usd=so_far.cost_usd + cost,
        router_cost_usd=so_far.router_cost_usd + router_cost,
        unpriced=so_far.unpriced + unpriced,
        compared=so_far.compared + compared,
        baseline_cost_usd=so_far.baseline_cost_usd + baseline,
        saved_usd=so_far.saved_usd + baseline - compared_cost,
    )


def _select(what: str, wanted: Filter, rest: str) -> tuple[str, tuple[object, ...]]:
    """A query for the decisions wanted, and its parameters."""
    equal = ("tenant", "user", "route", "target", "outcome", "rule", "query_hash")
    conditions: list[tuple[str, object]] = [
        (f"{column} = ?", value) for column in equal if (value := getattr(wanted, column)) is not None
    ]
    if wanted.since:
        conditions.append(("time >= ?", round(wanted.since.timestamp() * 1000)))
    if wanted.until:
        conditions.append(("time < ?", round(wanted.until.timestamp() * 1000)))
    if wanted.id_prefix:
        conditions += [("id >= ?", wanted.id_prefix), ("id < ?", wanted.id_prefix + _LAST_CHARACTER)]
    if wanted.min_cost_usd is not None:
        conditions.append(("cost >= ?", to_pico(wanted.min_cost_usd)))
    if wanted.fell_back:
        conditions.append(("fell_back = ?", 1))
    where = " AND ".join(["1", *(condition for condition, _ in conditions)])
    sql = f"SELECT {what} FROM decisions WHERE {where} {rest}"  # noqa: S608 - our own words; all that was asked is bound
    return sql, tuple(value for _, value in conditions)


def _one(store: Store, sql: str, otherwise: int) -> int:
    for (value,) in store.rows(sql):
        return int(value)
    return otherwise
