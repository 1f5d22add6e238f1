"""A report in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import plain
from turnout.cli.report import figures
from turnout.insight.amount_words import milliseconds, usd
from turnout.insight.report import Line, Report
from turnout.insight.sums import Summary

_BAR = 24
_FIGURES: Final = ("requests", "spend", "change", "saved", "fell back", "tokens")
"""Columns beside the names of what is reported by."""


def print_report(console: Console, report: Report, *, limit: int) -> None:
    """Print a report; of its lines the first `limit`."""
    console.print(Text(f"{figures.period(report)}, {figures.length(report)}", "bold"))
    console.print()
    _print_figures(console, report)
    _print_steps(console, report)
    if report.lines:
        _print_lines(console, report, limit)
        _print_movers(console, report)
    _print_calls(console, report)
    for said in figures.caveats(report):
        console.print(Text(said, "dim"))


def _print_figures(console: Console, report: Report) -> None:
    now, latency = report.total.now, report.latency
    told = Table.grid(padding=(0, 3, 0, 0))
    told.add_row("spend", Text(figures.spend(now), "bold"), f"{figures.change(report.total)} against the period before")
    told.add_row("baseline", usd(now.baseline_cost_usd) if now.compared else figures.NONE, _compared(now))
    told.add_row("saved, net", Text(figures.saved(now), "green" if now.saved_usd > 0 else ""), _router_cost(now))
    told.add_row("requests", f"{now.decisions:,}", _outcomes(now))
    told.add_row("tokens", figures.tokens(now.input_tokens + now.output_tokens), _tokens(now))
    told.add_row("fell back", figures.share(now.fallbacks, now.decisions), _rates(now))
    told.add_row("latency", milliseconds(latency.total.p50), figures.quantiles(latency.total))
    told.add_row("first token", milliseconds(latency.first_token.p50), figures.quantiles(latency.first_token))
    told.add_row("added by turnout", milliseconds(latency.overhead.p50), figures.quantiles(latency.overhead))
    console.print(told)


def _compared(now: Summary) -> str:
    return f"what the same requests would have cost at their routes' baselines ({now.compared:,} of them can tell)"


def _router_cost(now: Summary) -> str:
    return f"{usd(now.router_cost_usd)} of the spend went into routing: failed, discarded and judging calls"


def _outcomes(now: Summary) -> str:
    return ", ".join(
        f"{number:,} {outcome}" for outcome, number in sorted(now.outcomes.items(), key=lambda each: -each[1])
    )


def _tokens(now: Summary) -> str:
    return f"{figures.tokens(now.input_tokens)} in, {figures.tokens(now.output_tokens)} out, of every call"


def _rates(now: Summary) -> str:
    told = [f"{figures.share(now.escalations, now.decisions)} escalated"]
    if now.cached:
        told.append(f"{figures.share(now.cached, now.decisions)} from a cache")
    if now.rating is not None:
        told.append(f"rated {now.rating:.2f} on average by {now.ratings:,}")
    return ", ".join(told)


def _print_steps(console: Console, report: Report) -> None:
    """Spend through time, against what the baseline would have cost."""
    most = max((max(each.cost_usd, each.baseline_cost_usd) for each in report.steps.values()), default=None)
    if not most:
        return
    console.print()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("spend")
    for title in ("", "requests", "", "baseline"):
        table.add_column(title, justify="right")
    for start, each in report.steps.items():
        filled = round(_BAR * float(each.cost_usd / most))
        above = max(0, round(_BAR * float(each.baseline_cost_usd / most)) - filled)
        bar = Text.assemble(("█" * filled, "blue"), ("░" * above, "dim"))
        row = (
            f"{each.decisions:,}",
            usd(each.cost_usd),
            usd(each.baseline_cost_usd) if each.compared else figures.NONE,
        )
        name = figures.step_name(report, start)
        table.add_row(Text.assemble(f"{name:>6} ", bar), "", *row)
    console.print(table)


def _print_lines(console: Console, report: Report, limit: int) -> None:
    console.print()
    rows = [_cells(line) for line in report.lines[:limit]]
    widths = [max(map(len, column)) for column in zip(_FIGURES, *rows, strict=True)]
    room = (console.width - sum(widths) - 2 * len(widths)) // len(report.by) - 2
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in report.by:  # names give way to figures: half a name is one, half a figure is another
        table.add_column(name, overflow="ellipsis", no_wrap=True, min_width=8, max_width=max(8, room))
    for title in _FIGURES:
        table.add_column(title, justify="right", no_wrap=True)
    for line, cells in zip(report.lines, rows, strict=False):
        table.add_row(*(plain(value or figures.NONE) for value in line.key), *cells)
    console.print(table)
    if len(report.lines) > limit:
        console.print(Text(f"and {len(report.lines) - limit:,} more: --limit shows them, --csv has all", "dim"))


def _cells(line: Line) -> tuple[str, ...]:
    now = line.now
    return (
        f"{now.decisions:,}",
        figures.spend(now),
        figures.change(line),
        figures.saved(now),
        figures.share(now.fallbacks, now.decisions),
        figures.tokens(now.input_tokens + now.output_tokens),
    )


def _print_movers(console: Console, report: Report) -> None:
    if not any(line.before.decisions for line in report.lines) or not report.movers:
        return
    console.print()
    console.print(Text("moved most against the period before", "dim"))
    for line in report.movers:
        name = ", ".join(plain(value or figures.NONE) for value in line.key)
        amount = usd(line.change_usd) if line.change_usd < 0 else f"+{usd(line.change_usd)}"
        console.print(f"  {amount.replace('-', '−')}  {name} ({figures.change(line)})", highlight=False)


def _print_calls(console: Console, report: Report) -> None:
    if not report.calls:
        return
    console.print()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("provider", "target"):
        table.add_column(title, no_wrap=True)
    for title in ("calls", "failed", "first token p50", "p95", "spend"):
        table.add_column(title, justify="right", no_wrap=True)
    for (provider, target), each in report.calls.items():
        failed = each.outcomes.get("failed", 0)
        times = (milliseconds(each.first_token.p50), milliseconds(each.first_token.p95))
        cost = usd(each.cost_usd) + (" + ?" if each.unpriced else "")
        names = (plain(provider or figures.NONE), plain(target))
        table.add_row(*names, f"{each.number:,}", figures.share(failed, each.number), *times, cost)
    console.print(table)
    if report.errors:
        console.print(Text("errors: " + ", ".join(_counted(report.errors.items())), "dim"))


def _counted(numbers: Iterable[tuple[str, int]]) -> list[str]:
    return [f"{number:,} {plain(name)}" for name, number in numbers]
