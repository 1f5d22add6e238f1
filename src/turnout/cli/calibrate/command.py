"""`turnout calibrate`: from labelled answers to a threshold, and what it promises."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from turnout.cli.calibrate.diff import Stage, accept_of, changed, difference, stage_of
from turnout.cli.calibrate.formats import as_json
from turnout.cli.calibrate.page import as_page
from turnout.cli.calibrate.terminal import print_calibrated
from turnout.cli.ledger_copy import Ledger
from turnout.cli.ledger_options import Data, moment, opened
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.confidence.calibration import save_calibration
from turnout.config.judging import check_columns
from turnout.config.load import LoadedConfig, load_config
from turnout.errors import ConfigError
from turnout.insight.aims import SURE, Aim, By, Error, Escalations, QualityLoss, Spend
from turnout.insight.calibrate import Calibrated, calibrate
from turnout.insight.labels import Labels, labels_of, read_labels
from turnout.insight.query import Filter

_ERROR = 0.05


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options that say what the threshold is to do; one aim."""

    error: Annotated[
        float | None, typer.Option(min=0.001, max=0.999, help="At most this share of the kept answers is unacceptable.")
    ] = None
    delta: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="The probability with which --error may be broken.")
    ] = 0.1
    quality_loss: Annotated[
        float | None, typer.Option(min=0.0, max=0.999, help="At most so much worse than the next stage's answers.")
    ] = None
    escalate: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="At most this share of the requests is escalated.")
    ] = None
    cost: Annotated[float | None, typer.Option(min=0.0, help="At most so many USD for --requests.")] = None
    requests: Annotated[int | None, typer.Option(min=1, help="So many requests, of a month say.")] = None
    by: Annotated[
        By,
        typer.Option(
            help="Whom to escalate: the answers of the least confidence, or by `gain` those where one more acceptable "
            "answer costs the least. Not with --error."
        ),
    ] = "confidence"
    sure: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="With which probability --quality-loss should be kept to.")
    ] = SURE
    seed: Annotated[int, typer.Option(help="Of the random split of the labels.")] = 0

    @property
    def aim(self) -> Aim:
        """The one that is given; an error of 5 % where none is."""
        given = [each for each in (self.error, self.quality_loss, self.escalate, self.cost) if each is not None]
        if len(given) > 1:
            raise typer.BadParameter("Choose one of --error, --quality-loss, --escalate and --cost.")
        if self.quality_loss is not None:
            return QualityLoss(most=self.quality_loss, sure=self.sure, by=self.by)
        if self.escalate is not None:
            return Escalations(most=self.escalate, by=self.by)
        if self.cost is not None:
            if self.requests is None:
                raise typer.BadParameter("--cost needs --requests: how many requests it is for.")
            return Spend(usd=self.cost, requests=self.requests, by=self.by)
        if self.by == "gain":
            raise typer.BadParameter("--by gain goes with --quality-loss, --escalate or --cost: an error has no price.")
        return Error(alpha=self.error or _ERROR, delta=self.delta)


@dataclass(frozen=True, kw_only=True)
class Source:
    """The options that say where the labels come from."""

    labels: Annotated[Path | None, typer.Option(help="Labelled answers: a CSV, JSON Lines or Parquet file.")] = None
    from_ledger: Annotated[bool, typer.Option("--from-ledger", help="Answers that were judged and scored.")] = False
    stage: Annotated[int, typer.Option(min=1, help="The stage whose answers are labelled.")] = 1
    prefix: Annotated[
        int | None, typer.Option(min=1, help="Of the answers' first so many tokens: for streams, before they end.")
    ] = None
    config: Annotated[Path | None, typer.Option(help="The configuration; by default turnout.yaml.")] = None
    since: Annotated[str, typer.Option(help="Of the ledger, only since then.")] = "30d"
    data: Data = None
    ledger: Ledger = None

    def read(self, loaded: LoadedConfig, route: str, target: str) -> Labels:
        """The labels. Raises `ConfigError`."""
        if (self.labels is None) is not self.from_ledger:
            raise typer.BadParameter("Give one of --labels FILE and --from-ledger.")
        if self.labels is not None:
            return read_labels(self.labels, self.prefix)
        wanted = Filter(since=moment(self.since), route=route)
        store = opened(loaded.data_directory(self.data), self.ledger, config=self.config)
        return labels_of(store, wanted, target, self.prefix)


