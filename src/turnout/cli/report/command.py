"""`turnout report`: what routing cost and saved, for the engineer at a terminal and the manager with a page."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from turnout.cli.ledger_options import Where, moment, nothing_yet
from turnout.cli.options import spread
from turnout.cli.report.change import change_json, parse_period, print_change
from turnout.cli.report.formats import as_csv, as_json
from turnout.cli.report.page import as_page
from turnout.cli.report.terminal import print_report
from turnout.cli.screen import screen
from turnout.config.drifting import due_now
from turnout.errors import ConfigError
from turnout.insight import query
from turnout.insight.cost_change import explain_change
from turnout.insight.query import Filter
from turnout.insight.report import make_report
from turnout.insight.sums import TAG
from turnout.ledger.store import Store
from turnout.types.flag import FLAG_TAG

_LIMIT = 20


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options that choose what is reported."""

    since: Annotated[str, typer.Option(help="From then on: 24h, 7d, or a date and time.")] = "30d"
    until: Annotated[str | None, typer.Option(help="Up to then; by default up to now.")] = None
    by: Annotated[
        str | None,
        typer.Option(
            help="Fields, comma-separated: tenant, project, user, route, rule, target, provider, source, outcome, "
            "tag:NAME, flag:NAME."
        ),
    ] = None
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None
    route: Annotated[str | None, typer.Option(help="Only this route's.")] = None
    limit: Annotated[int, typer.Option(min=1, help="Show so many lines.")] = _LIMIT

    def filter(self) -> Filter:
        """The same as a question to the ledger. Raises `ConfigError`."""
        wanted = Filter(since=moment(self.since), until=moment(self.until), tenant=self.tenant, route=self.route)
        if wanted.since and wanted.until and wanted.since >= wanted.until:
            raise ConfigError(f"--since {self.since} is not before --until {self.until}.", fix="Swap them.")
        return wanted

    @property
    def fields(self) -> tuple[str, ...]:
        """What the lines are by."""
        fields = (field.strip() for field in (self.by or "").split(",") if field.strip())
        return tuple(TAG + field if field.startswith(FLAG_TAG) else field for field in fields)


@spread("asked")
@spread("where")
def report(
    *,
    asked: Asked,
    where: Where,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="The lines as CSV.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page there, to be sent around.")] = None,
    change: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--explain-change", metavar="A B", help="Say instead why the cost changed from period A to period B."
        ),
    ] = None,
) -> None:
    """Report what routing cost and saved, compared with the period before.

    \b
    turnout report --since 7d --by tenant
    turnout report --by route,rule --csv > routes.csv
    turnout report --since 2026-11-01 --until 2026-12-01 --by tag:team --html november.html
    turnout report --since 7d --by flag:haiku-first
    turnout report --since 7d --by tenant --ledger postgres
    turnout report --explain-change last-week this-week
    turnout report --explain-change 2026-10 2026-11 --json
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    if json and csv:
        raise typer.BadParameter("Choose one of --json and --csv.")
    wanted, store = asked.filter(), where.opened()
    if change:
        _explain(store, *change, json=json)
        return
    made, due = make_report(store, wanted, by=asked.fields, now=datetime.now(UTC)), due_now(store)
    if html:
        _write(html, as_page(made, due))
    if json:
        typer.echo(as_json(made, due))
    elif csv:
        typer.echo(as_csv(made), nl=False)
    elif not query.count(store):
        sys.stderr.write(f"{nothing_yet(store, where.directory)}\n")
    elif not html:
        print_report(screen(), made, limit=asked.limit)
        for each in due:
            screen().print(Text(each, "red"))


def _explain(store: Store, before: str, after: str, *, json: bool) -> None:
    today = datetime.now(UTC).date()
    found = explain_change(store, parse_period(before, today), parse_period(after, today))
    if json:
        typer.echo(change_json(found))
    else:
        print_change(screen(), found)


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", fix="Give --html another path.") from error
    sys.stderr.write(f"Wrote {path}\n")
