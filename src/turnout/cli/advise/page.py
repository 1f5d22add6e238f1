"""Advice as one self-contained page: no script, no font, no request to anywhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from turnout.cli.advise import words
from turnout.errors import ConfigError
from turnout.insight.advise.advice import Advice
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.change import Change
from turnout.insight.advise.prices import Pair


def as_page(advice: Advice, changed: Sequence[Change], taken: Assumptions, pair: Pair) -> str:
    """The page as HTML."""
    loader = jinja2.PackageLoader("turnout.cli.advise", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    shown: dict[str, Any] = {
        "headline": words.headline(advice),
        "lines": words.story(advice),
        "remarks": [*words.loses(advice), *advice.remarks],
        "changes": [words.change(each) for each in changed] or ["Nothing by itself."],
        "tables": tables(advice, taken, pair),
        "source": advice.facts.source,
        "notes": advice.facts.notes,
    }
    return environment.get_template("advise.html").render(shown)


def tables(
    advice: Advice, taken: Assumptions, pair: Pair
) -> list[tuple[str, tuple[str, ...], Sequence[tuple[str, ...]]]]:
    """What it rests on: of each table its title, its columns and its rows; none without rows."""
    found: tuple[tuple[str, tuple[str, ...], Sequence[tuple[str, ...]]], ...] = (
        ("Effort", ("", "setup", "upkeep a month", "payback"), words.effort(advice.recommended)),
        ("The others", ("approach", "saves a month", "payback", "why"), list(words.compared(advice))),
        ("Facts", ("figure", "value", "where from"), words.facts(advice)),
        ("Not known", ("key", "figure", "decides"), words.unknown(advice)),
        ("The decision table", ("situation", "approach", "holds", "because"), words.table(advice)),
        ("Assumptions", ("key", "value", "meaning"), words.assumptions(taken, pair)),
    )
    return [each for each in found if each[2]]


def write_page(file: Path, page: str) -> None:
    """Write the page.

    Raises:
        ConfigError: it cannot be written there.
    """
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.", fix="Give --html another path.") from error
    sys.stderr.write(f"Wrote {file}\n")
