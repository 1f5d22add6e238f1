"""The tables of the ledger, from the migrations and what their comments say."""

from __future__ import annotations

import inspect
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Final, NamedTuple

from docs.reference.markdown import code, table
from turnout.ledger.schema import migrate, migrations
from turnout.types.decision import Attempt, Decision
from turnout.types.feedback import Feedback

_COLUMN: Final = re.compile(r"^\s+(\w+) (?:INTEGER|TEXT|REAL|BLOB)\b[^-]*--\s*(.+)$")
_TABLE: Final = re.compile(r"^CREATE TABLE (\w+) \(")
_ADDED: Final = re.compile(r"^ALTER TABLE (\w+) ADD COLUMN (\w+) [^;]*;\s*(?:--\s*(.+))?$")

WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "decisions": "how many",
        "attempts": "how many",
        "fell_back": "for how many an earlier candidate failed, or its breaker was open",
        "escalated": "for how many an answer was discarded for another",
        "cached": "how many a cache answered",
        "estimated": "1 where the tokens are our estimate; in sums, how many are",
        "segment": "the number of the file within it",
        "router_cost": "the part of the cost that routing itself took, in pico-USD",
        "baseline_cost": "what the same tokens would have cost at the route's baseline, in pico-USD; NULL without one",
        "start": "of the bucket, ms since 1970 in UTC",
        "width": "of the bucket, in seconds",
        "record": "the decision record, as JSON",
        "reason": "why, as the decision record says",
        "key": "the tag's name",
        "value": "the tag's value",
        "progress.name": "of the work",
        "progress.value": "how far",
        "drops.target": "the candidate",
        "cost": "in pico-USD; in sums, of those with a known price",
        "input_tokens": "of all attempts that it is about",
        "output_tokens": "of all attempts that it is about",
        "cached_tokens": "input tokens that came from the provider's cache",
        "mode": "`redacted` or `full`",
        "latency": "a sketch of how long it took",
        "first_token": "a sketch of the times to the first meaningful token",
    }
)
"""Columns of which the migrations leave it to their name: in one table, or in any."""


TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "attempts": "Each call to a target, in the order of its decision.",
        "tag_rollups": "The sums of `user_rollups`, for each tag and day.",
    }
)
"""The same for tables."""


class Comments(NamedTuple):
    """What the migrations say.

    Attributes:
        tables: of each table.
        columns: of each column, by table and name.
    """

    tables: dict[str, str]
    columns: dict[tuple[str, str], str]


def ledger_tables() -> str:
    """Every table with its columns, key and indexes."""
    said = comments()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        migrate(file, migrations())
        return "\n\n".join(_table(file, name, said) for name in _names(file))


def comments() -> Comments:
    """What the migrations' comments say of tables and columns."""
    said = Comments({}, {})
    for script in migrations():
        _read(script, said)
    return said


def _read(script: str, said: Comments) -> None:
    told: list[str] = []
    inside = ""
    for line in script.splitlines():
        if found := _TABLE.match(line):
            inside = found[1]
            said.tables[inside] = " ".join(told)
        elif found := _ADDED.match(line):
            said.columns.setdefault((found[1], found[2]), found[3] or "")
        elif (found := _COLUMN.match(line)) and inside:
            said.columns[inside, found[1]] = found[2]
        told = [*told, line[2:].strip()] if line.startswith("--") else []


def _names(file: sqlite3.Connection) -> Iterator[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    return (name for (name,) in file.execute(query).fetchall())


def _table(file: sqlite3.Connection, name: str, said: Comments) -> str:
    columns = file.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,)).fetchall()
    rows = [
        (f"`{column}`", f"{kind}{'' if required or key else ' or NULL'}", _meaning(name, column, said))
        for column, kind, required, key in columns
    ]
    key = [column for column, _, _, place in sorted(columns, key=lambda row: row[3]) if place]
    indexes = file.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name", (name,)
    ).fetchall()
    told = [sql.partition(" ON ")[2] for (sql,) in indexes]
    text = said.tables.get(name) or TABLES[name]
    found = f" Indexes: {code(*told)}." if told else ""
    return f"## `{name}`\n\n{text}\n\nKey: {code(*key)}.{found}\n\n{table(('column', 'type', 'meaning'), rows)}"


def _meaning(name: str, column: str, said: Comments) -> str:
    """What a column holds, from where it is said first.

    Raises:
        KeyError: nothing says it.
    """
    elsewhere = {other: text for (_, other), text in reversed(said.columns.items()) if text}
    own = said.columns.get((name, column)) or WORDS.get(f"{name}.{column}") or WORDS.get(column)
    for text in (own, _field(name, column), elsewhere.get(column)):
        if text:
            return re.sub(r"\bNone\b", "NULL", text[0].upper() + text[1:])
    raise KeyError(f"nothing says what {name}.{column} is")


def _field(name: str, column: str) -> str | None:
    """What the records' docstrings say of a field of that name."""
    pattern = re.compile(rf"^ {{4}}(?:\w+, )*{column}(?:, \w+)*: (.*(?:\n {{8}}.*)*)", re.MULTILINE)
    records = (Attempt, Decision) if name.startswith("attempt") else (Decision, Feedback)
    for record in records:
        if found := pattern.search(inspect.cleandoc(record.__doc__ or "")):
            return " ".join(found[1].split())
    return None
