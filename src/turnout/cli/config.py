"""`turnout config`: check it, see it as it is in effect, and tell editors about it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from turnout.config.check import Finding, check
from turnout.config.json_schema import json_schema
from turnout.config.load import find_file, load_config
from turnout.config.show import settings

app = typer.Typer(no_args_is_help=True, help="Check the configuration, or show it as it is in effect.")

_File = Annotated[Path | None, typer.Option("--config", "-c", help="The configuration; by default ./turnout.yaml.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON value for machines.")]


@app.command("check")
def check_command(
    file: Annotated[Path | None, typer.Argument(help="The same as --config.", metavar="FILE")] = None,
    config: _File = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 for warnings as well.")] = False,
    keyless: Annotated[bool, typer.Option("--keyless", help="Check all but the keys: for CI, which has none.")] = False,
    json: _Json = False,
) -> None:
    """Find what is wrong with the configuration, and what is probably not meant: dead rules, unknown prices, ...

    Exit status: 0 if it can be used, 1 if it cannot (with --strict: or has a warning), 2 if there is none.

    \b
    turnout config check
    turnout config check examples/support.yaml --strict --keyless
    """  # noqa: D301 - \b keeps the lines as they are
    config, now = file or config, datetime.now(UTC)
    findings = check(config, os.environ, now, keyless=keyless)
    errors = _errors(findings)
    if json:
        typer.echo(msgspec.json.encode(findings))
    else:
        _print_findings(findings, config)
        if errors and not keyless and _errors(check(config, os.environ, now, keyless=True)) < errors:
            typer.echo("Where the keys are not at hand, as in CI: turnout config check --keyless")
    if errors or (strict and findings):
        raise typer.Exit(1)


@app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of turnout.yaml, for editors.

    \b
    turnout config schema > turnout.schema.json
    # then, as the first line of turnout.yaml:
    # yaml-language-server: $schema=turnout.schema.json
    """  # noqa: D301 - \b keeps the lines as they are
    typer.echo(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2))


@app.command("show")
def show_command(config: _File = None, json: _Json = False) -> None:
    """Print every setting in effect and where it comes from; secrets are masked.

    \b
    turnout config show
    turnout config show --json
    """  # noqa: D301 - \b keeps the lines as they are
    loaded = load_config(config, keyless=True)
    every = settings(loaded)
    if json:
        typer.echo(msgspec.json.encode({"config_version": loaded.version, "settings": every}))
        return
    console = Console(soft_wrap=True, highlight=False)
    width = max(len(setting.key) for setting in every)
    for setting in every:
        told = f"{setting.key:{width}}  {_written(setting.value)}"
        console.print(f"{escape(told)}  [dim]({escape(setting.origin)})[/dim]")
    console.print(f"\nconfig_version {loaded.version}")


def _print_findings(findings: tuple[Finding, ...], config: Path | None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for finding in findings:
        colour = "red" if finding.severity == "error" else "yellow"
        place = ":".join(str(part) for part in (finding.file, finding.line) if part is not None)
        where = ": ".join(escape(part) for part in (place, finding.key) if part)
        console.print(f"[{colour}]{finding.severity}[/{colour}]  [bold]{where}[/bold]: {escape(finding.problem)}")
        if finding.fix:
            console.print(f"         {escape(finding.fix)}")
    console.print(_summary(findings, find_file(config, os.environ)))


def _summary(findings: tuple[Finding, ...], file: Path | None) -> str:
    errors = _errors(findings)
    warnings = len(findings) - errors
    name = escape(str(file)) if file is not None else "The configuration from the environment"
    if errors:
        return f"{name} cannot be used: {_count(errors, 'error')}."
    told = f", with {_count(warnings, 'warning')}" if warnings else ""
    return f"{name} is sound{told}."


def _errors(findings: tuple[Finding, ...]) -> int:
    return sum(finding.severity == "error" for finding in findings)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _written(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
