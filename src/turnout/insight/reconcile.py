"""A provider's bill held against the ledger: what each has of every day and model, the gaps, and what explains them.

A gap is what was billed less what was recorded: above 0 where the bill has more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import msgspec

from turnout.errors import ConfigError
from turnout.insight.bill import Bill, Billed, Key
from turnout.insight.gap_causes import Cause, Evidence, likely_causes
from turnout.insight.recorded import Hour, Recorded, by_day, recorded_hours
from turnout.ledger.store import Store

Unit = Literal["USD", "tokens"]

_CENT: Final = Decimal("0.01")
_ZONES: Final = tuple(sorted((offset for offset in range(-12, 15) if offset), key=abs))
_MUCH_BETTER: Final = Decimal("0.25")
_STEADY_DAYS: Final = 3
_STEADY: Final = Decimal("0.01")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A day and model.

    Attributes:
        day, model: which; the model without its date.
        unit: what is compared: cost, or tokens where the bill has no cost.
        billed, recorded: how much each has.
        gap: the one less the other.
        agrees: whether the gap is within the tolerance, the bill's own rounding, or a cent.
        causes: what explains it, the likeliest first; none where it agrees.
    """

    day: date
    model: str
    unit: Unit
    billed: Decimal
    recorded: Decimal
    gap: Decimal
    agrees: bool
    causes: tuple[Cause, ...] = ()

    @property
    def share(self) -> Decimal | None:
        """The gap as a share of what was billed; None where nothing was."""
        return self.gap / self.billed if self.billed else None


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """A bill held against the ledger.

    Attributes:
        issuer: whose bill it is.
        providers: whose calls, as the configuration names them, it was held against.
        first, last: the days (UTC), both included.
        tolerance: up to which share of the larger side a gap is none.
        rows: each day and model that either has.
    """

    issuer: str
    providers: tuple[str, ...]
    first: date
    last: date
    tolerance: Decimal
    rows: tuple[Row, ...]

    @property
    def agrees(self) -> bool:
        """Whether every day and model does."""
        return all(row.agrees for row in self.rows)

    def total(self, unit: Unit) -> tuple[Decimal, Decimal]:
        """What was billed and what was recorded in all, of the rows of that unit."""
        rows = [row for row in self.rows if row.unit == unit]
        return sum((row.billed for row in rows), Decimal(0)), sum((row.recorded for row in rows), Decimal(0))


def reconcile(
    store: Store,
    bill: Bill,
    *,
    today: date,
    tolerance: Decimal = _CENT,
    providers: AbstractSet[str] = frozenset(),
    progress: Callable[[int], None] = lambda _: None,
) -> Reconciled:
    """Hold a bill against the ledger.

    Reads every decision of the bill's days.

    Args:
        store: the ledger.
        bill: what a provider charges.
        today: the day (UTC) on which the bill was exported, or later.
        tolerance: up to which share of the larger side a gap is none.
        providers: whose calls, as the configuration names them; by default those of the issuer's name, or else those
            that serve a model of the bill.
        progress: is told how many further decisions have been read.

    Raises:
        ConfigError: the ledger has no such provider.
        LedgerError: the store cannot be read.
    """
    hours = recorded_hours(store, bill.first, bill.last, progress=progress)
    chosen = _providers(hours, bill, providers)
    recorded = _within(bill, by_day(hours, chosen))
    rows = _rows(bill, recorded, tolerance)
    offset, shifted = _other_zone(hours, chosen, bill, rows)
    closed = {_key(row) for row in _rows(bill, shifted, tolerance) if row.agrees}
    ratios, days = _steady_ratios(rows), {key.day for key in recorded}

    def explained(row: Row) -> Row:
        evidence = Evidence(
            gap=row.gap,
            unit=row.unit,
            billed=bill.lines.get(_key(row)),
            recorded=recorded.get(_key(row)),
            tolerance=tolerance,
            ratio=ratios.get(row.model),
            offset=offset if _key(row) in closed else None,
            quiet_day=row.day not in days,
            open_day=(today - row.day).days <= 1,
        )
        return msgspec.structs.replace(row, causes=likely_causes(evidence))

    return Reconciled(
        issuer=bill.issuer,
        providers=tuple(sorted(chosen)),
        first=bill.first,
        last=bill.last,
        tolerance=tolerance,
        rows=tuple(row if row.agrees else explained(row) for row in rows),
    )


