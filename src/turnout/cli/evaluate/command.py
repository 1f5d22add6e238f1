"""`turnout evaluate`: policies on the same recorded traffic, with intervals and a verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from turnout.cli.evaluate.contenders import entries, targets_among
from turnout.cli.evaluate.formats import as_json
from turnout.cli.evaluate.page import as_page
from turnout.cli.evaluate.saving import as_result
from turnout.cli.evaluate.terminal import print_evaluation
from turnout.cli.ledger_copy import Ledger
from turnout.cli.ledger_options import Data, moment, opened
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.config.load import find_data_directory
from turnout.errors import ConfigError
from turnout.insight.evaluate.evaluation import Tell, evaluate
from turnout.insight.evaluate.labelled import labelled_traffic
from turnout.insight.evaluate.learning import Learning
from turnout.insight.evaluate.recorded import recorded_traffic
from turnout.insight.evaluate.traffic import Asked, in_two
from turnout.insight.evaluate.verdict import Assumed, verdicts
from turnout.insight.query import Filter
from turnout.insight.train.labels import read_labelled
from turnout.insight.what_if import keep, place
from turnout.types.feedback import Kind

_HALF = 0.5
_FINDING = 1


@dataclass(frozen=True, kw_only=True)
class Which:
    """The options that say which traffic."""

    route: Annotated[str | None, typer.Option(help="The route; where each file has only one, that one.")] = None
    labels: Annotated[
        Path | None,
        typer.Option(help="Labelled requests instead of the ledger, in a file as `turnout train --labels` takes it."),
    ] = None
    from_ledger: Annotated[bool, typer.Option("--from-ledger", help="Recorded requests, as without --labels.")] = False
    evidence: Annotated[
        Kind, typer.Option(help="What says how good an answer is: people, or one of the others that are recorded.")
    ] = "feedback"
    of: Annotated[
        str | None, typer.Option("--of", help="Only requests that were recorded on this route; by default on any.")
    ] = None
    since: Annotated[str | None, typer.Option(help="Only since then: 30d, 2026-03-01.")] = None
    until: Annotated[str | None, typer.Option(help="Only before then.")] = None
    train_fraction: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=0.9,
            help="The earlier share of the requests, on which policies that learn are trained; all are scored on the "
            "rest. 0 uses the files that the configurations name, which may have seen the traffic.",
        ),
    ] = _HALF
    data: Data = None
    ledger: Ledger = None

    def read(self, tell: Tell) -> list[Asked]:
        """The traffic.

        Raises:
            ConfigError: the file cannot be read.
            LedgerError: the ledger cannot be, or has none.
        """
        if self.labels is not None and self.from_ledger:
            raise ConfigError("traffic comes from one place.", fix="Give --labels FILE or --from-ledger.")
        if self.labels is not None:
            return labelled_traffic(read_labelled(self.labels))
        wanted = Filter(since=moment(self.since), until=moment(self.until), route=self.of)
        store = opened(find_data_directory(self.data), self.ledger)
        return recorded_traffic(store, wanted, lambda number: tell(f"reading {number:,}", 0, 1), evidence=self.evidence)


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """The options that say what a difference is worth."""

    margin: Annotated[
        float, typer.Option(min=0.01, max=50, help="The least difference of quality that matters, in points.")
    ] = 1.0
    worth: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="What an acceptable answer is worth beyond an unacceptable one, in USD; by default what the dearest "
            "target takes for one more than the cheapest gives.",
        ),
    ] = None
    upkeep: Annotated[
        float, typer.Option(min=0.0, help="What it takes to keep up a policy that learns, in USD a month.")
    ] = 400.0
    seed: Annotated[int, typer.Option(help="Of training and of the intervals' draws.")] = 0

    @property
    def assumed(self) -> Assumed:
        """What the verdict assumes."""
        return Assumed(self.margin / 100, self.worth, self.upkeep)


@dataclass(frozen=True, kw_only=True)
class Output:
    """The options that say what becomes of it."""

    html: Annotated[Path | None, typer.Option(help="Write a page with the plot of cost and quality there.")] = None
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False
    save: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep it under that name for the dashboard's page What if.")
    ] = None


@spread("which")
@spread("weighing")
@spread("output")
def evaluate_policies(
    files: Annotated[list[Path], typer.Argument(help="Configurations; the others are compared with the first one.")],
    *,
    which: Which,
    weighing: Weighing,
    output: Output,
) -> None:
    """Score policies on recorded traffic without a call: quality, cost and latency, each with an interval of 95 %.

    \b
    turnout evaluate turnout.yaml
    turnout evaluate rules.yaml classifier.yaml cascade.yaml --route support --since 30d
    turnout evaluate rules.yaml classifier.yaml --train-fraction 0.6 --worth 0.02 --html evaluation.html
    turnout evaluate rules.yaml classifier.yaml --save is-it-worth-it

    Requests that several targets answered (shadows, imports) are scored directly; else it takes requests in which
    chance had a part (`explore`, `weighted`), whose probabilities are in the record. Quality is what feedback says, or
    --evidence. Each target alone is scored as well. Ends with 1 where there is not enough evidence on some policy.
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    saved = place(find_data_directory(which.data), output.save) if output.save else None
    given = entries(files, which.route)
    with _progress() as tell:
        traffic = which.read(tell)
        learning = None
        scored = traffic
        if which.train_fraction and any(each.learns for each in given):
            earlier, scored = in_two(traffic, which.train_fraction)
            tell(f"training on {len(earlier):,} earlier requests", 0, 1)
            learning = Learning(earlier, seed=weighing.seed)
        contenders = [each.contender(learning) for each in given]
        found = evaluate(
            contenders,
            targets_among(contenders),
            scored,
            trained=len(traffic) - len(scored) if learning is not None else 0,
            seed=weighing.seed,
            tell=tell,
        )
    learns = frozenset(each.name for each in given if each.learns)
    told = verdicts(found, weighing.assumed, learns)
    if output.html:
        _write(output.html, as_page(found, told, weighing.assumed))
    if saved:
        keep(saved, as_result(found, told, weighing.assumed))
        sys.stderr.write(f"Saved {output.save}: /dashboard/what-if/{output.save}\n")
    if output.json:
        typer.echo(as_json(found, told, weighing.assumed))
    else:
        print_evaluation(screen(), found, told, weighing.assumed)
    if any(each.kind == "open" for each in told):
        raise typer.Exit(_FINDING)


@contextmanager
def _progress() -> Iterator[Tell]:
    """Shows what is being done, on a terminal."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading")

        def tell(doing: str, done: int, of: int) -> None:
            progress.update(task, description=doing, completed=done, total=of)

        yield tell


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", fix="Give --html another path.") from error
    sys.stderr.write(f"Wrote {path}\n")
