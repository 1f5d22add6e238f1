"""Sums of decisions by hour and day (and, for two days, by minute), kept up to date in the drain's own transactions.

A batch is summed in memory first, so that the store sees one update for each key and not one for each decision.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import add
from typing import Any, Final

from turnout.ledger.columns import AttemptRow, DecisionRow, decision_row
from turnout.ledger.money import MOST
from turnout.ledger.sketch import bin_of, merge, pack
from turnout.types.decision import Decision

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
USER_WIDTHS: Final = (16 * DAY, 4 * DAY, DAY)
"""What users are summed by, the widest first."""
MINUTES_KEPT_MS: Final = 2 * DAY * 1_000
"""How long minutes are kept: later ones are summed from hours, or counted."""

SUMS: Final = (
    "decisions",
    "attempts",
    "fell_back",
    "escalated",
    "cached",
    "input_tokens",
    "output_tokens",
    "unpriced",
    "compared",
    "cost",
    "router_cost",
    "baseline_cost",
    "compared_cost",
    "rated",
    "rating",
)
"""The columns that add up, in every table that is keyed by decisions."""
FIELDS: Final = ("route", "tenant", "target", "rule", "source", "outcome")
"""What sums are kept by."""
ATTEMPT_SUMS: Final = ("attempts", "input_tokens", "cached_tokens", "output_tokens", "unpriced", "estimated", "cost")
ATTEMPT_FIELDS: Final = ("target", "provider", "purpose", "outcome", "error_class")
COST_SUMS: Final = ("attempts", "input_tokens", "cached_tokens", "output_tokens", "cost", "unpriced")
COST_FIELDS: Final = ("tenant", "route", "target", "part", "price_version")
LATENCIES: Final = ("latency", "first_token", "overhead")

_RATE_MINUTE: Final = (
    "UPDATE rollups SET rated = rated + ?, rating = rating + ? WHERE "  # noqa: S608 - our own names
    + " AND ".join(f"{name} = ?" for name in ("width", "start", *FIELDS))
)
"""A minute that is no longer kept does not come back for a score."""

_NO_TAG: Final = """
DELETE FROM tag_rollups WHERE start = ? AND key = ? AND value = ? AND tenant = ? AND outcome = ? AND decisions <= 0"""
_UNTIMED: Final = (Counter[int](), Counter[int]())

Key = tuple[Any, ...]
"""The start of a bucket, and what is summed by."""


KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "rollups": ("width", "start", *FIELDS),
    "user_rollups": ("width", "start", "tenant", "user", "outcome"),
    "tag_rollups": ("start", "key", "value", "tenant", "outcome"),
    "cost_rollups": ("start", *COST_FIELDS),
    "latency_rollups": ("width", "start", "route", "target"),
    "attempt_rollups": ("width", "start", *ATTEMPT_FIELDS),
}
"""What each table's rows are told apart by."""
SUMMED: Final[Mapping[str, tuple[str, ...]]] = {
    "rollups": SUMS,
    "user_rollups": SUMS,
    "tag_rollups": SUMS,
    "cost_rollups": COST_SUMS,
    "latency_rollups": (),
    "attempt_rollups": ATTEMPT_SUMS,
}
"""Its columns that add up."""
SKETCHES: Final[Mapping[str, tuple[str, ...]]] = {
    "latency_rollups": LATENCIES,
    "attempt_rollups": ("latency", "first_token"),
}
"""Its columns that are merged, where it has any; after the others."""


def _upsert(table: str) -> str:
    sums, sketches = SUMMED[table], SKETCHES.get(table, ())
    columns = (*KEYS[table], *sums, *sketches)
    # A sum beyond 64 bits becomes a REAL in SQLite, and the cast the largest integer: absurd amounts stop nothing.
    added = [f"{name} = CAST({name} + excluded.{name} AS INTEGER)" for name in sums]
    merged = [f"{name} = merge_sketches({name}, excluded.{name})" for name in sketches]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "  # noqa: S608 - our own names
        f"ON CONFLICT DO UPDATE SET {', '.join([*added, *merged])}"
    )


_UPSERTS: Final = {table: _upsert(table) for table in KEYS}


