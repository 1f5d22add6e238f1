"""How long requests and calls took: quantiles from sketches, for any period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from turnout.insight.query import Filter, conditions
from turnout.insight.spans import BEGINNING, END, Span, milliseconds, spans, widths_within
from turnout.ledger.money import to_usd
from turnout.ledger.rollups import ATTEMPT_FIELDS, DAY, HOUR, LATENCIES
from turnout.ledger.sketch import bin_of, quantile, unpack
from turnout.ledger.store import Store

MOST_READ: Final = 20_000
"""So many decisions are looked at, the newest, where the sketches cannot answer."""

_UNROLLED: Final = "d.seq <= (SELECT coalesce(max(value), 0) FROM progress WHERE name = 'unrolled')"
_SKETCHED: Final = ("route", "target")
_OTHERS: Final = ("tenant", "project", "user", "rule", "source", "query_hash", "id_prefix", "min_cost_usd")


class Quantiles(NamedTuple):
    """What half, 95 % and 99 % of the values do not exceed, in ms, within 5 %; None where there is none."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """How long answered requests took, in ms.

    Attributes:
        number: how many there were.
        total: from admission to the answer's last byte.
        first_token: from the start of the answering attempt to its first meaningful token.
        overhead: turnout's own part of `total`.
    """

    number: int = 0
    total: Quantiles = Quantiles()
    first_token: Quantiles = Quantiles()
    overhead: Quantiles = Quantiles()


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """The calls to one target.

    Attributes:
        number: how many there were.
        outcomes: how many of each outcome.
        errors: how many of each kind of failure.
        input_tokens, cached_tokens, output_tokens: the sums.
        cost_usd: the sum of the known costs.
        unpriced: how many have no known cost.
        estimated: of how many the tokens are our estimate.
        first_token, total: of complete answers, in ms.
    """

    number: int = 0
    outcomes: dict[str, int] = msgspec.field(default_factory=dict)
    errors: dict[str, int] = msgspec.field(default_factory=dict)
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    estimated: int = 0
    first_token: Quantiles = Quantiles()
    total: Quantiles = Quantiles()


def latencies(store: Store, wanted: Filter, *, step: timedelta | None = None) -> dict[datetime | None, Latencies]:
    """How long answered requests took, in each step of time; without a step all of them, under None.

    With a filter other than by time, route and target, the newest `MOST_READ` decisions are looked at.

    Raises:
        LedgerError: the store cannot be read.
    """
    sketched = all(getattr(wanted, name) is None for name in _OTHERS) and not wanted.fell_back
    width = step // timedelta(milliseconds=1) if step else 0
    widths = tuple(each for each in (widths_within(width // 1_000) if width else (DAY, HOUR)) if each in {DAY, HOUR})
    found: dict[int | None, list[Counter[int]]] = {}
    for start, counters in _observed(store, wanted, widths if sketched else (), limited=not sketched):
        at = start // width * width if width else None
        _merge(found.setdefault(at, [Counter() for _ in LATENCIES]), counters)
    return {
        None if at is None else datetime.fromtimestamp(at / 1_000, UTC): Latencies(
            number=counters[0].total(),
            total=quantiles(counters[0]),
            first_token=quantiles(counters[1]),
            overhead=quantiles(counters[2]),
        )
        for at, counters in sorted(found.items(), key=lambda item: item[0] or 0)
    }


def calls(store: Store, since: datetime | None = None, until: datetime | None = None) -> dict[tuple[str, str], Calls]:
    """The calls that requests of a period took, by provider and target.

    Raises:
        LedgerError: the store cannot be read.
    """
    found: dict[tuple[str, str], Calls] = {}
    times: dict[tuple[str, str], list[Counter[int]]] = {}
    for row in _attempted(store, milliseconds(since, BEGINNING), milliseconds(until, END)):
        target, provider, _, outcome, error, *sums, latency, first_token = row
        key = (provider, target)
        found[key] = _with(found.get(key, Calls()), (outcome, error), sums)
        if outcome == "answered":
            _merge(times.setdefault(key, [Counter(), Counter()]), (latency, first_token))
    return {
        key: msgspec.structs.replace(each, total=quantiles(times[key][0]), first_token=quantiles(times[key][1]))
        if key in times
        else each
        for key, each in sorted(found.items())
    }


def quantiles(counts: Counter[int]) -> Quantiles:
    """The quantiles of a sketch's counts."""
    return Quantiles(*(quantile(counts, share) for share in (0.5, 0.95, 0.99)))


