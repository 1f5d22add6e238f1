"""What decisions amount to: in all, by any of their fields, step by step through time.

totals(store, Filter(since=..., until=...), by=("tenant", "target"))   {("acme", "haiku"): Summary, ...}
series(store, Filter(since=..., until=...), step=timedelta(hours=1))   {datetime: Summary, ...}
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from turnout.errors import ConfigError
from turnout.insight.query import Filter, conditions
from turnout.insight.spans import BEGINNING, END, Span, milliseconds, spans, widths_within
from turnout.ledger.money import to_usd
from turnout.ledger.rollups import DAY, FIELDS, HOUR, MINUTE, MINUTES_KEPT_MS, SUMS, USER_WIDTHS
from turnout.ledger.store import Store

TAG: Final = "tag:"
"""`tag:team` is the value of the tag `team`."""
GROUPS: Final = ("tenant", "project", "user", "route", "rule", "target", "source", "outcome")
"""What sums can be had by, besides tags."""

_AMOUNTS: Final = ("cost", "router_cost", "baseline_cost", "compared_cost")
_COMPARED: Final = "cost IS NOT NULL AND baseline_cost IS NOT NULL"
_SINGLE: Final = {
    "decisions": "counted",
    "unpriced": "CASE WHEN cost IS NULL THEN 1 ELSE 0 END",
    "compared": f"CASE WHEN {_COMPARED} THEN counted ELSE 0 END",
    "cost": "coalesce(cost, 0)",
    "router_cost": "coalesce(router_cost, 0)",
    "baseline_cost": f"CASE WHEN {_COMPARED} THEN baseline_cost ELSE 0 END",
    "compared_cost": f"CASE WHEN {_COMPARED} THEN cost ELSE 0 END",
    "rated": "CASE WHEN feedback IS NULL THEN 0 ELSE 1 END",
    "rating": "coalesce(CAST(round(feedback * 1e6) AS INTEGER), 0)",
}
"""What a single decision adds to a sum, where that is not the column of the same name."""
_OF_TAG: Final = "(SELECT atom FROM json_each(record, '$.tags') WHERE key = ?)"
_ALONE: Final = "(SELECT *, 1 AS counted FROM decisions) AS alone"
"""Decisions without their shadows, which are in the sums since there are any; a view cannot be looked up by `seq`."""
_UNROLLED: Final = "seq <= (SELECT coalesce(max(value), 0) FROM progress WHERE name = 'unrolled')"
"""Decisions that an older turnout recorded and that are not in the sums yet. Looked up by `seq`, so that it takes no
time once there are none."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What some decisions amount to.

    Attributes:
        decisions: how many there are.
        attempts: calls to targets that they took.
        outcomes: how many there are of each outcome.
        fallbacks: for how many an earlier candidate failed, or its breaker was open.
        escalations: for how many an answer was discarded for another.
        cached: how many a cache answered.
        input_tokens, output_tokens: of all attempts.
        cost_usd: the sum of the known costs.
        router_cost_usd: the part of it that routing itself took (judges, discarded and failed attempts).
        unpriced: how many have no known cost.
        compared: how many have a known cost and a known baseline cost; the next two are about these.
        baseline_cost_usd: what they would have cost at their routes' baselines.
        saved_usd: the baseline cost less the cost, and so net of what routing itself took.
        ratings: how many of them somebody has scored.
        rating: the mean of their scores, 0 to 1; None without any.
    """

    decisions: int = 0
    attempts: int = 0
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    fallbacks: int = 0
    escalations: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    router_cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    compared: int = 0
    baseline_cost_usd: Decimal = Decimal(0)
    saved_usd: Decimal = Decimal(0)
    ratings: int = 0
    rating: float | None = None

    @property
    def answered(self) -> float | None:
        """The share that was answered in full, of those that were not the caller's own mistake or wish."""
        served = self.decisions - self.outcomes.get("refused", 0) - self.outcomes.get("cancelled", 0)
        return self.outcomes.get("answered", 0) / served if served else None


class _Source(NamedTuple):
    """Where sums come from: a table of sums, the fields that it has, and the widths of its buckets."""

    table: str
    fields: frozenset[str]
    widths: tuple[int, ...]


_NONE: Final = _Source("", frozenset(), ())


