"""Amounts and durations, in the words of the terminal and of the pages."""

from __future__ import annotations

from decimal import Decimal


def usd(amount: Decimal | None, unknown: str = "unknown") -> str:
    """An amount with cents, or with three digits that count where it is smaller: `$1,204.50`, `$0.000714`."""
    if amount is None:
        return unknown
    if not amount:
        return "$0"
    return f"{'−' if amount < 0 else ''}${abs(amount):,.{min(12, max(2, 2 - amount.adjusted()))}f}"


def milliseconds(duration: float | None) -> str:
    """A duration: `0.42 ms`, `842 ms`, `1.69 s`, `12.3 s`; a dash where there is none."""
    if duration is None:
        return "–"
    if duration >= 999.5:
        return f"{duration / 1000:,.{2 if duration < 9_995 else 1}f} s"
    return f"{duration:.0f} ms" if duration >= 10 else f"{duration:.2f} ms"
