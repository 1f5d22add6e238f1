"""What a ledger holds: how much of what, since when, in how many bytes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from turnout.ledger.journal import journals
from turnout.ledger.location import database_file, journal_directory
from turnout.ledger.store import Store
from turnout.types.clock import timestamp

_TABLES = """
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"""
_PAGES = """
SELECT page_size, freelist_count, user_version FROM pragma_page_size, pragma_freelist_count, pragma_user_version"""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger holds.

    Attributes:
        file: the database.
        schema_version: how many migrations it has seen.
        bytes: its size on disk, its write-ahead log included.
        free_bytes: the part of it that new rows will fill before it grows; `turnout ledger vacuum` gives it back.
        journal_bytes: what processes have written that is not removed yet; at most an hour's, while all goes well.
        processes: journals there are: one for each process that lives, or died lately.
        rows: how many there are in each table.
        oldest, newest: when the first and the last decision were admitted, ISO 8601 in UTC; None without any.
    """

    file: str
    schema_version: int
    bytes: int
    free_bytes: int
    journal_bytes: int
    processes: int
    rows: Mapping[str, int]
    oldest: str | None
    newest: str | None


def holdings(store: Store, data: Path) -> Holdings:
    """What the ledger in a data directory holds.

    Raises:
        LedgerError: the store cannot be read.
    """
    file = database_file(data)
    page, free, version = next(store.rows(_PAGES), (0, 0, 0))
    oldest, newest = next(store.rows("SELECT min(time), max(time) FROM decisions"), (None, None))
    names = [name for (name,) in store.rows(_TABLES)]
    running = journals(journal_directory(data))
    return Holdings(
        file=str(file),
        schema_version=version,
        bytes=sum(map(_size, (file, file.with_name(f"{file.name}-wal")))),
        free_bytes=page * free,
        journal_bytes=sum(_size(segment) for each in running for segment in each.glob("*.jsonl")),
        processes=len(running),
        rows={name: next(store.rows(f"SELECT count(*) FROM {name}"))[0] for name in names},  # noqa: S608 - the file's own
        oldest=_told(oldest),
        newest=_told(newest),
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _told(time_ms: int | None) -> str | None:
    return None if time_ms is None else timestamp(datetime.fromtimestamp(time_ms / 1_000, UTC))
