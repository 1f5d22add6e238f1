"""The rows of a label file: CSV, JSON Lines or Parquet, each with its line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from turnout.errors import ConfigError, MissingExtra

GOOD: Final = 0.5
"""The score from which an answer counts as acceptable."""
TRUTHS: Final = {"1": 1.0, "0": 0.0, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "1.0": 1.0, "0.0": 0.0}
"""How a file may say whether an answer was acceptable."""
Row = Mapping[str, Any]


def read_rows(file: Path) -> list[tuple[int, Row]]:
    """Every row, and the line that it stands on.

    Raises:
        ConfigError: it cannot be read, or holds no row.
        MissingExtra: it is a Parquet file, and the extra `parquet` is not installed.
    """
    readers: dict[str, Callable[[Path], Iterator[tuple[int, Row]]]] = {
        ".csv": _csv,
        ".jsonl": _jsonl,
        ".parquet": _parquet,
    }
    reader = readers.get(file.suffix)
    if reader is None:
        raise ConfigError(f"{file} is no label file.", fix=f"Its name must end in {', '.join(readers)}.")
    try:
        rows = list(reader(file))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", file=str(file)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"it cannot be read: {error}.", fix="Save it as UTF-8 text.", file=str(file)) from None
    if not rows:
        raise ConfigError("there is no row in it.", fix="Give a row for each labelled answer.", file=str(file))
    return rows


def _csv(file: Path) -> Iterator[tuple[int, Row]]:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        for row in reader:
            yield reader.line_num, row


def _jsonl(file: Path) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"it is not a JSON object: {error}.", fix="Write one object a line.", file=str(file), line=number
            ) from None


def _parquet(file: Path) -> Iterator[tuple[int, Row]]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise MissingExtra("reading Parquet", "parquet") from None
    try:
        yield from enumerate(parquet.read_table(file).to_pylist(), 1)
    except ArrowInvalid as error:
        raise ConfigError(f"it is no Parquet: {error}.", file=str(file)) from None