class Rollup:
    """What a batch of decisions adds to the sums.

    Args:
        minutes_from: decisions of before this time (ms since 1970) are too old for minutes.
    """

    def __init__(self, minutes_from: int) -> None:
        self._minutes_from = minutes_from
        self._sums: dict[Key, list[int]] = {}
        self._users: dict[Key, list[int]] = {}
        self._tags: dict[Key, list[int]] = {}
        self._attempts: dict[Key, list[int]] = {}
        self._costs: dict[Key, list[int]] = {}
        self._latencies: dict[Key, tuple[Counter[int], ...]] = {}
        self._attempt_latencies: dict[Key, tuple[Counter[int], ...]] = {}

    def add(
        self,
        row: DecisionRow,
        tags: Iterable[tuple[str, str]],
        attempts: Sequence[AttemptRow],
        feedback: float | None = None,
    ) -> None:
        """Count one decision in, with the score that it has by now."""
        self._sum(row, tags, [*sums_of(row), *_rating(feedback)])
        hour = _start(row.time, HOUR)
        if row.outcome == "answered":
            times = (row.latency_ms, row.first_token_ms, row.overhead_ms)
            _observe(self._latencies, (hour, row.route, row.target or ""), times)
        self._call(row, attempts, _answer(row, attempts))

    def add_shadow(self, row: DecisionRow, tags: Iterable[tuple[str, str]], attempts: Sequence[AttemptRow]) -> None:
        """Add what a shadow cost: it is no request, but it is paid for."""
        self._sum(row, tags, shadow_sums_of(row))
        self._call(row, attempts, None)

    def _sum(self, row: DecisionRow, tags: Iterable[tuple[str, str]], sums: list[int]) -> None:
        day = _start(row.time, DAY)
        who = (row.tenant, row.outcome)
        _add(self._sums, (_start(row.time, MINUTE), *fields_of(row)), sums)
        _add(self._users, (day, row.tenant, row.user or "", row.outcome), sums)
        for key, value in tags:
            _add(self._tags, (day, key, value, *who), sums)

    def _call(self, row: DecisionRow, attempts: Sequence[AttemptRow], answer: AttemptRow | None) -> None:
        day, hour = _start(row.time, DAY), _start(row.time, HOUR)
        for attempt in attempts:
            part = "answer" if attempt is answer else _part(attempt)
            cost = (day, row.tenant, row.route, attempt.target, part, attempt.price_version)
            _add(self._costs, cost, _cost_sums(attempt))
            ended = (attempt.purpose, attempt.outcome, attempt.error_class or "")
            call = (hour, attempt.target, attempt.provider, *ended)
            _add(self._attempts, call, _attempt_sums(attempt))
            if attempt.outcome == "answered":
                _observe(self._attempt_latencies, call, (attempt.latency_ms, attempt.first_token_ms))

    def rows(self) -> Iterator[tuple[str, list[Key]]]:
        """What is added, table by table: rows of the columns of `KEYS`, `SUMMED` and `SKETCHES`."""
        hours = _coarser(self._sums, HOUR)
        recent = {key: sums for key, sums in self._sums.items() if key[0] >= self._minutes_from}
        for width, table in ((MINUTE, recent), (HOUR, hours), (DAY, _coarser(hours, DAY))):
            yield "rollups", _rows(table, width)
        for width in USER_WIDTHS:
            yield "user_rollups", _rows(_coarser(self._users, width), width)
        yield "tag_rollups", _rows(self._tags)
        yield "cost_rollups", _rows(self._costs)
        for width in (HOUR, DAY):
            latencies = _coarser_sketches(self._latencies, width)
            yield "latency_rollups", [(width, *key, *map(_packed, counts)) for key, counts in latencies.items()]
            times = _coarser_sketches(self._attempt_latencies, width)
            calls = _coarser(self._attempts, width)
            rows = zip(calls, _rows(calls, width), strict=True)
            yield "attempt_rollups", [(*row, *map(_packed, times.get(key, _UNTIMED))) for key, row in rows]

    def write(self, writer: sqlite3.Connection) -> None:
        """Add the sums to those in the store, within its transaction."""
        for table, rows in self.rows():
            writer.executemany(_UPSERTS[table], rows)


def prepare(writer: sqlite3.Connection) -> None:
    """Teach a connection to merge sketches."""
    writer.create_function("merge_sketches", 2, merge, deterministic=True)


def sums_of(row: DecisionRow) -> list[int]:
    """What one decision adds to each of `SUMS`, but for its rating."""
    cost, baseline = row.cost, row.baseline_cost
    compared = cost is not None and baseline is not None
    return [
        1,
        row.attempts,
        row.fell_back,
        row.escalated,
        row.cached,
        row.input_tokens,
        row.output_tokens,
        cost is None,
        compared,
        cost or 0,
        row.router_cost or 0,
        (baseline or 0) if compared else 0,
        (cost or 0) if compared else 0,
    ]


def shadow_sums_of(row: DecisionRow) -> list[int]:
    """What a shadow adds to each of `SUMS`: its cost alone, and that to what is compared with the baseline as well."""
    cost = row.cost or 0
    added = {"unpriced": int(row.cost is None), "cost": cost, "router_cost": cost}
    if row.baseline_cost is not None:
        added["compared_cost"] = cost
    return [added.get(name, 0) for name in SUMS]


def fields_of(row: DecisionRow) -> Key:
    """The values of `FIELDS`."""
    return (row.route, row.tenant, row.target or "", row.rule or "", row.source or "", row.outcome)


