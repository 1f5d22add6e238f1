"""The page of the ledger's tables tells of every table and column, and of none that is not there."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from docs.reference.ledger_schema import TABLES, WORDS, comments, ledger_tables
from turnout.ledger.schema import migrate, migrations


def test_every_table_and_column_is_told_and_none_else() -> None:
    page = ledger_tables()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        migrate(file, migrations())
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            (table, name)
            for table in tables
            for (name,) in file.execute("SELECT name FROM pragma_table_info(?)", (table,))
        }
    assert sorted(page.count(f"## `{table}`\n") for table in tables) == [1] * len(tables)
    assert page.count("\n| `") == len(columns)
    said = comments()
    assert set(said.tables) == set(tables)
    assert set(said.columns) <= columns
    assert set(TABLES) <= set(tables)
    names = {name for _, name in columns}
    assert {word.rpartition(".")[2] for word in WORDS} <= names


def test_a_comment_of_a_migration_is_on_the_page() -> None:
    assert "| `said` | TEXT | Every turn in order: a JSON array of [role, text] |" in ledger_tables()
    assert "| `source` | TEXT or NULL | The calling program or page, as the caller said. |" in ledger_tables()
