"""`turnout replay`: what another configuration would have decided for the requests of a period."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from turnout.cli.ledger_copy import Ledger
from turnout.cli.ledger_options import Data, moment, opened
from turnout.cli.options import spread
from turnout.cli.replay.page import as_page
from turnout.cli.replay.saving import as_result
from turnout.cli.replay.terminal import print_replay
from turnout.cli.replay.work import Job, replay_parts, worth_a_bar
from turnout.cli.replay.world import lists_of, rules_of
from turnout.cli.screen import screen
from turnout.config.load import find_data_directory, find_file, load_config
from turnout.errors import ConfigError
from turnout.insight.query import Filter
from turnout.insight.replay.foresight import usual_of
from turnout.insight.replay.result import Replayed, result
from turnout.insight.replay.run import parts
from turnout.insight.what_if import keep, place

_LIMIT = 10


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The options that say which requests, and under which configuration they were decided."""

    since: Annotated[str, typer.Option(help="Requests since then: 90s, 15m, 1h, 7d, or 2026-03-01T09:30.")] = "30d"
    until: Annotated[str | None, typer.Option(help="And before then.")] = None
    route: Annotated[str | None, typer.Option(help="Of one route.")] = None
    current: Annotated[
        list[Path] | None,
        typer.Option(
            help="A configuration that was in force: which phrases were looked for. By default ./turnout.yaml; may be "
            "given several times."
        ),
    ] = None
    data: Data = None
    ledger: Ledger = None

    def filter(self) -> Filter:
        """Which requests."""
        return Filter(since=moment(self.since), until=moment(self.until), route=self.route)


@spread("traffic")
def replay(
    config: Annotated[Path, typer.Argument(metavar="NEW.yaml", help="The configuration to try.", show_default=False)],
    *,
    traffic: Traffic,
    limit: Annotated[int, typer.Option(min=0, help="Show so many changed decisions.")] = _LIMIT,
    json: Annotated[bool, typer.Option("--json", help="One JSON object; amounts in USD, latencies in ms.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page there, to be sent around.")] = None,
    save: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep it under that name for the dashboard's page What if.")
    ] = None,
) -> None:
    """Decide recorded requests again by another configuration, without calling a model, and say what would change.

    \b
    turnout replay new.yaml --since 30d
    turnout replay new.yaml --since 7d --route support --limit 20
    turnout replay new.yaml --html replay.html
    turnout replay new.yaml --save cheaper-first
    turnout replay new.yaml --json | jq .total.cost

    What was recorded is taken as it was. What was not is never made up: it is counted by its best and its worst.
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    saved = place(find_data_directory(traffic.data), save) if save else None
    found = _replayed(config, traffic, limit)
    if html:
        _write(html, as_page(found, config.name, limit))
    if saved:
        keep(saved, as_result(found, config.name, limit))
        sys.stderr.write(f"Saved {save}: /dashboard/what-if/{save}\n")
    if json:
        typer.echo(msgspec.json.encode(found))
    elif not html:
        print_replay(screen(), found, limit)


def _replayed(config: Path, traffic: Traffic, limit: int) -> Replayed:
    loaded = load_config(config, keyless=True)
    rules = rules_of(loaded)
    in_force = traffic.current or [file for file in [find_file(None, {})] if file is not None]
    data = find_data_directory(traffic.data)
    store, wanted = opened(data, traffic.ledger), traffic.filter()
    usual = usual_of(store, wanted.since, wanted.until)
    job = Job(config, data, store, lists_of([load_config(file, keyless=True) for file in in_force]), usual, limit)
    decisions, cut = parts(store, wanted)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not (sys.stderr.isatty() and worth_a_bar(decisions))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as bar:
        task = bar.add_task("Deciding again", total=decisions)
        tally = replay_parts(job, cut, lambda further: bar.advance(task, further))
    if traffic.route is not None:
        rules = {name: names for name, names in rules.items() if name in tally.routes}
    return result(tally, decisions, rules, usual)


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", fix="Give --html another path.") from error
    sys.stderr.write(f"Wrote {path}\n")