def subtract_tags(writer: sqlite3.Connection, decision: Decision) -> None:
    """Take a decision or a shadow that was counted in out of its tags' sums, and those away that nothing else is in.

    Within a transaction.
    """
    for bucket, sums in tag_sums_of(decision):
        writer.execute(_UPSERTS["tag_rollups"], (*bucket, *(-each for each in sums)))
        writer.execute(_NO_TAG, bucket)


def tag_sums_of(decision: Decision) -> Iterator[tuple[Key, list[int]]]:
    """What a decision or a shadow adds to the sums of each of its tags, under the key of `tag_rollups`."""
    row = decision_row(decision)
    counted = [*sums_of(row), *_rating(decision.feedback)]
    sums = counted if decision.shadow_of is None else shadow_sums_of(row)
    for key, value in decision.tags.items():
        yield (_start(row.time, DAY), key, value, row.tenant, row.outcome), sums


def rate(writer: sqlite3.Connection, decision: Decision, before: float | None, now: float | None) -> None:
    """Correct the sums after the score of a decision that was counted in has changed. Within a transaction."""
    row = decision_row(decision)
    change = [new - old for new, old in zip(_rating(now), _rating(before), strict=True)]
    sums = [0] * (len(SUMS) - len(change)) + change
    day = _start(row.time, DAY)
    buckets = [(width, _start(row.time, width), *fields_of(row)) for width in (HOUR, DAY)]
    writer.executemany(_UPSERTS["rollups"], [(*bucket, *sums) for bucket in buckets])
    writer.execute(_RATE_MINUTE, (*change, MINUTE, _start(row.time, MINUTE), *fields_of(row)))
    who = (row.tenant, row.user or "", row.outcome)
    writer.executemany(
        _UPSERTS["user_rollups"], [(width, _start(row.time, width), *who, *sums) for width in USER_WIDTHS]
    )
    tags = decision.tags.items()
    writer.executemany(
        _UPSERTS["tag_rollups"], [(day, key, value, row.tenant, row.outcome, *sums) for key, value in tags]
    )


def _rating(feedback: float | None) -> tuple[int, int]:
    """What a score adds to the last two of `SUMS`."""
    return (0, 0) if feedback is None else (1, round(feedback * 1e6))


def _attempt_sums(row: AttemptRow) -> list[int]:
    return [
        1,
        row.input_tokens,
        row.cached_tokens,
        row.output_tokens,
        row.cost is None,
        row.estimated,
        row.cost or 0,
    ]


def _answer(row: DecisionRow, attempts: Sequence[AttemptRow]) -> AttemptRow | None:
    """The attempt whose answer, whole or in part, the caller got."""
    answers = (attempt for attempt in reversed(attempts) if attempt.purpose == "answer")
    return next((attempt for attempt in answers if attempt.target == row.target), None)


def _part(attempt: AttemptRow) -> str:
    """What became of an attempt that is not the answer."""
    if attempt.purpose != "answer":
        return attempt.purpose
    return "discarded" if attempt.outcome == "answered" else attempt.outcome


def _cost_sums(row: AttemptRow) -> list[int]:
    if row.cost is None:
        return [0, 0, 0, 0, 0, 1]
    return [1, row.input_tokens, row.cached_tokens, row.output_tokens, row.cost, 0]


def _start(time_ms: int, width_s: int) -> int:
    width = width_s * 1_000
    return time_ms // width * width


def _add(table: dict[Key, list[int]], key: Key, sums: list[int]) -> None:
    known = table.get(key)
    table[key] = sums if known is None else list(map(add, known, sums))


def _observe(table: dict[Key, tuple[Counter[int], ...]], key: Key, times: Sequence[float | None]) -> None:
    counters = table.get(key)
    if counters is None:
        counters = table[key] = tuple(Counter() for _ in times)
    for counts, time_ms in zip(counters, times, strict=True):
        if time_ms is not None:
            counts[bin_of(time_ms)] += 1


def _rows(table: dict[Key, list[int]], *width: int) -> list[Key]:
    """The table's rows; a sum beyond SQLite's integers counts as the largest of them."""
    return [(*width, *key, *(min(each, MOST) for each in sums)) for key, sums in table.items()]


def _coarser(table: dict[Key, list[int]], width: int) -> dict[Key, list[int]]:
    """The same sums in wider buckets."""
    wider: dict[Key, list[int]] = {}
    for key, sums in table.items():
        _add(wider, (_start(key[0], width), *key[1:]), sums)
    return wider


def _coarser_sketches(table: dict[Key, tuple[Counter[int], ...]], width: int) -> dict[Key, tuple[Counter[int], ...]]:
    wider: dict[Key, tuple[Counter[int], ...]] = {}
    for key, counters in table.items():
        known = wider.setdefault((_start(key[0], width), *key[1:]), tuple(Counter() for _ in counters))
        for counts, more in zip(known, counters, strict=True):
            counts.update(more)
    return wider


def _packed(counts: Counter[int]) -> bytes | None:
    return pack(counts) if counts else None
