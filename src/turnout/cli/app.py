"""The `turnout` command: one file per subcommand, registered here."""

from __future__ import annotations

import io
import os
import sys
from typing import Final

import typer

from turnout import __version__
from turnout.cli import config, decisions, keys, ledger, models, tenants
from turnout.cli.calibrate.command import calibrate_route
from turnout.cli.canary import command as canary
from turnout.cli.demo.command import demo
from turnout.cli.drift import drift
from turnout.cli.drill.command import drill
from turnout.cli.evaluate.command import evaluate_policies
from turnout.cli.explain import explain
from turnout.cli.fault_provider import fault_provider
from turnout.cli.flags import command as flags
from turnout.cli.forecast import forecast
from turnout.cli.init import init
from turnout.cli.reconcile import reconcile
from turnout.cli.replay.command import replay
from turnout.cli.report.command import report
from turnout.cli.serve import serve
from turnout.cli.shadows import shadows
from turnout.cli.suggest.command import suggest_rules
from turnout.cli.train.command import train_route
from turnout.errors import ConfigError, RequestFailed, TurnoutError

_FINDING: Final = 1
_USAGE: Final = 2

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Routes each LLM request to the right model, records why, and learns from the record.",
)
app.command()(init)
app.command()(demo)
app.command()(serve)
app.command()(explain)
app.command()(report)
app.command()(forecast)
app.command()(reconcile)
app.command()(shadows)
app.command()(replay)
app.command("suggest")(suggest_rules)
app.command()(drift)
app.command()(drill)
app.command("calibrate")(calibrate_route)
app.command("evaluate")(evaluate_policies)
app.add_typer(canary.app, name="canary")
app.command("train")(train_route)
app.add_typer(models.app, name="models")
app.add_typer(decisions.app, name="decisions")
app.add_typer(flags.app, name="flags")
app.add_typer(ledger.app, name="ledger")
app.add_typer(tenants.app, name="tenants")
app.add_typer(keys.app, name="keys")
app.add_typer(config.app, name="config")
app.command("fault-provider")(fault_provider)


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