def summary(store: Store, wanted: Filter) -> Summary:
    """What the decisions amount to.

    Raises:
        LedgerError: the store cannot be read.
    """
    return totals(store, wanted).get((), Summary())


def summaries(store: Store, wanted: Filter, *, by: str) -> dict[str | None, Summary]:
    """What the decisions amount to, for each value of one field; under None what has no value there.

    Raises:
        ConfigError: there is no such field.
        LedgerError: the store cannot be read.
    """
    return {key: each for (key,), each in totals(store, wanted, by=(by,)).items()}


def totals(store: Store, wanted: Filter, *, by: Sequence[str] = ()) -> dict[tuple[str | None, ...], Summary]:
    """What the decisions amount to, for each combination of values of some fields that occurs.

    Exact for any period. Sums by user or tag are of whole days; with a filter that those do not know (a route, say),
    and by project, the decisions themselves are read, which takes about a second for a million.

    Args:
        store: the ledger.
        wanted: which decisions.
        by: fields, each of `GROUPS` or `tag:` and the tag's name.

    Raises:
        ConfigError: there is no such field.
        LedgerError: the store cannot be read.
    """
    return {key[1:]: each for key, each in _summed(store, wanted, tuple(by), (*USER_WIDTHS, HOUR), "0").items()}


def series(store: Store, wanted: Filter, step: timedelta) -> dict[datetime, Summary]:
    """What the decisions amount to in each step of time that has any, under the step's beginning (UTC).

    Raises:
        LedgerError: the store cannot be read.
    """
    width = step // timedelta(milliseconds=1)
    widths = widths_within(width // 1_000) if width % 1_000 == 0 else ()
    if (milliseconds(wanted.since, BEGINNING)) < datetime.now(
        UTC
    ).timestamp() * 1_000 - MINUTES_KEPT_MS + MINUTE * 1_000:
        widths = tuple(each for each in widths if each != MINUTE)
    found = _summed(store, wanted, (), widths, f"start / {width} * {width}")
    return {datetime.fromtimestamp(start / 1_000, UTC): each for (start,), each in found.items()}


def _summed(
    store: Store, wanted: Filter, by: tuple[str, ...], widths: tuple[int, ...], start: str
) -> dict[tuple[Any, ...], Summary]:
    source = _source(wanted, by)
    usable = tuple(width for width in widths if width in source.widths)
    parts: list[str] = []
    parameters: list[object] = []
    for span in spans(milliseconds(wanted.since, BEGINNING), milliseconds(wanted.until, END), usable):
        for sql, bound in _parts(span, source, wanted, by):
            parts.append(sql)
            parameters += bound
    if not parts:
        return {}
    fields = "".join(f"nullif(f{place}, ''), " for place in range(len(by)))
    sums = ", ".join(_halves(name) if name in _AMOUNTS else f"sum({name})" for name in SUMS)
    groups = ", ".join(str(place + 1) for place in range(len(by) + 2))
    union = " UNION ALL ".join(parts)
    sql = f"SELECT {start} AS at, {fields} outcome, {sums} FROM ({union}) AS parts GROUP BY {groups} ORDER BY {groups}"  # noqa: S608 - our own words; what was asked is bound
    found: dict[tuple[Any, ...], Summary] = {}
    for row in store.rows(sql, parameters):
        *key, outcome = row[: len(by) + 2]
        found[tuple(key)] = _added(found.get(tuple(key), Summary()), outcome, list(row[len(by) + 2 :]))
    return found


def _source(wanted: Filter, by: tuple[str, ...]) -> _Source:
    """The sums that can answer; without widths where only the decisions can."""
    for field in by:
        if field not in GROUPS and not (field.startswith(TAG) and len(field) > len(TAG)):
            raise ConfigError(
                f"there is no field '{field}' to sum by.", fix=f"There are: {', '.join(GROUPS)}, tag:NAME."
            )
    equal = dict(_equal(wanted))
    tags = [field for field in by if field.startswith(TAG)]
    unknown = wanted.query_hash or wanted.id_prefix or wanted.min_cost_usd is not None or wanted.fell_back
    if unknown or len(tags) > 1 or "" in equal.values():  # sums have '' where a decision has no value
        return _NONE
    asked = {*by, *equal}
    sources = (
        _Source("rollups", frozenset(FIELDS), (DAY, HOUR, MINUTE)),
        _Source("user_rollups", frozenset({"tenant", "user", "outcome"}), USER_WIDTHS),
        _Source("tag_rollups", frozenset({"tenant", "outcome", *tags}), (DAY,)),
    )
    return next((source for source in sources if asked <= source.fields), _NONE)


def _equal(wanted: Filter) -> list[tuple[str, str]]:
    return [(name, value) for name in (*FIELDS, "user", "project") if (value := getattr(wanted, name)) is not None]


def _parts(span: Span, source: _Source, wanted: Filter, by: tuple[str, ...]) -> list[tuple[str, list[object]]]:
    """The queries whose rows make up a span, with their parameters."""
    if not span.width:
        return [_single(span, wanted, by, ("accounts", "time >= ? AND time < ?"))]
    fields = "".join(f"{'value' if field.startswith(TAG) else field} AS f{place}, " for place, field in enumerate(by))
    equal = _equal(wanted)
    tags = [("key", field.removeprefix(TAG)) for field in by if field.startswith(TAG)]
    widths = [] if source.table == "tag_rollups" else [("width", span.width)]
    where = "".join(f" AND {name} = ?" for name, _ in (*widths, *equal, *tags))
    sql = f"SELECT start, {fields}outcome, {', '.join(SUMS)} FROM {source.table} WHERE start >= ? AND start < ?{where}"  # noqa: S608 - as above
    summed: tuple[str, list[object]] = sql, [span.start, span.end, *(value for _, value in (*widths, *equal, *tags))]
    return [summed, _single(span, wanted, by, (_ALONE, f"{_UNROLLED} AND +time >= ? AND +time < ?"))]


def _single(span: Span, wanted: Filter, by: tuple[str, ...], of: tuple[str, str]) -> tuple[str, list[object]]:
    """The decisions of a span, each as a row of sums; `of` says from where, and which."""
    table, within = of
    fields, tags = "", [field.removeprefix(TAG) for field in by if field.startswith(TAG)]
    for place, field in enumerate(by):
        fields += f"coalesce({_OF_TAG if field.startswith(TAG) else field}, '') AS f{place}, "
    sums = ", ".join(f"{_SINGLE.get(name, name)} AS {name}" for name in SUMS)
    where, bound = conditions(wanted)
    tagged = f" AND {_OF_TAG} <> ''" * len(tags)
    sql = f"SELECT time AS start, {fields}outcome, {sums} FROM {table} WHERE {within} AND {where}{tagged}"  # noqa: S608 - as above
    return sql, [*tags, span.start, span.end, *bound, *tags]


def _halves(amount: str) -> str:
    """The sum of pico-USD as whole micro-USD and the rest: exact, and too small to overflow 64 bits."""
    return f"sum({amount} / 1000000), sum({amount} % 1000000)"


def _added(so_far: Summary, outcome: str, row: list[int]) -> Summary:
    sums: dict[str, int] = {}
    for name in SUMS:
        sums[name] = row.pop(0)
        if name in _AMOUNTS:
            sums[name] = sums[name] * 1_000_000 + row.pop(0)
    ratings = so_far.ratings + sums["rated"]
    rating = (so_far.rating or 0.0) * so_far.ratings + sums["rating"] / 1e6
    return Summary(
        decisions=so_far.decisions + sums["decisions"],
        attempts=so_far.attempts + sums["attempts"],
        outcomes={**so_far.outcomes, outcome: sums["decisions"]},
        fallbacks=so_far.fallbacks + sums["fell_back"],
        escalations=so_far.escalations + sums["escalated"],
        cached=so_far.cached + sums["cached"],
        input_tokens=so_far.input_tokens + sums["input_tokens"],
        output_tokens=so_far.output_tokens + sums["output_tokens"],
        cost_usd=so_far.cost_usd + to_usd(sums["cost"]),
        router_cost_usd=so_far.router_cost_usd + to_usd(sums["router_cost"]),
        unpriced=so_far.unpriced + sums["unpriced"],
        compared=so_far.compared + sums["compared"],
        baseline_cost_usd=so_far.baseline_cost_usd + to_usd(sums["baseline_cost"]),
        saved_usd=so_far.saved_usd + to_usd(sums["baseline_cost"]) - to_usd(sums["compared_cost"]),
        ratings=ratings,
        rating=rating / ratings if ratings else None,
    )
