"""What the demo asks: the queries that come with it, or a file of one's own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from turnout.errors import ConfigError

ROUTES: Final = ("support", "assistant", "contracts")
"""The routes of demo.yaml."""

_STREAMED_EVERY: Final = 5
_YES: Final = frozenset({"1", "true", "y", "yes"})


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the demo.

    Attributes:
        text: what the user says.
        user, source: who says it, and where.
        route: the `model` that is asked for.
        stream: whether the answer is streamed.
    """

    text: str
    user: str | None = None
    source: str | None = None
    route: str = "support"
    stream: bool = False


def own_queries() -> list[Query]:
    """The queries that come with the demo."""
    text = resources.files("turnout.cli.demo").joinpath("queries.csv").read_text("utf-8")
    return _read(csv.DictReader(io.StringIO(text)), "queries.csv")


def read_queries(path: Path) -> list[Query]:
    """The queries of a CSV or JSONL file.

    Each row or object has a `query`, and may have `user`, `source`, `route` (one of `ROUTES`) and `stream` (yes).
    A CSV file without a column `query` is read by its first column. Where no row says `stream`, every fifth is.

    Raises:
        ConfigError: the file cannot be read, or holds no query.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise ConfigError(f"the queries cannot be read: {error}", file=str(path)) from None
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        queries = _read(_json_lines(text, path), str(path))
    else:
        queries = _read(csv.DictReader(io.StringIO(text)), str(path))
    if not queries:
        raise ConfigError("there is no query in it", fix="Give a column or key `query`.", file=str(path))
    return queries


def _json_lines(text: str, path: Path) -> Iterable[Mapping[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise ConfigError(f"not JSON: {error}", file=str(path), line=number) from None
        yield row if isinstance(row, dict) else {"query": str(row)}


def _read(rows: Iterable[Mapping[str, Any]], file: str) -> list[Query]:
    read = [row for row in rows if _said(row)]
    streams_said = any(row.get("stream") for row in read)
    return [
        Query(
            text=_said(row),
            user=row.get("user") or None,
            source=row.get("source") or None,
            route=_route(row, file),
            stream=_yes(row.get("stream")) if streams_said else index % _STREAMED_EVERY == 0,
        )
        for index, row in enumerate(read, 1)
    ]


def _said(row: Mapping[str, Any]) -> str:
    said = row["query"] if "query" in row else next(iter(row.values()), None)
    return str(said or "").strip()


def _route(row: Mapping[str, Any], file: str) -> str:
    route = row.get("route") or "support"
    if route not in ROUTES:
        raise ConfigError(f"the demo has no route '{route}'", fix=f"It has: {', '.join(ROUTES)}.", file=file)
    return str(route)


def _yes(value: object) -> bool:
    return str(value or "").strip().lower() in _YES
