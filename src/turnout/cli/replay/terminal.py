"""A replay in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import plain
from turnout.cli.replay import words
from turnout.cli.report.figures import share
from turnout.insight.amount_words import usd
from turnout.insight.replay.result import Changes, Replayed

_MOST_MOVES = 20


def print_replay(console: Console, found: Replayed, limit: int) -> None:
    """Print what a replay found, with so many examples."""
    console.print(Text(words.headline(found), "bold"))
    console.print()
    if not found.total.requests:
        _print_said(console, "", words.limits(found))
        return
    console.print(_figures(found.total))
    if found.moves:
        console.print()
        console.print(_moves(found))
        _print_examples(console, found, limit)
    else:
        console.print()
        console.print(Text("Nothing moves: every request goes the way it went.", "green"))
    _print_said(console, "Rules that never decide", words.silences(found))
    _print_said(console, "What is not known, and what is foreseen", words.limits(found))


def _figures(changes: Changes) -> Table:
    table = _table("", "before", "after", "")
    for each in words.figures(changes):
        table.add_row(each.name, each.before, Text(each.after, "bold"), each.change)
    return table


def _moves(found: Replayed) -> Table:
    table = _table("route", "from", "to", "requests", "of the route", "cost before", "after")
    for column in table.columns[3:]:
        column.justify = "right"
    for move in found.moves[:_MOST_MOVES]:
        table.add_row(
            plain(move.route),
            plain(move.before or words.NOBODY),
            plain(words.destination(move)),
            f"{move.requests:,}",
            share(move.share, 1),
            usd(move.cost.before),
            words.money(move.cost),
        )
    if len(found.moves) > _MOST_MOVES:
        table.add_row(f"and {len(found.moves) - _MOST_MOVES} more: --json has all")
    return table


def _print_examples(console: Console, found: Replayed, limit: int) -> None:
    shown = found.examples(limit)
    if not shown:
        return
    console.print()
    table = _table("for example", "route", "tokens", "from", "to", "cost", "because")
    for route, each in shown:
        cells = (route, f"{each.tokens:,}", words.way(each.before), words.ways(each), words.example_cost(each))
        table.add_row(each.id[:13], *map(plain, cells), plain(words.why(each)))
    console.print(table)
    console.print(Text("turnout decisions show ID tells the whole of one", "dim"))


def _print_said(console: Console, title: str, lines: list[str]) -> None:
    if not lines:
        return
    console.print()
    if title:
        console.print(Text(title, "dim"))
    for line in lines:
        console.print(Text(f"  {plain(line)}" if title else plain(line)))


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
