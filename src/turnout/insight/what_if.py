"""What replays, evaluations and advice found, kept in the data directory for whoever looks at the pages.

place(data, "cheaper-first")     data/what-if/cheaper-first.json
keep(file, found)                replaces what was kept under the name
kept(data)                       Kept(results=(...), unreadable=())
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from turnout.errors import ConfigError

MOST_SHOWN: Final = 50
"""Results that are listed, the newest."""
MOST_BYTES: Final = 4_000_000
"""A longer file was not made by turnout."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table in words.

    Attributes:
        title: what it is about.
        columns: the headings.
        rows: as many cells each; the first names the row.
        numbers: which columns hold figures.
        strong: which rows matter the most.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    strong: tuple[int, ...] = ()


class Lines(msgspec.Struct, frozen=True):
    """Sentences under a title."""

    title: str
    lines: tuple[str, ...]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A contender in a plot, in the plot's own units.

    Attributes:
        name: as in the table.
        kind: `policy`, `target` or `oracle`; or `baseline`.
        x, y: its cost and quality.
        left, right, low, high: where the intervals of both end.
    """

    name: str
    kind: str
    x: float
    y: float
    left: float
    right: float
    low: float
    high: float


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Quality over cost.

    Attributes:
        width, height: of the field between the axes.
        points: every contender whose cost is known.
        front: the corners of the line through those that nobody beats, as SVG has them.
        left, right, bottom, top: what the ends of the axes mean.
    """

    width: int
    height: int
    points: tuple[Point, ...]
    front: str
    left: str
    right: str
    bottom: str
    top: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay, an evaluation or an advice found.

    Attributes:
        kind: which of them.
        of: the configurations that were tried; of an advice, what it looked at.
        made: when, ISO 8601.
        sentences: what came of it.
        tables, lines: the same in figures, and what it rests on.
        plot: cost and quality; None where there is none.
        name: under which it is kept.
    """

    kind: Literal["replay", "evaluation", "advice"]
    of: tuple[str, ...]
    made: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    lines: tuple[Lines, ...] = ()
    plot: Plot | None = None
    name: str = ""


class Kept(NamedTuple):
    """What is kept.

    Attributes:
        results: the newest first.
        unreadable: names of files that hold no result.
    """

    results: tuple[Result, ...]
    unreadable: tuple[str, ...]


def place(data: Path, name: str) -> Path:
    """The file in which a result of that name is kept.

    Raises:
        ConfigError: that is no name.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"'{name}' cannot be the name of a result.",
            fix="Take letters, digits, '.', '_' and '-', 64 at the most: --save cheaper-first.",
        )
    return data / "what-if" / f"{name}.json"


def keep(file: Path, found: Result) -> None:
    """Keep a result, in place of the one that was there.

    Raises:
        ConfigError: it cannot be written.
    """
    beside = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_bytes(msgspec.json.encode(found))
        beside.replace(file)
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written: {error.strerror}.", fix="Give --data a directory that you may write to."
        ) from error


def kept(data: Path) -> Kept:
    """What is kept, `MOST_SHOWN` results at the most."""
    files = sorted((data / "what-if").glob("*.json"), key=_age, reverse=True)[:MOST_SHOWN]
    found = {file.stem: _read(file) for file in files}
    return Kept(
        tuple(each for each in found.values() if each is not None),
        tuple(name for name, each in found.items() if each is None),
    )


def kept_as(data: Path, name: str) -> Result | None:
    """The result of that name; None where there is none that can be read."""
    return _read(place(data, name)) if _NAME.fullmatch(name) else None


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _read(file: Path) -> Result | None:
    try:
        if file.stat().st_size > MOST_BYTES:
            return None
        found = msgspec.json.decode(file.read_bytes(), type=Result)
    except (OSError, msgspec.MsgspecError):
        return None
    return msgspec.structs.replace(found, name=file.stem)
