"""Brings a SQLite file to the newest schema: numbered scripts, run forward, each in a transaction of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

from turnout.errors import LedgerError


@cache
def migrations() -> tuple[str, ...]:
    """The scripts in `turnout/ledger/migrations`, in order; the first makes version 1 of the schema."""
    folder = resources.files("turnout.ledger") / "migrations"
    scripts = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return tuple(file.read_text(encoding="utf-8") for file in sorted(scripts, key=lambda file: file.name))


def tables(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """Every table with the names of its columns: what is done to all that have one forgets none of later versions."""
    query = """
    SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%' ORDER BY 1"""
    found: dict[str, frozenset[str]] = {}
    for table, column in connection.execute(query):
        found[table] = found.get(table, frozenset()) | {column}
    return found


def migrate(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Run the scripts that the file has not seen. Several processes may do so at once.

    Args:
        connection: in autocommit mode (`isolation_level=None`).
        scripts: all of them, oldest first.

    Raises:
        LedgerError: the file was made by a newer turnout.
        sqlite3.Error: a script failed; the file is as it was before that script.
    """
    while (version := _version(connection)) < len(scripts):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection) == version:  # nobody else was quicker
                _run(connection, scripts[version], version + 1)
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.rollback()
            raise
    if version > len(scripts):
        raise LedgerError(
            f"the ledger has schema version {version}, and this turnout knows {len(scripts)}: a newer one wrote it"
        )


def _run(connection: sqlite3.Connection, script: str, version: int) -> None:
    for statement in _statements(script):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
