"""Where the labels come from: the options, and the reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
import yaml

from turnout.cli.ledger_options import Data, moment, opened
from turnout.config.load import find_data_directory
from turnout.errors import ConfigError
from turnout.insight.query import Filter
from turnout.insight.train.labels import Answered, phrases_of, read_labelled
from turnout.insight.train.recorded import recorded_labels

_ONE_PLACE = "Give one of --labels FILE, --examples FILE and --from-ledger."
_FORM = "Write a category a line, each with a list: `faq: [how do I reset my password, what are your opening hours]`."


@dataclass(frozen=True, kw_only=True)
class Source:
    """The options that say where the labels come from; one of the first three."""

    labels: Annotated[
        Path | None,
        typer.Option(
            help="Labelled requests: a CSV, JSON Lines or Parquet file with the columns text, target, acceptable, or "
            "text and acceptable:TARGET for each target. Besides, if known: cost_usd, latency_ms, output_tokens, time, "
            "group, segment, topic."
        ),
    ] = None
    examples: Annotated[
        Path | None,
        typer.Option(
            help="A handful of phrases for each category: .yaml (category: [phrases]), or rows of text and category."
        ),
    ] = None
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="Recorded requests with feedback, whose texts are kept.")
    ] = False
    since: Annotated[str | None, typer.Option(help="Of the ledger, only since then: 30d, 2026-03-01.")] = None
    data: Data = None

    def check(self) -> None:
        """Raises `BadParameter` where it is not one place."""
        if [self.labels is not None, self.examples is not None, self.from_ledger].count(True) != 1:
            raise typer.BadParameter(_ONE_PLACE)

    def requests(self, route: str, config: Path | None) -> tuple[Sequence[Answered], str]:
        """The labelled requests, and where they come from. Raises `ConfigError`."""
        if self.labels is not None:
            return read_labelled(self.labels), self.labels.name
        store = opened(find_data_directory(self.data, config=config))
        found = recorded_labels(store, Filter(route=route, since=moment(self.since)))
        if not found:
            raise ConfigError(
                f"no recorded request of '{route}' has both a score and its text.",
                fix="Texts are kept with `privacy: {mode: redacted}`, scores come by /v1/feedback. Or give --labels.",
            )
        return found, "the ledger"


def read_phrases(file: Path) -> dict[str, list[str]]:
    """The phrases of each category. Raises `ConfigError`."""
    if file.suffix not in {".yaml", ".yml"}:
        return phrases_of(file)
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", file=str(file)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"it is no YAML: {error}.", fix=_FORM, file=str(file)) from None
    if not isinstance(said, dict) or not all(isinstance(listed, list) and listed for listed in said.values()):
        raise ConfigError("it holds no phrases.", fix=_FORM, file=str(file))
    return {str(category): [str(phrase) for phrase in listed] for category, listed in said.items()}
