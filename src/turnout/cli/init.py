"""`turnout init`: a first configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from turnout.config.defaults import providers_with_keys
from turnout.config.load import DEFAULT_FILE
from turnout.config.starter import starter


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path(DEFAULT_FILE),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for machines.")] = False,
) -> None:
    """Write a commented turnout.yaml for the providers whose keys are in the environment.

    Exit status: 0 if it was written, 1 if there is one already, 2 if it cannot be written there.

    \b
    turnout init
    turnout init deploy/turnout.yaml --force
    """  # noqa: D301 - \b keeps the lines as they are
    try:
        with file.open("w" if force else "x", encoding="utf-8") as opened:
            opened.write(starter(os.environ))
    except FileExistsError:
        typer.echo(f"{file} is there already. Use --force to write over it.", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error.strerror}.", param_hint="FILE") from None
    found = dict(providers_with_keys(os.environ))
    if json:
        typer.echo(msgspec.json.encode({"file": str(file), "providers": list(found)}))
        return
    keys = ", ".join(found.values()) or "no key; it starts with a server on this machine"
    typer.echo(f"Wrote {file} (found in the environment: {keys}).")
    typer.echo('Next: turnout config check, then turnout explain --route support "Where is my order?"')
