"""`turnout decisions`: what was decided, newest last, as it happens, or one request's whole story."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from turnout.cli.decision_story import story
from turnout.cli.decision_table import DecisionTable
from turnout.cli.ledger_options import Where, moment, nothing_yet
from turnout.cli.options import spread
from turnout.insight import query
from turnout.insight.feedback import said_of
from turnout.insight.query import Filter
from turnout.insight.shadows import shadows_of
from turnout.ledger.entry import encode_decision
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Store
from turnout.types.decision import Decision, DecisionOutcome

_PIPED_WIDTH = 180
_RECENT = 10
_LIMIT = 50

app = typer.Typer(invoke_without_command=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line, with every field of the record.")]


def _amount(given: str | None) -> Decimal | None:
    if given is None:
        return None
    if not re.fullmatch(r"\d{1,9}(\.\d{1,12})?", given):
        raise typer.BadParameter(f"{given!r} is no amount in USD. Write 0.01, for example.")
    return Decimal(given)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options that choose decisions."""

    since: Annotated[str | None, typer.Option(help="Only since then: 15m, 1h, 7d, or a date and time.")] = None
    until: Annotated[str | None, typer.Option(help="Only before then.")] = None
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None
    user: Annotated[str | None, typer.Option(help="Only this user's.")] = None
    route: Annotated[str | None, typer.Option(help="Only this route's.")] = None
    target: Annotated[str | None, typer.Option(help="Only those that this target answered.")] = None
    outcome: Annotated[DecisionOutcome | None, typer.Option(help="Only those that ended so.")] = None
    rule: Annotated[str | None, typer.Option(help="Only those that this rule decided.")] = None
    flag: Annotated[
        str | None, typer.Option(help="Only those that saw this of a flag: haiku-first=on, haiku-first=observe:on.")
    ] = None
    query_hash: Annotated[str | None, typer.Option(help="Only those that asked exactly this.")] = None
    min_cost: Annotated[str | None, typer.Option(help="Only those that cost at least so much, in USD.")] = None
    fallbacks: Annotated[bool, typer.Option("--fallbacks", help="Only those that needed a fallback.")] = False

    def filter(self) -> Filter:
        """The same as a question to the ledger."""
        return Filter(
            since=moment(self.since),
            until=moment(self.until),
            tenant=self.tenant,
            project=self.project,
            user=self.user,
            route=self.route,
            target=self.target,
            outcome=self.outcome,
            rule=self.rule,
            flag=self.flag,
            query_hash=self.query_hash,
            min_cost_usd=_amount(self.min_cost),
            fell_back=self.fallbacks,
        )


@app.callback()
@spread("wanted")
@spread("where")
def decisions(
    context: typer.Context,
    *,
    wanted: Wanted,
    where: Where,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones as they come.")] = False,
    json: Json = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many, the newest: 50 unless you say, 10 to begin to follow.")
    ] = None,
) -> None:
    """Show what was decided: the newest last, or one request's whole story.

    \b
    turnout decisions --since 1h --route support
    turnout decisions --follow --outcome failed
    turnout decisions --json --limit 1000 | jq .cost_usd
    turnout decisions show 01a20564-ac86-75b6
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    if context.invoked_subcommand:
        context.obj = where
        return
    asked, store = wanted.filter(), where.opened()
    printed = DecisionPrinter(json=json)
    if follow:
        _explain_nothing(printed.console, store, where.directory, Filter())
        with suppress(KeyboardInterrupt):
            for decision in query.follow(store, asked, recent=limit or _RECENT):
                printed.show([decision])
        return
    found = list(query.decisions(store, asked, limit=limit or _LIMIT))
    if not found:
        _explain_nothing(printed.console, store, where.directory, asked)
    printed.show(found[::-1])


@app.command()
@spread("where")
def show(
    context: typer.Context,
    decision_id: Annotated[str, typer.Argument(metavar="ID", help="The decision's id, or how it begins.")],
    *,
    where: Where,
    json: Json = False,
) -> None:
    """Tell the whole story of one request.

    \b
    turnout decisions show 01a20564-ac86-75b6
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    before: Where = context.obj
    where = Where(data=where.data or before.data, ledger=where.ledger or before.ledger)
    store = where.opened()
    try:
        found = query.decision(store, decision_id.strip().lower())
    except query.AmbiguousId as error:
        _say(f"Several decisions begin with {decision_id}. Give more of the id:\n  " + "\n  ".join(error.ids))
        raise typer.Exit(1) from error
    if found is None:
        there = where.directory if isinstance(store, SqliteStore) else store
        _say(f"No decision in {there} begins with {decision_id}. List them with: turnout decisions")
        raise typer.Exit(1)
    if json:
        typer.echo(encode_decision(found))
    else:
        _console().print(story(found, said_of(store, found.id), shadows_of(store, found.id)))


class DecisionPrinter:
    """Prints decisions as they are handed over: lines of JSON, or one table that goes on."""

    def __init__(self, *, json: bool) -> None:
        self.console = _console(stderr=json)
        self._table = None if json else DecisionTable(self.console)

    def show(self, decisions: Iterable[Decision]) -> None:
        """Print some more."""
        if self._table:
            self._table.print(decisions)
            return
        for decision in decisions:
            typer.echo(encode_decision(decision))


def _explain_nothing(console: Console, store: Store, directory: Path, asked: Filter) -> None:
    """Say why there is nothing to see, and what to do."""
    if query.count(store):
        if asked != Filter():
            console.print("No decision is like that. Leave out an option, or look at all: turnout decisions")
        return
    console.print(nothing_yet(store, directory))


def _console(*, stderr: bool = False) -> Console:
    """The terminal; what is piped is not cut to a terminal's width."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPED_WIDTH)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
