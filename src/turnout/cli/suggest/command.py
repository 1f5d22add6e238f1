"""`turnout suggest`: rules mined from labelled traffic, as a diff."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.calibrate.diff import difference
from turnout.cli.decision_words import plain
from turnout.cli.ledger_options import Data
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.cli.suggest.edit import Written, edited, rules_before, written
from turnout.cli.train.incumbent import first_asked
from turnout.cli.train.source import Source
from turnout.config.build import build_parts
from turnout.config.load import LoadedConfig, load_config
from turnout.errors import ConfigError
from turnout.features.tokens import estimate_tokens
from turnout.insight.amount_words import usd
from turnout.insight.suggest import Case, Measured, Suggestion, suggest
from turnout.insight.train.labels import Answered
from turnout.policy.route import Route
from turnout.router.parts import Parts
from turnout.types.clock import SystemClock

_FINDING = 1


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """The options that say where the labels come from."""

    labels: Annotated[
        Path | None,
        typer.Option(
            help="Labelled requests: a CSV, JSON Lines or Parquet file with the columns text, target, acceptable, or "
            "text and acceptable:TARGET for each target. Besides, if known: cost_usd, time, group."
        ),
    ] = None
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="Recorded requests with feedback, whose texts are kept.")
    ] = False
    since: Annotated[str | None, typer.Option(help="Of the ledger, only since then: 30d, 2026-03-01.")] = None
    data: Data = None

    def requests(self, route: str, config: Path | None) -> Sequence[Answered]:
        """The labelled requests. Raises `ConfigError`."""
        if (self.labels is None) is not self.from_ledger:
            raise typer.BadParameter("Give one of --labels FILE and --from-ledger.")
        source = Source(labels=self.labels, from_ledger=self.from_ledger, since=self.since, data=self.data)
        return source.requests(route, config)[0]


@dataclass(frozen=True, kw_only=True)
class Aim:
    """The options that say what is asked for."""

    to: Annotated[
        str | None, typer.Option(help="The target that is to get more; by default the cheapest with labels.")
    ] = None
    precision: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="At least this share of what it gets is served well.")
    ] = 0.9
    phrases: Annotated[int, typer.Option(min=0, max=200, help="Phrases of a list, at most.")] = 12


@spread("labelled")
@spread("aim")
def suggest_rules(
    route: Annotated[str, typer.Argument(help="The route.", show_default=False)],
    *,
    labelled: Labelled,
    aim: Aim,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="By default ./turnout.yaml.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Change the configuration as the diff says.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object; shares 0 to 1, amounts in USD.")] = False,
) -> None:
    """Propose phrases and a length by which requests are known that a cheaper target serves well.

    \b
    turnout suggest support --labels labelled.csv
    turnout suggest support --from-ledger --since 30d --to haiku --precision 0.95
    turnout suggest support --labels labelled.csv --write

    They are chosen on one part of the labelled requests; every figure is measured on the other. Nothing is changed
    without --write. Exit status 1: nothing beats what is there.
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    loaded = load_config(config, keyless=True)
    parts = build_parts(loaded, SystemClock())
    found_route = parts.routes.find(route) if route in loaded.config.routes else None
    if found_route is None:
        raise ConfigError(f"there is no route '{route}'.", fix=f"There are: {', '.join(loaded.config.routes)}.")
    requests = labelled.requests(route, config)
    to = aim.to or _cheapest(requests, parts)
    before = frozenset(f"rule:{name}" for name in rules_before(loaded, route))
    cases = [case for case in (_case(each, to, found_route, parts, before) for each in requests) if case is not None]
    if not cases:
        raise ConfigError(f"no answer of '{to}' is labelled.", fix="Label some, or name another target by --to.")
    with Console(stderr=True).status("looking for phrases"):
        found = suggest(cases, bar=aim.precision, most=aim.phrases)
    add = written(found, [to, *[each for each in found_route.policy.targets if each != to][:1]])
    if json:
        typer.echo(msgspec.json.encode(_told(found, to, add)))
    else:
        _print(screen(), found, to)
    if not found.holds:
        raise typer.Exit(_FINDING)
    _propose(loaded, route, add, write=write)


