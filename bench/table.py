"""What a reader sees: a table of contestants, one of promises; for the terminal and for a page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from bench.contestants import DIRECT, PROXY, RELAY, TURNOUT
from bench.spread import Measured, Spread

if TYPE_CHECKING:
    from bench.verdicts import Verdict

_METRICS = (
    ("unary_rps", "unary requests/s, 32 connections"),
    ("unary_cpu_us", "CPU µs per request"),
    ("p50_ms", "one connection, p50 ms"),
    ("p99_ms", "one connection, p99 ms"),
    ("events_rps", "SSE events/s, 32 connections"),
    ("event_cpu_us", "CPU µs per event, as fast as read"),
    ("paced_event_cpu_us", "CPU µs per event, each alone"),
    ("guarded_rps", "guarded requests/s, 32 connections"),
    ("guarded_cpu_us", "CPU µs per guarded request"),
    ("journey_whole_us", "CPU µs of the journey alone"),
    ("journey_read_us", "... read and authenticate"),
    ("journey_admit_us", "... admit"),
    ("journey_decide_us", "... decide"),
    ("journey_execute_us", "... execute"),
    ("journey_record_us", "... record"),
    ("journey_reply_us", "... reply"),
    ("journey_send_us", "... send"),
    ("journey_drain_us", "CPU µs to drain its record"),
    ("pieces_key_us", "CPU µs to look up a virtual key"),
    ("pieces_limits_us", "... to keep to six rate limits"),
    ("pieces_budgets_us", "... to reserve of five budgets, and settle"),
    ("pieces_states_us", "... to read how they stand, for a ladder"),
    ("pieces_flag_us", "... to evaluate a flag"),
    ("rest_mb", "MB at rest"),
    ("warm_mb", "MB after 10,000 requests"),
    ("growth_pct", "growth after that, %"),
)


@dataclass(frozen=True)
class Grid:
    """A table as text: a title, the head, the rows."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def rich(self) -> Table:
        """For the terminal."""
        table = Table(title=self.title, title_justify="left", title_style="bold")
        for index, column in enumerate(self.head):
            table.add_column(column, justify="right" if index else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """For a page."""
        rules = tuple("---:" if index else "---" for index in range(len(self.head)))
        lines = ["| " + " | ".join(row) + " |" for row in (self.head, rules, *self.rows)]
        return "\n".join(lines) + "\n"


def contestants(measured: Measured) -> Grid:
    """Who did what: a row for each metric, a column for each contestant."""
    shown = [(measured[metric], title) for metric, title in _METRICS if measured.get(metric)]
    names = [name for name in (DIRECT, PROXY, RELAY, TURNOUT) if any(name in by_name for by_name, _ in shown)]
    rows = [(title, *(cell(by_name.get(name)) for name in names)) for by_name, title in shown]
    return Grid("Side by side: the median round, and half the spread of all", ("", *names), rows)


def promises(verdicts: list[Verdict]) -> Grid:
    """What was promised and what came of it."""
    rows: list[tuple[str, ...]] = []
    for verdict in verdicts:
        promise = verdict.promise
        bound = f"{'≥' if promise.at_least else '≤'} {promise.bound:,g} {promise.unit}".rstrip()
        rows.append((promise.name, bound, _text(verdict.spread), verdict.text))
    return Grid("Promised", ("figure", "promised", "measured", "verdict"), rows)


def number(value: float) -> str:
    """A figure with as many digits as mean something: 8,123 or 45.1 or 0.0823; a whole number as it is."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{_decimals(value)}f}"


def cell(rounds: list[float] | None) -> str:
    """The median of the rounds and half their spread; a dash where there are none."""
    return _text(Spread.of(rounds) if rounds else None)


def _text(spread: Spread | None) -> str:
    """The median, and half the distance from the lowest round to the highest: `6,237 ± 270`."""
    if spread is None:
        return "-"
    half = (spread.high - spread.low) / 2
    return f"{number(spread.median)} ± {half:,.{_decimals(spread.median)}f}" if half else number(spread.median)


def _decimals(value: float) -> int:
    """Decimals that show three digits: of 8,123 none, of 45.1 one, of 0.0823 four."""
    return max(0, 2 - math.floor(math.log10(abs(value)))) if value else 2
