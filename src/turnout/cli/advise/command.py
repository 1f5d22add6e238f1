"""`turnout advise`: should I route, and how?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from turnout.cli.advise.asking import answers_in, interview, pairs, told
from turnout.cli.advise.formats import as_json
from turnout.cli.advise.page import as_page, write_page
from turnout.cli.advise.saving import as_result
from turnout.cli.advise.starting import write_start
from turnout.cli.advise.terminal import print_advice
from turnout.cli.ledger_options import Data, moment, opened
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.config.load import find_data_directory
from turnout.errors import ConfigError
from turnout.insight.advise.advice import advise
from turnout.insight.advise.assumptions import Assumptions, assumed
from turnout.insight.advise.change import changes
from turnout.insight.advise.fact import Facts
from turnout.insight.advise.figures import read_range
from turnout.insight.advise.prices import CHEAP, STRONG, Pair, priced
from turnout.insight.advise.recorded import recorded_facts
from turnout.insight.advise.trace import trace_facts
from turnout.insight.query import Filter
from turnout.insight.what_if import keep, place


@dataclass(frozen=True, kw_only=True)
class Source:
    """The options that say where the facts are from."""

    trace: Annotated[
        Path | None, typer.Option(help="A table with a row for each request: CSV, JSON Lines or Parquet.")
    ] = None
    column: Annotated[
        list[str] | None, typer.Option(help="A column of the trace: tenant=customer_id. As often as needed.")
    ] = None
    ask: Annotated[
        bool, typer.Option("--interview", help="Ask for what is not known; with no ledger or trace, all.")
    ] = False
    answer: Annotated[
        list[str] | None,
        typer.Option(help="A figure that you know: tokens_per_day=50M, cheaper_share=60%..80%. As often as needed."),
    ] = None
    answers: Annotated[Path | None, typer.Option(help="A YAML file of such answers; then no ledger is read.")] = None
    since: Annotated[str | None, typer.Option(help="Of the ledger, only since then: 30d. By default 90d.")] = None
    data: Data = None

    def facts(self, taken: Assumptions) -> Facts:
        """All that is known.

        Raises:
            ConfigError: an answer or the trace makes no sense.
            LedgerError: the ledger cannot be read, or is empty.
        """
        told_so = told((answers_in(self.answers) if self.answers else {}) | pairs(self.answer or (), "--answer"))
        if self.trace is not None:
            found = trace_facts(self.trace, pairs(self.column or (), "--column"), taken)
        elif self.answers is not None or (self.ask and self.data is None):
            found = Facts()
        else:
            store = opened(find_data_directory(self.data))
            found = recorded_facts(store, Filter(since=moment(self.since)), taken, now=datetime.now(UTC))
        found = found.but(**told_so)
        return found.but(**interview(found)) if self.ask else found


@dataclass(frozen=True, kw_only=True)
class Output:
    """The options that say what becomes of it."""

    write: Annotated[Path | None, typer.Option(help="Write a turnout.yaml to start from; never over another.")] = None
    html: Annotated[Path | None, typer.Option(help="Write a page for a meeting there.")] = None
    save: Annotated[str | None, typer.Option(help="Keep it under this name, for the dashboard's page Advice.")] = None
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False


@spread("source")
@spread("output")
def advise_routing(
    *,
    source: Source,
    output: Output,
    assume: Annotated[
        list[str] | None,
        typer.Option(help="An assumption of your own: day_rate=950, strong=openai/gpt-4o, cheap=0.20/0.20."),
    ] = None,
) -> None:
    """Advise whether to route, and how: from the ledger, a trace or an interview.

    \b
    turnout advise
    turnout advise --trace requests.csv --column tenant=customer_id --answer cheaper_share=60%..80%
    turnout advise --interview --write turnout.yaml
    turnout advise --answers company.yaml --assume day_rate=950 --assume growth=5% --json

    What is not known is said and not guessed; all that is assumed is printed, and can be assumed otherwise.
    """  # noqa: D301 - \b keeps the lines as they are
    now = datetime.now(UTC)
    saved = place(find_data_directory(source.data), output.save) if output.save is not None else None
    own = pairs(assume or (), "--assume")
    pair = Pair(priced(own.pop("strong", STRONG), now), priced(own.pop("cheap", CHEAP), now))
    try:
        taken = assumed({name: read_range(value) for name, value in own.items()})
    except ValueError as error:
        raise ConfigError(str(error)) from None
    given = source.facts(taken)
    advice = advise(given, taken, pair)
    changed = changes(given, taken, pair, advice)
    if output.write is not None:
        write_start(output.write, advice, pair)
    if output.html is not None:
        write_page(output.html, as_page(advice, changed, taken, pair))
    if saved is not None:
        keep(saved, as_result(advice, changed, taken, pair))
    if output.json:
        typer.echo(as_json(advice, changed, taken, pair))
    else:
        print_advice(screen(), advice, changed, taken, pair)
