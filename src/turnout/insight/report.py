"""What routing cost and saved in a period, by whom and what for, and how that compares with the period before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from turnout.insight.latency import Calls, Latencies, calls, latencies
from turnout.insight.providers import totals_by
from turnout.insight.query import Filter
from turnout.insight.sums import TAG, Summary, series
from turnout.ledger.store import Store

MOVERS: Final = 5
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_HOURLY: Final = timedelta(days=3)
"""A shorter period is shown hour by hour."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What some requests of the period amount to, and of the one before.

    Attributes:
        key: the values of the fields that the report is by; None where a request has no value.
        now: in the period.
        before: in the period of the same length before it.
    """

    key: tuple[str | None, ...]
    now: Summary
    before: Summary = Summary()

    @property
    def change_usd(self) -> Decimal:
        """By how much the spend has grown."""
        return self.now.cost_usd - self.before.cost_usd


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report.

    Attributes:
        since, until: the period, aware; `until` is excluded.
        by: the fields that `lines` are by; none for no lines.
        total: all requests of the period.
        lines: the most expensive first.
        steps: spend and so on through time, under each step's beginning.
        step: the length of a step.
        latency: of answered requests.
        calls: the calls to targets, by provider and target.
    """

    since: datetime
    until: datetime
    by: tuple[str, ...]
    total: Line
    lines: list[Line]
    steps: dict[datetime, Summary]
    step: timedelta
    latency: Latencies
    calls: dict[tuple[str, str], Calls]

    @property
    def movers(self) -> list[Line]:
        """The lines whose spend has changed most, the greatest change first."""
        moved = [line for line in self.lines if line.change_usd]
        return sorted(moved, key=lambda line: -abs(line.change_usd))[:MOVERS]

    @property
    def errors(self) -> dict[str, int]:
        """What calls ran into, by kind, the most frequent first."""
        found: dict[str, int] = {}
        for each in self.calls.values():
            for kind, number in each.errors.items():
                found[kind] = found.get(kind, 0) + number
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def make_report(store: Store, wanted: Filter, *, by: Sequence[str], now: datetime) -> Report:
    """Make a report.

    Args:
        store: the ledger.
        wanted: which requests; without `since` those of 30 days. By user or tag, whose sums are by day, the period is
            widened to whole days (UTC).
        by: fields as `turnout.insight.providers.totals_by` takes them.
        now: the present, where `wanted` has no `until`.

    Raises:
        ConfigError: there is no such field.
        LedgerError: the store cannot be read.
    """
    until = wanted.until or now
    since = wanted.since or until - 30 * _DAY
    if any(field == "user" or field.startswith(TAG) for field in by):
        since, until = _midnight(since), _midnight(until + _DAY - timedelta(microseconds=1))
        wanted = msgspec.structs.replace(wanted, until=until if wanted.until else None)
    here = msgspec.structs.replace(wanted, since=since)  # without an end, up to now is up to the end of whole buckets
    earlier = msgspec.structs.replace(wanted, since=since - (until - since), until=since)
    step = _HOUR if until - since < _HOURLY else _DAY
    return Report(
        since=since,
        until=until,
        by=tuple(by),
        total=_lines(store, here, earlier, ())[0],
        lines=_lines(store, here, earlier, by) if by else [],
        steps=series(store, here, step),
        step=step,
        latency=latencies(store, here).get(None, Latencies()),
        calls=calls(store, since, wanted.until),
    )


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _lines(store: Store, here: Filter, earlier: Filter, by: Sequence[str]) -> list[Line]:
    now, before = totals_by(store, here, by), totals_by(store, earlier, by)
    if not by:
        return [Line(key=(), now=now.get((), Summary()), before=before.get((), Summary()))]
    keys = sorted({*now, *before}, key=str)
    lines = [Line(key=key, now=now.get(key, Summary()), before=before.get(key, Summary())) for key in keys]
    return sorted(lines, key=lambda line: (-line.now.cost_usd, -line.now.decisions))
