"""How figures of a report read: units on every number, a dash where there is nothing to say."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from turnout.insight.amount_words import milliseconds, usd
from turnout.insight.latency import Quantiles
from turnout.insight.report import Line, Report
from turnout.insight.sums import Summary

NONE: Final = "–"
_TENFOLD: Final = 9
"""Growth beyond this is told as a factor: against a day without traffic a per cent says nothing."""
_DAY: Final = timedelta(days=1)


def period(report: Report) -> str:
    """`1 Nov 2026 00:00 – 8 Nov 2026 00:00 UTC`."""
    return f"{_moment(report.since)} – {_moment(report.until)} UTC"


def length(report: Report) -> str:
    """`7 days`, `36 hours`."""
    hours = round((report.until - report.since) / timedelta(hours=1))
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} hours"


def step_name(report: Report, start: datetime) -> str:
    """`3 Nov`, `14:00`."""
    return f"{start:%-d %b}" if report.step >= _DAY else f"{start:%H:%M}"


def spend(summary: Summary) -> str:
    """The spend; with a question mark where some of it is unknown."""
    return usd(summary.cost_usd) + (" + ?" if summary.unpriced else "")


def change(line: Line) -> str:
    """The change of spend against the period before: `+12 %`, `new`."""
    if not line.before.decisions:
        return "new" if line.now.decisions else NONE
    if not line.before.cost_usd:
        return NONE
    return signed_percent(line.change_usd / line.before.cost_usd)


def signed_percent(share: Decimal | float) -> str:
    """`+12 %`, `−3 %`, `±0 %`; what has grown more than tenfold is `×12`."""
    if share > _TENFOLD:
        return f"×{float(share) + 1:,.0f}"
    rounded = round(float(share) * 100)
    return f"{'+' if rounded > 0 else '−' if rounded else '±'}{abs(rounded):,} %"


def share(part: float, whole: float, digits: int = 1) -> str:
    """`part` of `whole` in per cent."""
    return f"{100 * part / whole:.{digits}f} %" if whole else NONE


def saved(summary: Summary) -> str:
    """What was saved against the baseline, in USD and per cent."""
    if not summary.compared:
        return NONE
    of = f" ({float(summary.saved_usd / summary.baseline_cost_usd):.0%})" if summary.baseline_cost_usd else ""
    return usd(summary.saved_usd).replace("-", "−") + of.replace("%", "\N{NO-BREAK SPACE}%")


def tokens(number: int) -> str:
    """`950`, `12.3 k`, `4.5 M`, `1.2 G`."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**4)):
        if number >= size:
            return f"{number / (1_000 if unit == 'k' else size):,.1f} {unit}"
    return f"{number:,}"


def quantiles(found: Quantiles) -> str:
    """`p50 310 ms, p95 1,200 ms, p99 4.1 s`."""
    told = zip(("p50", "p95", "p99"), found, strict=True)
    return ", ".join(f"{name} {milliseconds(value)}" for name, value in told) if found.p50 is not None else NONE


def caveats(report: Report) -> list[str]:
    """What the figures do not know, in sentences."""
    now = report.total.now
    found = []
    if now.unpriced:
        have = "request has" if now.unpriced == 1 else "requests have"
        found.append(f"{now.unpriced:,} {have} a call of unknown price: the spend is at least what is shown.")
    if now.compared < now.decisions:
        left = now.decisions - now.compared
        are, whose = ("request is", "its") if left == 1 else ("requests are", "their")
        found.append(f"{left:,} {are} in no saving: {whose} route has no baseline, or there was no answer.")
    estimated = sum(each.estimated for each in report.calls.values())
    if estimated:
        calls, whose = ("call are", "its answer") if estimated == 1 else ("calls are", "their answers")
        found.append(f"The tokens of {estimated:,} {calls} estimated: {whose} broke off before usage was told.")
    return found


def _moment(at: datetime) -> str:
    return f"{at:%-d %b %Y %H:%M}"
