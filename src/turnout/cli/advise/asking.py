"""Answers to what no ledger knows: from options, from a file, or from a person at the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer
import yaml

from turnout.errors import ConfigError
from turnout.insight.advise.fact import DEFINITIONS, Fact, Facts
from turnout.insight.advise.figures import read_range

_HINTS: Mapping[str, str] = {"share": "70%", "yes": "yes or no", "tokens": "50M", "usd": "12000"}


def pairs(given: Iterable[str], option: str) -> dict[str, str]:
    """`key=value` options, by key.

    Raises:
        BadParameter: one has no `=`.
    """
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"{each!r} is no KEY=VALUE.", param_hint=option)
        found[name.strip()] = value.strip()
    return found


def answers_in(file: Path) -> dict[str, str]:
    """The answers of a YAML file: a mapping of the questions' names.

    Raises:
        ConfigError: it cannot be read, or is no such mapping.
    """
    try:
        told: Any = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"it cannot be read: {error.strerror}.", file=str(file)) from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"it is no YAML: {str(error).splitlines()[0]}.", file=str(file)) from None
    if not isinstance(told, dict):
        raise ConfigError("it holds no answers.", fix="Write a line for each: tokens_per_day: 50M", file=str(file))
    return {
        str(name): ("yes" if value else "no") if isinstance(value, bool) else str(value) for name, value in told.items()
    }


def told(answers: Mapping[str, str]) -> dict[str, Fact]:
    """The answers as facts.

    Raises:
        ConfigError: nobody asks for one, or it is no figure.
    """
    found = {}
    for name, value in answers.items():
        if name not in DEFINITIONS or not DEFINITIONS[name].question:
            known = ", ".join(key for key, each in DEFINITIONS.items() if each.question)
            raise ConfigError(f"there is no question '{name}'.", fix=f"There are: {known}.")
        found[name] = _fact(name, value)
    return found


def _fact(name: str, text: str) -> Fact:
    definition = DEFINITIONS[name]
    try:
        low, value, high = read_range(text)
    except ValueError as error:
        raise ConfigError(str(error), key=name) from None
    ends = [each for each in (low, value, high) if each is not None]
    if (
        definition.unit in {"share", "yes"}
        and not -1 < min(ends) <= max(ends) <= 1
        and name not in {"growth", "cheap_cost"}
    ):
        raise ConfigError(f"'{text}' is no share.", fix="Write 70% or 0.7.", key=name)
    if min(ends) < 0 and name != "growth":
        raise ConfigError(f"'{text}' is less than nothing.", fix="Write 0 or more.", key=name)
    return Fact(value=value, low=low, high=high, origin="told", how="as answered")


def interview(known: Facts) -> dict[str, Fact]:
    """Ask a person for what is not known; an empty answer means that nobody knows."""
    typer.echo(
        "Answer what you know, and press Enter for what you do not. An interval is written 60%..80%.\n", err=True
    )
    found: dict[str, Fact] = {}
    for name in known.unknown:
        while name not in found:
            definition = DEFINITIONS[name]
            hint = _HINTS.get(definition.unit, "a number")
            text = typer.prompt(f"{definition.question} [{hint}]", default="", show_default=False, err=True)
            if not text.strip():
                break
            try:
                found[name] = _fact(name, text)
            except ConfigError as error:
                typer.echo(f"  {error}", err=True)
    return found
