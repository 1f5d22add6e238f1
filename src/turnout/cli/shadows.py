"""`turnout shadows`: what the others said to the same requests, beside what was served."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import plain
from turnout.cli.ledger_copy import Ledger
from turnout.cli.ledger_options import Data, moment, opened
from turnout.cli.screen import screen
from turnout.config.load import find_data_directory
from turnout.insight.query import Filter
from turnout.insight.shadows import Sides, compared

_NONE = "–"


def shadows(
    route: Annotated[str | None, typer.Argument(help="One route; all of them if none is given.")] = None,
    *,
    since: Annotated[str, typer.Option(help="Since when: 24h, 7d, or a date.")] = "7d",
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration, for its data directory.")
    ] = None,
    data: Data = None,
    ledger: Ledger = None,
    json: Annotated[bool, typer.Option("--json", help="JSON for machines.")] = False,
) -> None:
    """Compare what was served with what shadows said to the same requests: cost, latency, failures, grades.

    \b
    turnout shadows support --since 30d
    """  # noqa: D301 - \b keeps the lines as they are
    store = opened(find_data_directory(data, config=config), ledger, config=config)
    found = compared(store, Filter(since=moment(since), route=route))
    if json:
        typer.echo(msgspec.json.encode(found))
    else:
        print_sides(found, screen())


def print_sides(found: Sequence[Sides], console: Console) -> None:
    """A route and what it was compared with, two lines each."""
    if not found:
        console.print(
            "No request has a shadow in this time. Routes ask for them by `shadow:`; see docs/how-to/shadow.md."
        )
    for each in found:
        console.print(
            Text.assemble((plain(each.route), "bold"), f": {each.requests:,} requests that were asked of both")
        )
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("", "USD a request", "median", "failed", "grade"):
            table.add_column(title, justify="right" if title else "left")
        grades = [_NONE if grade is None else f"{grade:.2f}" for grade in (each.served_grade, each.shadow_grade)]
        served, shadow = ("/".join(map(plain, names)) or _NONE for names in (each.served, each.shadow))
        table.add_row(f"  served  {served}", _usd(each.served_usd), _ms(each.served_ms), _NONE, grades[0])
        failed = f"{each.failed / each.requests * 100:.1f} %"
        table.add_row(f"  shadow  {shadow}", _usd(each.shadow_usd), _ms(each.shadow_ms), failed, grades[1])
        console.print(table)
        for line in _said(each):
            console.print(Text(f"  {line}", "dim"))


def _said(each: Sides) -> list[str]:
    told = []
    if each.gain is not None:
        gain, low, high = (f"{edge * 100:+.1f}" for edge in each.gain)
        told.append(
            f"{each.judged:,} pairs were judged: the shadow's grades are {gain} points better ({low} to {high})."
        )
    elif each.judged:
        told.append(f"{each.judged:,} pairs were judged: too few to tell.")
    if each.compared:
        told.append(f"{each.agreed:,} of {each.compared:,} answers say what the shadow says.")
    return told


def _usd(amount: float | None) -> str:
    return _NONE if amount is None else f"${amount:.6f}"


def _ms(time: float | None) -> str:
    return _NONE if time is None else f"{time:,.0f} ms"
