"""`turnout train`: from labelled traffic, or a handful of phrases, to a classifier and what it is worth."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.cli.train.incumbent import incumbent
from turnout.cli.train.source import Source, read_phrases
from turnout.config.load import LoadedConfig, find_file, load_config
from turnout.errors import ConfigError
from turnout.insight.train.card import card_of, markdown, of_examples
from turnout.insight.train.contest import BAR, CLASSIFIER
from turnout.insight.train.examples import fit_examples
from turnout.insight.train.labels import rows_of
from turnout.insight.train.shelf import keep, promote
from turnout.insight.train.training import RECIPES, Tell, train
from turnout.policy.classifier.model import Classifier

_FINDING: Final = 1


@dataclass(frozen=True, kw_only=True)
class Making:
    """The options that say how it is made."""

    targets: Annotated[
        str | None, typer.Option(help="The targets to choose among, the cheapest first: haiku,sonnet.")
    ] = None
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Compare meanings too: extra `embeddings`, and 100 µs a decision.")
    ] = False
    quick: Annotated[
        bool, typer.Option("--quick", help="Logistic regression alone: a tenth of the time, and mostly as good.")
    ] = False
    seed: Annotated[int, typer.Option(help="The same seed and labels make the same file.")] = 0
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration; by default ./turnout.yaml.")
    ] = None

    def loaded(self) -> LoadedConfig | None:
        """The configuration, where there is one: what the route chooses today is compared. Raises `ConfigError`."""
        return load_config(self.config) if find_file(self.config, os.environ) is not None else None


@dataclass(frozen=True, kw_only=True)
class Output:
    """The options that say what becomes of it."""

    out: Annotated[
        Path | None, typer.Option(help="What the configuration names; by default models/ROUTE.json beside it.")
    ] = None
    promote: Annotated[bool, typer.Option("--promote", help="Bring it into use at once.")] = False
    json: Annotated[bool, typer.Option("--json", help="One JSON object: the model card.")] = False


@spread("source")
@spread("making")
@spread("output")
def train_route(
    route: Annotated[str, typer.Argument(help="The route that it is for; its name, if nothing else.")],
    *,
    source: Source,
    making: Making,
    output: Output,
) -> None:
    """Train a classifier that chooses a target before the call, and say what it is worth beside simpler ways.

    \b
    turnout train support --labels labelled.csv
    turnout train support --from-ledger --since 30d --promote
    turnout train triage --examples phrases.yaml --embeddings

    The latest quarter of the requests is kept aside, and everything printed was measured on it. Exit status 1: a
    simpler way is as good; what was made is written, and --promote does not bring it into use.
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    source.check()
    loaded = making.loaded()
    here = loaded.directory if loaded is not None else Path()
    current = output.out or here / "models" / f"{route}.json"
    if source.examples is not None:
        classifier = fit_examples(read_phrases(source.examples), embeddings=making.embeddings)
        card = of_examples(classifier, route=route, source=source.examples.name)
    else:
        classifier, card = _trained(route, loaded, source, making)
    simpler = card["winner"] not in {None, CLASSIFIER}
    _finish(replace(classifier, card=card), current, here, replace(output, promote=output.promote and not simpler))
    if simpler:
        raise typer.Exit(_FINDING)


def _trained(
    route: str, loaded: LoadedConfig | None, source: Source, making: Making
) -> tuple[Classifier, dict[str, Any]]:
    """A classifier from labelled traffic, and its card."""
    requests, told = source.requests(route, making.config)
    names = [name.strip() for name in (making.targets or "").split(",") if name.strip()]
    rows, rules = rows_of(requests, names), incumbent(route, loaded)
    recipes = RECIPES[:1] if making.quick else None
    with _progress() as tell:
        trained = train(rows, rules=rules, embeddings=making.embeddings, recipes=recipes, seed=making.seed, tell=tell)
    return trained.classifier, card_of(trained, rows, route=route, source=told, seed=making.seed)


def _finish(classifier: Classifier, current: Path, here: Path, output: Output) -> None:
    """Keep the classifier and its card, and say what to do with them."""
    identity, file = keep(classifier, current)
    page = markdown(classifier.card, identity)
    try:
        file.with_suffix(".md").write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file.with_suffix('.md')} cannot be written: {error.strerror}.") from None
    if output.promote:
        promote(file, current, at=datetime.now(UTC).isoformat(timespec="seconds"))
    if output.json:
        typer.echo(json.dumps({"id": identity, "file": str(file), "promoted": output.promote, **classifier.card}))
        return
    console = screen()
    console.print(Markdown(page))
    sys.stderr.write(f"Wrote {file}, and its card beside it.\n")
    if output.promote:
        sys.stderr.write(f"{current} is now {identity}.\n")
    else:
        sys.stderr.write(f"To use it: turnout models promote {file}\n")
    sys.stderr.write(
        f"In the policy, with what decides where it declines after it:\n{_policy(classifier, current, here)}\n"
    )


def _policy(classifier: Classifier, current: Path, here: Path) -> str:
    """How it is written into a policy's list."""
    named = Path(os.path.relpath(current.absolute(), here.absolute())).as_posix()
    if classifier.of == "categories":
        among = "{" + ", ".join(f"{name}: TARGET" for name in classifier.names) + "}"
    else:
        among = f"[{', '.join(classifier.names)}]"
    settings = _yaml(classifier.card.get("settings") or {"at_least": BAR})
    return f"  - classifier: {{by: {named}, among: {among}, {settings[1:]}"


def _yaml(value: Mapping[str, Any]) -> str:
    """A mapping of numbers and mappings in YAML's flow style."""
    told = (f"{name}: {_yaml(each) if isinstance(each, Mapping) else each}" for name, each in value.items())
    return "{" + ", ".join(told) + "}"


@contextmanager
def _progress() -> Iterator[Tell]:
    """A bar on the terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("reading")

        def tell(doing: str, done: int, steps: int) -> None:
            bar.update(task, description=doing, completed=done, total=steps)

        yield tell
