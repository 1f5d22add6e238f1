"""The `turnout` command, and the edge where every error becomes a line. Subcommands are registered in commands.py."""

from __future__ import annotations

import io
import os
import sys
from typing import Final

import typer

from turnout import __version__
from turnout.cli.commands import LazyCommands
from turnout.errors import ConfigError, RequestFailed, TurnoutError

_FINDING: Final = 1
_USAGE: Final = 2

app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Routes each LLM request to the right model, records why, and learns from the record.",
)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        typer.echo(f"turnout {__version__}")
        raise typer.Exit


def main() -> None:
    """The edge: whatever happens, the user reads a line that says what to do."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no dash or quote gets a question mark
    try:
        app()
    except TurnoutError as error:
        _say(str(error.message) if isinstance(error, RequestFailed) else str(error))
        sys.exit(_USAGE if isinstance(error, ConfigError) else _FINDING)
    except Exception as error:  # the edge, as above
        if os.environ.get("TURNOUT_DEBUG"):
            raise
        _say(f"turnout failed by a defect ({type(error).__name__}: {error}). TURNOUT_DEBUG=1 shows where.")
        sys.exit(_FINDING)


def _say(text: str) -> None:
    sys.stderr.write(text.rstrip() + "\n")