def _propose(loaded: LoadedConfig, route: str, add: Written, *, write: bool) -> None:
    """Show the change, or make it."""
    if loaded.file is None:
        sys.stderr.write(f"The rule is then: {add.rule}\n")
        return
    file = Path(loaded.file)
    after = edited(loaded, route, add)
    sys.stderr.write(difference(file, after))
    if write:
        file.write_text(after, "utf-8")
        sys.stderr.write(f"Changed {file}\n")
    else:
        sys.stderr.write("Give --write to make this change; try it before: turnout replay.\n")


def _cheapest(requests: Sequence[Answered], parts: Parts) -> str:
    """Of the targets with labels the one with the lowest price."""
    known = {name for each in requests for name in each.answers if name in parts.targets}
    prices = {name: price for name in known if (price := parts.targets[name].price) is not None}
    if not prices:
        raise ConfigError("it is not known which target is the cheapest.", fix="Name it by --to.")
    return min(prices, key=lambda name: (prices[name].input + (prices[name].output or 0), name))


def _case(request: Answered, to: str, route: Route, parts: Parts, before: frozenset[str]) -> Case | None:
    """A labelled request; one that a rule of `before` decides is left to it. None where it says nothing of `to`."""
    answers, about = request.answers, request.about
    good = answers.get(to, {}).get("acceptable")
    if good is None:
        return None
    asked = first_asked(route, parts, about["text"], about["time"])
    today = asked.target if asked is not None else None
    left = today == to or (asked is not None and asked.reason.partition("/")[0] in before)
    costs = [answers.get(name or "", {}).get("cost_usd") for name in (today, to)]
    saving = None if costs[0] is None or costs[1] is None else costs[0] - costs[1]
    tokens = request.features.tokens if request.features is not None else estimate_tokens(about["text"])
    return Case(about["text"], tokens, bool(good), saving, left, about["group"], about["time"])


def _told(found: Suggestion, to: str, add: Written) -> dict[str, Any]:
    whole: dict[str, Any] = {
        name: value._asdict() if isinstance(value, Measured) else value
        for name, value in msgspec.structs.asdict(found).items()
    }
    for name in ("easy", "hard"):
        whole[name] = [{"phrase": each.text, **each.measured._asdict()} for each in getattr(found, name)]
    return {"to": to, **whole, "rule": add.rule, "lists": add.lists}


def _print(console: Console, found: Suggestion, to: str) -> None:
    console.print(Text(found.verdict, "bold" if found.holds else "yellow"))
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column(f"goes to {plain(to)}")
    for title in ("requests", "served well", "95 %", "saves"):
        table.add_column(title, justify="right")
    rows = [(f"“{each.text}”", each.measured) for each in found.easy]
    if found.most_tokens is not None:
        with_phrases = ", and the phrases" if rows else ""
        rows.append((f"up to {found.most_tokens} tokens{with_phrases}", found.measured))
    elif rows:
        rows.append(("all of these", found.measured))
    rows += [(f"but for “{each.text}”", each.measured) for each in found.hard]
    rows.append(("for comparison: every request", found.base))
    for name, measured in rows:
        table.add_row(plain(name), *_cells(measured))
    console.print()
    console.print(table)
    console.print()
    told = f"Chosen on {found.mined:,} labelled requests, measured on {found.checked:,} others"
    console.print(Text(f"{told}; {found.left:,} more go to {plain(to)} already, or are left to other rules.", "dim"))


def _cells(measured: Measured) -> tuple[str, str, str, str]:
    share = "–" if measured.precision is None else f"{measured.precision:.0%}"
    saved = "not known" if measured.saving_usd is None else _usd_of(measured.saving_usd)
    return f"{measured.support:,}", share, f"{measured.low:.0%} to {measured.high:.0%}", saved


def _usd_of(amount: float) -> str:
    """An amount that was added up from labels."""
    return usd(Decimal(f"{amount:.9g}"))
