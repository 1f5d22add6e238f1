"""The commands with their arguments and options, from the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from docs.reference.markdown import code, table
from turnout.cli.app import app


def commands() -> str:
    """Every command with its arguments and options."""
    return "\n\n".join(_command(path, command) for path, command in every_command())


def every_command() -> list[tuple[str, Any]]:
    """The words that call each command, and the command, groups before what is in them."""
    return list(_commands("turnout", typer.main.get_command(app)))


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name in getattr(command, "commands", ()):
        yield from _commands(f"{path} {name}", command.get_command(None, name))


def _command(path: str, command: Any) -> str:
    told = re.sub(r"\[/?\w+\]", "", (command.help or "").strip())
    prose, *examples = re.split(r"(?:\x08|\\b)\n", told)
    parts = [f"## `{path}`", prose.strip()]
    for example in examples:
        lines, _, after = example.partition("\n\n")
        parts += [f"```console\n{_prompted(lines)}\n```", after.strip()]
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        parts.append(table(("", "value", "default", "meaning"), rows))
    return "\n\n".join(part for part in parts if part)


def _prompted(lines: str) -> str:
    said = (line.strip() for line in lines.strip().splitlines())
    return "\n".join(f"$ {line}" if re.match(r"turnout|curl", line) else line for line in said)


def _parameter(parameter: Any) -> tuple[str, str, str, str]:
    is_argument = parameter.param_type_name == "argument"
    name = code(parameter.metavar or parameter.name.upper()) if is_argument else code(*parameter.opts)
    default = "required" if parameter.required else "–"
    if isinstance(parameter.default, str | int | Path) and parameter.default is not False:
        default = f"`{parameter.default}`"
    kind = "flag" if getattr(parameter, "is_flag", False) else _value(parameter.type_descriptor.annotation)
    return name, kind, default, getattr(parameter, "help", "") or ""


def _value(annotation: Any) -> str:
    if get_args(annotation):
        return " or ".join(f"`{one}`" for one in get_args(annotation))
    return {int: "number", Path: "path"}.get(annotation, "text")