def _providers(hours: Mapping[Hour, Recorded], bill: Bill, asked: AbstractSet[str]) -> frozenset[str]:
    known = {hour.provider for hour in hours}
    for name in sorted(asked - known):
        there = ", ".join(sorted(known)) or "none in those days"
        raise ConfigError(f"the ledger has no call to a provider '{name}'.", fix=f"There are: {there}.")
    if asked or bill.issuer in known:
        return frozenset(asked or {bill.issuer})
    models = {key.model for key in bill.lines}
    return frozenset(hour.provider for hour in hours if hour.model in models)


def _within(bill: Bill, days: Mapping[Key, Recorded]) -> dict[Key, Recorded]:
    return {key: each for key, each in days.items() if bill.first <= key.day <= bill.last}


def _key(row: Row) -> Key:
    return Key(row.day, row.model)


def _rows(bill: Bill, recorded: Mapping[Key, Recorded], tolerance: Decimal) -> list[Row]:
    unit: Unit = "USD" if any(each.cost_usd is not None for each in bill.lines.values()) else "tokens"
    keys = sorted({*bill.lines, *recorded})
    return [_row(key, unit, bill.lines.get(key), recorded.get(key), tolerance) for key in keys]


def _row(key: Key, unit: Unit, billed: Billed | None, recorded: Recorded | None, tolerance: Decimal) -> Row:
    if billed is not None:
        unit = "tokens" if billed.cost_usd is None else "USD"
    there = _billed(billed, unit)
    here = _recorded(recorded, unit)
    gap = there - here
    allowed = max(tolerance * max(there, here), _CENT if unit == "USD" else Decimal(0))
    rounding = billed.rounding_usd if billed and unit == "USD" else Decimal(0)
    return Row(
        day=key.day,
        model=key.model,
        unit=unit,
        billed=there,
        recorded=here,
        gap=gap,
        agrees=abs(gap) <= max(allowed, rounding),
    )


def _billed(billed: Billed | None, unit: Unit) -> Decimal:
    if billed is None:
        return Decimal(0)
    return Decimal((billed.cost_usd if unit == "USD" else billed.tokens) or 0)


def _recorded(recorded: Recorded | None, unit: Unit) -> Decimal:
    if recorded is None:
        return Decimal(0)
    return recorded.all.usd if unit == "USD" else Decimal(recorded.all.tokens)


def _other_zone(
    hours: Mapping[Hour, Recorded], chosen: frozenset[str], bill: Bill, rows: list[Row]
) -> tuple[int | None, Mapping[Key, Recorded]]:
    """In which other time zone the bill's days fit the ledger far better than in UTC, in hours ahead, and the days."""
    found: tuple[int | None, Mapping[Key, Recorded]] = (None, {})
    days_off = {row.day for row in rows if not row.agrees}
    if len(days_off) < 2 or 2 * len(days_off) <= len({row.day for row in rows}):
        return found  # another zone shows on most days
    best = _gaps(rows) * _MUCH_BETTER
    for offset in _ZONES:
        days = _within(bill, by_day(hours, chosen, offset))
        gaps = _gaps(_rows(bill, days, Decimal(0)))
        if gaps < best:
            best, found = gaps, (offset, days)
    return found


def _gaps(rows: list[Row]) -> Decimal:
    return sum((abs(row.gap) for row in rows), Decimal(0))


def _steady_ratios(rows: list[Row]) -> dict[str, Decimal]:
    """By how much the bill of a model exceeds the ledger, where that is the same on each of several days."""
    found: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows:
        if row.unit == "USD" and min(row.billed, row.recorded) > _CENT:
            found[row.model].append(row.billed / row.recorded)
    steady = {}
    for model, ratios in found.items():
        mean = sum(ratios, Decimal(0)) / len(ratios)
        if len(ratios) >= _STEADY_DAYS and max(ratios) - min(ratios) <= _STEADY * mean:
            steady[model] = mean
    return steady