@dataclass(frozen=True, kw_only=True)
class Output:
    """The options that say what becomes of it."""

    out: Annotated[
        Path | None, typer.Option(help="Where the calibration is written; by default calibrations/ROUTE.json.")
    ] = None
    write: Annotated[bool, typer.Option("--write", help="Change the configuration as the diff says.")] = False
    html: Annotated[Path | None, typer.Option(help="Write a page with the curves there, to be sent around.")] = None
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False


@spread("source")
@spread("wanted")
@spread("output")
def calibrate_route(
    route: Annotated[str, typer.Argument(help="The route, whose policy is a cascade.", show_default=False)],
    *,
    source: Source,
    wanted: Wanted,
    output: Output,
) -> None:
    """Choose the confidence at which a cascade keeps an answer, and say what that promises.

    \b
    turnout calibrate contracts --labels labels.csv --error 0.05
    turnout calibrate contracts --labels labels.csv --quality-loss 0.02 --write
    turnout calibrate contracts --labels labels.csv --quality-loss 0.02 --by gain
    turnout calibrate contracts --from-ledger --escalate 0.12 --html curves.html
    turnout calibrate contracts --labels labels.jsonl --prefix 20 --error 0.05

    A label file has a row for each answer of the cheaper target: `acceptable` (1 or 0), and a column for each signal,
    or `logprobs`, the log-probabilities of its tokens.
    Exit status 1: the aim cannot be promised from these labels, and nothing was written.
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    loaded = load_config(source.config)
    chosen = stage_of(loaded, route, source.stage)
    if source.prefix is not None and not isinstance(wanted.aim, Error):
        raise typer.BadParameter("With --prefix the aim is an --error: what is not released is judged at its end.")
    labels = source.read(loaded, route, chosen.target)
    check_columns(labels.labelled.columns, chosen.spec.accept)
    with Console(stderr=True).status("reading the labels") as status:
        found = calibrate(
            labels,
            wanted.aim,
            target=chosen.target,
            provenance={"route": route, "stage": source.stage, "made": datetime.now(UTC).isoformat(timespec="seconds")},
            seed=wanted.seed,
            step=status.update,
        )
    if output.html:
        _write(output.html, as_page(found, route))
    if output.json:
        typer.echo(as_json(found))
    else:
        print_calibrated(screen(), found, len(labels))
    if not found.holds:
        raise typer.Exit(1)
    name = route if source.prefix is None else f"{route}-{source.prefix}"
    _keep(found, loaded, chosen, output.out or Path("calibrations") / f"{name}.json", write=output.write)


def _keep(found: Calibrated, loaded: LoadedConfig, stage: Stage, out: Path, *, write: bool) -> None:
    """Save the calibration, and show or make the change of the configuration."""
    path = loaded.directory / out
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = _settings(found, out)
    chosen = {"worth" if found.by == "gain" else "confidence": found.chosen.threshold, "promise": found.promise}
    saved = save_calibration(path, found.calibration, chosen)
    sys.stderr.write(f"Wrote {path} ({saved.id})\n")
    if loaded.file is None:
        sys.stderr.write(f"The stage is then: {accept_of(settings)}\n")
        return
    file = Path(loaded.file)
    after = changed(file, stage, settings)
    sys.stderr.write(difference(file, after))
    if write:
        file.write_text(after, "utf-8")
        sys.stderr.write(f"Changed {file}\n")
    else:
        sys.stderr.write("Give --write to make this change.\n")


def _settings(found: Calibrated, out: Path) -> dict[str, Any]:
    """What changes of the stage's `accept`; None is what it no longer says."""
    least, by = float(f"{found.chosen.threshold:.9g}"), out.as_posix()
    if found.by == "gain":
        return {"confidence": None, "worth": least, "by": by}
    if found.stop is None:
        return {"worth": None, "confidence": least, "by": by}
    return {"gate": {"by": by, "release": least, "stop": float(f"{found.stop:.9g}")}}


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", fix="Give --html another path.") from error
    sys.stderr.write(f"Wrote {path}\n")
