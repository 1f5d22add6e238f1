"""Where the ledger is kept."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

from turnout.errors import ConfigError

ENVIRONMENT_VARIABLE = "TURNOUT_DATA_DIR"
DEFAULT = Path(".turnout")


def data_directory(given: str | os.PathLike[str] | None = None) -> Path:
    """The data directory: the given one, else `$TURNOUT_DATA_DIR`, else `./.turnout`. It need not exist."""
    return Path(given or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT)


def ready_directory(data: Path) -> None:
    """Make the data directory if there is none, and find out whether it can be written.

    Raises:
        ConfigError: it cannot.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        reason = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise ConfigError(
            f"the data directory {data} cannot be written: {reason}.",
            fix=f"Say another by --data, ${ENVIRONMENT_VARIABLE} or ledger.directory.",
        ) from error


def journal_directory(data: Path) -> Path:
    """Where every process that serves from `data` keeps its journal."""
    return data / "journal"


def database_file(data: Path) -> Path:
    """The SQLite file that the journals of `data` are drained into."""
    return data / "ledger.sqlite3"


def ledger_name(data: Path) -> str:
    """The name by which a copy elsewhere tells the ledger of `data` from all others; made the first time.

    Raises:
        OSError: it cannot be read or written.
    """
    file = _name_file(data)
    try:
        with file.open("x", encoding="ascii") as made:
            made.write(uuid.uuid4().hex)
    except FileExistsError:
        pass
    return file.read_text(encoding="ascii").strip()


def is_copied(data: Path) -> bool:
    """Whether the ledger of `data` was ever copied elsewhere."""
    return _name_file(data).exists()


def _name_file(data: Path) -> Path:
    return data / "ledger-name"
