"""Advice in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.advise import words
from turnout.insight.advise.advice import Advice
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.change import Change
from turnout.insight.advise.prices import Pair


def print_advice(console: Console, advice: Advice, changed: Sequence[Change], taken: Assumptions, pair: Pair) -> None:
    """Print the answer, then what it rests on."""
    console.print(Text(words.headline(advice), "bold"))
    for line in words.story(advice):
        console.print(Text(f"  {line}"))
    for line in (*words.loses(advice), *advice.remarks):
        console.print(Text(f"  {line}", "yellow"))
    _table(console, "Effort", ("", "setup", "upkeep a month", "payback"), words.effort(advice.recommended))
    _table(console, "The others", ("approach", "saves a month", "payback", "why"), words.compared(advice))
    _lines(console, "What would change the answer", [words.change(each) for each in changed])
    _table(console, "Facts", ("", "", "where from"), words.facts(advice))
    _table(console, "Not known (--answer KEY=VALUE)", ("key", "what", "decides"), words.unknown(advice))
    _table(console, "The decision table", ("situation", "approach", "holds", "because"), words.table(advice))
    _table(console, "Assumptions (--assume KEY=VALUE)", ("key", "value", "meaning"), words.assumptions(taken, pair))
    console.print(Text(f"\nFrom {advice.facts.source}.", "dim"))
    for note in advice.facts.notes:
        console.print(Text(note, "dim"))


def _table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    listed = list(rows)
    if not listed:
        return
    console.print(Text(f"\n{title}", "bold"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_header=any(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in listed:
        table.add_row(*row)
    console.print(table)


def _lines(console: Console, title: str, lines: Sequence[str]) -> None:
    console.print(Text(f"\n{title}", "bold"))
    for line in lines or ["Nothing by itself."]:
        console.print(Text(line))
