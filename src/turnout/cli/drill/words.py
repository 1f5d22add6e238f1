"""How a drill reads in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import plain
from turnout.insight.amount_words import milliseconds, usd
from turnout.insight.drill import DrillVerdict, Served


def progress_words(verdict: DrillVerdict, now: datetime) -> str:
    """One line while it lasts."""
    drill, during = verdict.drill, verdict.during
    passed = (now - datetime.fromisoformat(drill.began)) / timedelta(seconds=1)
    breaker = ", breaker open" if verdict.breaker_opened_s is not None else ""
    told = f"{during.requests} requests, {during.answered} answered, {during.failed} failed{breaker}"
    return f"{passed:.0f} of {drill.seconds:g} s: {told}"


def verdict_words(verdict: DrillVerdict, expected: float, console: Console) -> None:
    """What came of it, line by line."""
    table = Table.grid(padding=(0, 2))
    for name, value in _lines(verdict):
        table.add_row(Text(name, "dim"), Text(value))
    console.print(table)
    availability = verdict.during.availability
    if availability is None:
        console.print("No request turned to it while it lasted: nothing was learnt.", style="yellow")
    elif availability < expected:
        console.print(f"Not survived: {availability:.3%} of answers, below {_percent(expected)}.", style="bold red")
    else:
        console.print(f"Survived: {availability:.3%} of answers, at least {_percent(expected)}.", style="bold green")


def _lines(verdict: DrillVerdict) -> Iterator[tuple[str, str]]:
    during, before = verdict.during, verdict.before
    yield "requests", _served(during)
    yield "availability", _availability(during, before)
    yield "latency p50", _added(during.p50_ms, before.p50_ms, verdict.added_p50_ms)
    yield "latency p99", _added(during.p99_ms, before.p99_ms, verdict.added_p99_ms)
    yield "answered by", ", ".join(f"{plain(name)} {times}" for name, times in verdict.answered_by.items()) or "nobody"
    yield "calls struck", f"{verdict.drilled_attempts}, of other targets {verdict.strayed}"
    yield "first fallback", _after(verdict.first_fallback_s, "no answer came from another target")
    yield "breaker opened", _after(verdict.breaker_opened_s, "no request found it open")
    if verdict.breaker_opened_s is not None:
        yield "breaker closed", _after(verdict.breaker_closed_s, "not seen closed since", "after the end")
    yield "recovered", _after(verdict.recovered_s, "not seen to answer since", "after the end")
    yield "cost", usd(verdict.cost_usd)
    yield "undisturbed", usd(verdict.undisturbed_usd)
    yield "the detour", usd(verdict.detour_usd)


def _served(during: Served) -> str:
    others = during.requests - during.answered - during.failed
    left = f", {others} ended by the caller" if others else ""
    return f"{during.requests}: {during.answered} answered, {during.failed} failed{left}"


def _availability(during: Served, before: Served) -> str:
    if during.availability is None:
        return "–"
    was = "nothing to compare" if before.availability is None else f"{before.availability:.3%} before"
    return f"{during.availability:.3%} ({was})"


def _added(during: float | None, before: float | None, added: float | None) -> str:
    if added is None:
        return f"{milliseconds(during)} (nothing to compare)"
    sign = "+" if added >= 0 else "−"
    return f"{milliseconds(during)}, {sign}{milliseconds(abs(added))} to the {milliseconds(before)} before"


def _after(seconds: float | None, never: str, since: str = "after the begin") -> str:
    return never if seconds is None else f"{seconds:.1f} s {since}"


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
