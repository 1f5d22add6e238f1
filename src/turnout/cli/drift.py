"""`turnout drift`: whether what was learnt still fits the traffic."""

from __future__ import annotations

from collections.abc import Iterator
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
from turnout.confidence.shift import SHIFTED, SLIGHT, shift_word
from turnout.config.drifting import learnt_by, watched
from turnout.config.load import load_config
from turnout.insight.drift import Watch
from turnout.insight.query import Filter

_NONE: Final = "–"
_DUE: Final = 1
_SCALE: Final = (
    f"Stability index (PSI): below {SLIGHT:.2f} stable, up to {SHIFTED:.2f} slight, above that moved (Siddiqi 2006); "
    "with few answers the limit is what chance stays under 999 times in 1,000."
)


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

    Its inputs, its confidences, the escalation rate, and how good answers were against how good they were said to be.
    Of each route at most some 10,000 decisions are read, evenly drawn. Exit code 1 when one of them is to be trained or
    calibrated anew. Nothing is changed.

    \b
    turnout drift
    turnout drift --since 7d --json
    """  # noqa: D301 - \b keeps the lines as they are
    loaded = load_config(config, keyless=True)
    store, begins = opened(loaded.data_directory(data), ledger, config=config), moment(since)
    found = [
        (route, watched(loaded, store, Filter(since=begins, route=route), file)) for route, file in learnt_by(loaded)
    ]
    if json:
        typer.echo(msgspec.json.encode([_noted(*each) for each in found]))
    else:
        _print(screen(), found)
    if any(watch.due for _, watch in found):
        raise typer.Exit(_DUE)


def _noted(route: str, watch: Watch) -> dict[str, object]:
    return {"route": route, **msgspec.structs.asdict(watch), "verdict": watch.verdict}


def _print(console: Console, found: list[tuple[str, Watch]]) -> None:
    if not found:
        console.print("The configuration uses no calibration and no classifier: there is nothing that could drift.")
    for route, each in found:
        style = "red" if each.due else "green" if each.verdict == "as measured" else "yellow"
        named = f"{plain(route)}: {plain(each.file)} {each.id}"
        console.print(Text.assemble((named, "bold"), ": ", (each.verdict, style)))
        table = Table(box=None, pad_edge=False, show_header=False)
        for row in (*_moved(each), *_figures(each)):
            table.add_row(*row)
        console.print(table)
    if any(each.indices or each.confidence for _, each in found):
        console.print(_SCALE, style="dim")


def _moved(watch: Watch) -> Iterator[tuple[str, str, str]]:
    """How far everything has moved that has a stability index, the furthest input first."""
    for name, index in sorted(watch.indices.items(), key=lambda pair: -pair[1]):
        yield _index(name, index, watch.limit or SHIFTED)
    if told := watch.confidence:
        *row, limit = _index("confidence", told.index, told.limit)
        against = "those at fitting" if told.against == "fitting" else "those before"
        yield row[0], row[1], f"{limit}, {told.answers:,} against {against}"


def _index(name: str, index: float, limit: float) -> tuple[str, str, str]:
    return f"  {plain(name)}", f"stability index {index:.3f}", f"{shift_word(index, limit)}, of at most {limit:.2f}"


def _figures(watch: Watch) -> Iterator[tuple[str, str, str]]:
    whole = watch.read == watch.of
    drawn = "all" if whole else f"a sample of {watch.read:,} evenly drawn"
    yield "  decisions", f"{watch.decisions:,}", f"{watch.kind}, in {drawn} of the {watch.of:,} of its route"
    yield "  escalated", _percent(watch.escalated), f"before: {_percent(watch.escalated_before)}"
    yield "  good answers", _percent(watch.realised), f"promised: {_percent(watch.promised)} ({watch.rated:,})"


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{share:.1%}"
