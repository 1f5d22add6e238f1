"""A file that many open at once, before it is anything."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from turnout.state.write_ahead import write_ahead


def test_many_who_make_a_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    modes: list[str] = []

    def make() -> None:
        together.wait()
        with closing(sqlite3.connect(tmp_path / "db", timeout=10)) as connection:
            write_ahead(connection, 10)
            modes.append(connection.execute("PRAGMA journal_mode").fetchone()[0])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert modes == ["wal"] * 8


def test_who_holds_the_file_is_waited_for_only_so_long(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        late = sqlite3.connect(tmp_path / "db", timeout=0)
        with closing(late), pytest.raises(sqlite3.OperationalError, match="locked"):
            write_ahead(late, 0.05)


def test_a_file_that_is_no_database_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("a letter, and no database: " * 40)
    with (
        closing(sqlite3.connect(tmp_path / "db")) as connection,
        pytest.raises(sqlite3.DatabaseError, match="not a database"),
    ):
        write_ahead(connection, 60)
