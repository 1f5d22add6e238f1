"""`turnout drift`: whether what was learnt still fits the traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import plain
from turnout.cli.ledger_copy import Ledger
from turnout.cli.ledger_options import Data, moment, opened
from turnout.cli.screen import screen
from turnout.config.load import load_config
from turnout.config.policies import artefacts
from turnout.insight.drift import Watch, load_learnt, observe
from turnout.insight.query import Filter, decisions

_NONE: Final = "–"
_DUE: Final = 1


def drift(
    *,
    since: Annotated[str, typer.Option(help="Look at decisions since then: 24h, 7d, or a date.")] = "30d",
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration; by default ./turnout.yaml.")
    ] = None,
    data: Data = None,
    ledger: Ledger = None,
    json: Annotated[bool, typer.Option("--json", help="JSON for machines.")] = False,
) -> None:
    """Tell of each calibration and classifier that the configuration uses whether it still fits the traffic.

    Its inputs, the escalation rate, and how good answers were against how good they were said to be. Exit code 1 when
    one of them is to be trained or calibrated anew. Nothing is changed.

    \b
    turnout drift
    turnout drift --since 7d --json
    """  # noqa: D301 - \b keeps the lines as they are
    loaded = load_config(config, keyless=True)
    named = [file for route in loaded.config.routes.values() for file in artefacts(route.policy)]
    learnt = [load_learnt(loaded.directory / Path(file).expanduser()) for file in dict.fromkeys(named)]
    store, wanted = opened(loaded.data_directory(data), ledger, config=config), Filter(since=moment(since))
    found = [observe(each, decisions(store, wanted)) for each in learnt]
    if json:
        typer.echo(msgspec.json.encode([msgspec.structs.asdict(each) | {"verdict": each.verdict} for each in found]))
    else:
        _print(screen(), found)
    if any(each.due for each in found):
        raise typer.Exit(_DUE)


def _print(console: Console, found: list[Watch]) -> None:
    if not found:
        console.print("The configuration uses no calibration and no classifier: there is nothing that could drift.")
    for each in found:
        style = "red" if each.due else "green" if each.verdict == "as measured" else "yellow"
        console.print(Text.assemble((f"{plain(each.file)} {each.id}", "bold"), ": ", (each.verdict, style)))
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, index in sorted(each.indices.items(), key=lambda pair: -pair[1]):
            table.add_row(f"  {name}", f"stability index {index:.3f}", f"of at most {each.limit:.2f}")
        table.add_row("  decisions", f"{each.decisions:,}", f"{each.kind}")
        table.add_row("  escalated", _percent(each.escalated), f"before: {_percent(each.escalated_before)}")
        table.add_row(
            "  good answers", _percent(each.realised), f"promised: {_percent(each.promised)} ({each.rated:,})"
        )
        console.print(table)


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{share:.1%}"