def _observed(
    store: Store, wanted: Filter, widths: tuple[int, ...], *, limited: bool
) -> Iterator[tuple[int, tuple[Counter[int], ...]]]:
    """Bucket after bucket: its start, and the counts of each of `LATENCIES`."""
    if wanted.outcome not in (None, "answered"):
        return
    for span in spans(milliseconds(wanted.since, BEGINNING), milliseconds(wanted.until, END), widths):
        if span.width:
            equal = [(name, value) for name in _SKETCHED if (value := getattr(wanted, name)) is not None]
            where = "".join(f" AND {name} = ?" for name, _ in equal)
            sql = f"SELECT start, {', '.join(LATENCIES)} FROM latency_rollups WHERE width = ? AND start >= ? AND start < ?{where}"  # noqa: S608, E501 - our own words
            for start, *sketches in store.rows(sql, (*span, *(value for _, value in equal))):
                yield start, tuple(unpack(sketch) for sketch in sketches)
            yield from _single(store, wanted, span, f"{_UNROLLED} AND +d.time >= ? AND +d.time < ?", limited=False)
        else:
            yield from _single(store, wanted, span, "d.time >= ? AND d.time < ?", limited=limited)


def _single(
    store: Store, wanted: Filter, span: Span, within: str, *, limited: bool
) -> Iterator[tuple[int, tuple[Counter[int], ...]]]:
    where, bound = conditions(wanted)
    newest = f"ORDER BY d.time DESC LIMIT {MOST_READ}" if limited else ""
    sql = (
        "SELECT d.time, d.latency_ms, d.first_token_ms, d.overhead_ms FROM decisions AS d "  # noqa: S608 - as above
        f"WHERE {within} AND outcome = 'answered' AND {where} {newest}"
    )
    for at, *times in store.rows(sql, (span.start, span.end, *bound)):
        yield at, tuple(Counter() if time is None else Counter({bin_of(time): 1}) for time in times)


def _attempted(store: Store, since: int, until: int) -> Iterator[tuple[Any, ...]]:
    """Sums of attempts: target, provider, purpose, outcome, error class, `ATTEMPT_SUMS`, two counts by bin."""
    fields = ", ".join(ATTEMPT_FIELDS)
    for span in spans(since, until):
        if span.width:
            sql = (
                f"SELECT {fields}, attempts, input_tokens, cached_tokens, output_tokens, unpriced, estimated, cost, "  # noqa: S608 - as above
                "latency, first_token FROM attempt_rollups WHERE width = ? AND start >= ? AND start < ?"
            )
            for row in store.rows(sql, span):
                yield (*row[:-2], unpack(row[-2]), unpack(row[-1]))
            # Shadows are in the sums since there are any; and a view cannot be looked up by `seq`.
            yield from _attempted_singly(store, span, "decisions", f"{_UNROLLED} AND +d.time >= ? AND +d.time < ?")
        else:
            yield from _attempted_singly(store, span, "accounts", "d.time >= ? AND d.time < ?")


def _attempted_singly(store: Store, span: Span, of: str, within: str) -> Iterator[tuple[Any, ...]]:
    sql = (
        "SELECT a.target, a.provider, a.purpose, a.outcome, coalesce(a.error_class, ''), 1, a.input_tokens, "  # noqa: S608 - as above
        "a.cached_tokens, a.output_tokens, a.cost IS NULL, a.estimated, coalesce(a.cost, 0), a.latency_ms, "
        f"a.first_token_ms FROM {of} AS d JOIN attempts AS a ON a.decision = d.id WHERE {within}"
    )
    for row in store.rows(sql, (span.start, span.end)):
        yield (*row[:-2], *(Counter() if time is None else Counter({bin_of(time): 1}) for time in row[-2:]))


def _with(so_far: Calls, ended: tuple[str, str], sums: list[int]) -> Calls:
    (outcome, error), (number, taken, cached, given, unpriced, estimated, cost) = ended, sums
    errors = {**so_far.errors, error: so_far.errors.get(error, 0) + number} if error else so_far.errors
    return msgspec.structs.replace(
        so_far,
        number=so_far.number + number,
        outcomes={**so_far.outcomes, outcome: so_far.outcomes.get(outcome, 0) + number},
        errors=errors,
        input_tokens=so_far.input_tokens + taken,
        cached_tokens=so_far.cached_tokens + cached,
        output_tokens=so_far.output_tokens + given,
        cost_usd=so_far.cost_usd + to_usd(cost),
        unpriced=so_far.unpriced + unpriced,
        estimated=so_far.estimated + estimated,
    )


def _merge(counters: list[Counter[int]], more: tuple[Counter[int], ...]) -> None:
    for counts, added in zip(counters, more, strict=True):
        counts.update(added)
