"""What was calibrated, in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.calibrate import words
from turnout.insight.calibrate import Calibrated

_BAR = 20


def print_calibrated(console: Console, found: Calibrated, labels: int) -> None:
    """Print the promise, what the threshold does, and what others would do."""
    console.print(Text(found.promise, "bold" if found.holds else "bold red"))
    console.print()
    told = Table.grid(padding=(0, 3, 0, 0))
    for name, value, note in words.figures(found, labels):
        told.add_row(name, Text(value, "bold"), Text(note, "dim"))
    console.print(told)
    console.print()
    _print_curve(console, found)
    for said in words.caveats(found):
        console.print(Text(said, "yellow"))


def _print_curve(console: Console, found: Calibrated) -> None:
    """Every second point of the curve."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    rank = "worth" if found.by == "gain" else "confidence"
    for heading in (rank, "kept", "", "wrong of these", "acceptable in all", "cost of a request"):
        table.add_column(heading, justify="left" if not heading else "right")
    for point in found.curve[::2]:
        near = point.kept == min(found.curve[::2], key=lambda each: abs(each.kept - found.chosen.kept)).kept
        row = (
            words.threshold(found, point.threshold),
            words.percent(point.kept),
            "━" * round(_BAR * point.kept),
            words.percent(point.error, 1) if point.kept else words.NONE,
            words.percent(point.quality, 1),
            words.usd_of(point.cost_usd),
        )
        table.add_row(*row, style="bold" if near and found.holds else "")
    console.print(table)
