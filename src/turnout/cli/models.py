"""`turnout models`: which artefacts there are, how they compare, and which is in use."""

from __future__ import annotations

import json as json_text
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from turnout.cli.screen import screen
from turnout.errors import ArtefactError
from turnout.insight.train.shelf import Version, history, roll_back, versions
from turnout.insight.train.shelf import promote as bring_into_use

app = typer.Typer(no_args_is_help=True, help="Trained classifiers and calibrations: list, compare, promote, roll back.")

Directory = Annotated[Path, typer.Option("--directory", help="Where they are.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
_HERE: Final = Path("models")


@app.command("list")
def list_(directory: Directory = _HERE, json: AsJson = False) -> None:
    """Every artefact, and which is in use.

    \b
    turnout models list
    turnout models list --directory calibrations --json
    """  # noqa: D301 - \b keeps the lines as they are
    found = versions(directory)
    if json:
        typer.echo(json_text.dumps([_row(version) for version in found]))
        return
    if not found:
        screen().print(f"{directory} holds no artefact. `turnout train` and `turnout calibrate` make them.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("name", "id", "", "kind", "requests", "winner", "cost of the dearest's"):
        table.add_column(column)
    for version in found:
        in_use = Text("in use", style="green") if version.current else Text("")
        if version.problem:
            table.add_row(version.name, version.id, Text("unusable", style="red"), version.problem)
        else:
            told = (str(version.card.get(name) or "") for name in ("requests", "winner"))
            table.add_row(version.name, version.id, in_use, version.kind, *told, _cost(version))
    screen().print(table)


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(help="A version's file.")],
    other: Annotated[Path, typer.Argument(help="Another's.")],
    json: AsJson = False,
) -> None:
    """Two versions side by side, as their cards have it. They may have been measured on other requests: see which.

    \b
    turnout models compare models/support.json models/support.0a1b2c3d4e5f.json
    """  # noqa: D301 - \b keeps the lines as they are
    pair = [_found(one), _found(other)]
    if json:
        typer.echo(json_text.dumps([_row(version) for version in pair]))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for version in pair:
        table.add_column(f"{version.name} {version.id}")
    for label, value in _COMPARED.items():
        table.add_row(label, *(value(version) for version in pair))
    screen().print(table)


@app.command()
def promote(
    version: Annotated[Path, typer.Argument(help="The version's file.")],
    to: Annotated[Path | None, typer.Option("--as", help="What the configuration names; by default NAME.json.")] = None,
) -> None:
    """Bring a version into use: gateways that watch their configuration take it over within a second or two.

    \b
    turnout models promote models/support.0a1b2c3d4e5f.json
    """  # noqa: D301 - \b keeps the lines as they are
    current = to or version.with_name(f"{_found(version).name}.json")
    identity = bring_into_use(version, current, at=_now())
    screen().print(f"{current} is now {identity}. The way back: turnout models rollback {current}")


@app.command()
def rollback(current: Annotated[Path, typer.Argument(help="The file that the configuration names.")]) -> None:
    """Bring back into use what was in use before.

    \b
    turnout models rollback models/support.json
    """  # noqa: D301 - \b keeps the lines as they are
    identity = roll_back(current, at=_now())
    screen().print(f"{current} is {identity} again, as it was. {len(history(current))} changes so far.")


def _found(file: Path) -> Version:
    """The version that stands in a file. Raises `ArtefactError`."""
    listed = versions(file.parent)
    found = next((each for each in listed if each.file.name == file.name), None)
    if found is None:  # the one in use is listed by one of its two files
        stem = file.stem
        found = next((each for each in listed if each.current and each.name == stem), None)
    if found is None or found.problem:
        raise ArtefactError(found.problem if found else f"{file}: no artefact.", fix="See `turnout models list`.")
    return found


def _row(version: Version) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(version, enc_hook=str)
    return row


def _cost(version: Version) -> str:
    """What choosing by it costs, of always asking the dearest target."""
    contest = version.card.get("contest")
    if not contest:
        return ""
    cost = next(each["cost"] for each in contest["standings"] if each["name"] == "classifier")
    return f"{cost['value']:.1%} ({cost['low']:.1%} to {cost['high']:.1%})"


def _quality(version: Version) -> str:
    contest = version.card.get("contest")
    return f"{contest['quality']['value']:.1%}, {contest['at']}" if contest else ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


_COMPARED: Final = {
    "kind": lambda version: version.kind,
    "in use": lambda version: "yes" if version.current else "no",
    "recipe": lambda version: str(version.card.get("recipe") or ""),
    "requests": lambda version: str(version.card.get("requests") or ""),
    "from": lambda version: str(version.card.get("first") or ""),
    "to": lambda version: str(version.card.get("last") or ""),
    "winner": lambda version: str(version.card.get("winner") or ""),
    "compared at": _quality,
    "cost of the dearest's": _cost,
}
