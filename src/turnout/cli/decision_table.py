"""Decisions as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import OUTCOME_STYLES, plain, saved
from turnout.insight.amount_words import milliseconds, usd
from turnout.types.decision import Decision

# Characters that the terminal has. The beginning of an id may not be unique; `show` tells which ids begin so.
_NARROW, _MIDDLE, _WIDE = (0, 96), (96, 140), (140, 10_000)


class _Column(NamedTuple):
    title: str
    width: int
    cell: Callable[[Decision], Text]
    justify: Literal["left", "right"] = "left"
    show: tuple[int, int] = (0, 10_000)


class DecisionTable:
    """One table that can be printed bit by bit, so that following goes on under the same header."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._columns = [column for column in _COLUMNS if column.show[0] <= console.width < column.show[1]]
        self._begun = False

    def print(self, decisions: Iterable[Decision]) -> None:
        """Print some more rows, under the header if they are the first."""
        rows = list(decisions)
        if not rows:
            return
        table = Table(box=None, pad_edge=False, show_header=not self._begun, header_style="dim")
        for column in self._columns:
            table.add_column(column.title, min_width=column.width, justify=column.justify, no_wrap=True)
        for decision in rows:
            table.add_row(*(column.cell(decision) for column in self._columns))
        self._console.print(table)
        self._begun = True


def _time(decision: Decision) -> Text:
    try:
        return Text(datetime.fromisoformat(decision.time).astimezone().strftime("%H:%M:%S"), "dim")
    except ValueError:
        return Text(plain(decision.time))


def _outcome(decision: Decision) -> Text:
    calls = len(decision.attempts)
    return Text.assemble(
        (decision.outcome, OUTCOME_STYLES.get(decision.outcome, "")), (f" {calls} calls" if calls > 1 else "", "dim")
    )


def _tokens(decision: Decision) -> Text:
    taken = sum(attempt.input_tokens for attempt in decision.attempts)
    given = sum(attempt.output_tokens for attempt in decision.attempts)
    return Text(f"{taken} → {given}")


def _saved(decision: Decision) -> Text:
    amount = saved(decision)
    return Text(usd(amount, "–"), "" if amount is None else "green" if amount > 0 else "dim")


_COLUMNS = (
    _Column("time", 8, _time),
    _Column("id", 36, lambda decision: Text(plain(decision.id), "dim"), show=_WIDE),
    _Column("id", 18, lambda decision: Text(plain(decision.id[:18]), "dim"), show=_MIDDLE),
    _Column("id", 13, lambda decision: Text(plain(decision.id[:13]), "dim"), show=_NARROW),
    _Column("user", 8, lambda decision: Text(plain(decision.user or "–")), show=_WIDE),
    _Column("route", 7, lambda decision: Text(plain(decision.route))),
    _Column("rule", 8, lambda decision: Text(plain(decision.rule or "–")), show=_WIDE),
    _Column("target", 10, lambda decision: Text(plain(decision.target or "–"), "bold")),
    _Column("outcome", 8, _outcome),
    _Column("latency", 7, lambda decision: Text(milliseconds(decision.latency_ms)), "right"),
    _Column("tokens", 10, _tokens, "right", _WIDE),
    _Column("cost", 9, lambda decision: Text(usd(decision.cost_usd)), "right"),
    _Column("saved", 9, _saved, "right", (96, 10_000)),
)
