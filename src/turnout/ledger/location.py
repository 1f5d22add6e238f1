"""Where the ledger is kept."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT_VARIABLE = "TURNOUT_DATA_DIR"
DEFAULT = Path(".turnout")


def data_directory(given: str | os.PathLike[str] | None = None) -> Path:
    """The data directory: the given one, else `$TURNOUT_DATA_DIR`, else `./.turnout`. It need not exist."""
    return Path(given or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT)


def journal_directory(data: Path) -> Path:
    """Where every process that serves from `data` keeps its journal."""
    return data / "journal"


def database_file(data: Path) -> Path:
    """The SQLite file that the journals of `data` are drained into."""
    return data / "ledger.sqlite3"
