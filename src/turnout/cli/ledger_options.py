"""What commands that read the ledger have in common: where it is, and how a moment is written."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from turnout.cli.ledger_copy import Ledger, copy_at
from turnout.config.load import find_data_directory
from turnout.errors import LedgerError
from turnout.ledger.drain import Drain
from turnout.ledger.location import DEFAULT, ENVIRONMENT_VARIABLE, database_file, journal_directory
from turnout.ledger.postgres.store import PostgresStore
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Store

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help=f"The data directory; by default the configuration's, else ${ENVIRONMENT_VARIABLE}, else ./{DEFAULT}.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Where:
    """The options that say which ledger is read."""

    data: Data = None
    ledger: Ledger = None

    @property
    def directory(self) -> Path:
        """The data directory."""
        return find_data_directory(self.data)

    def opened(self) -> Store:
        """The ledger or its copy; see `opened`."""
        return opened(self.directory, self.ledger)


def moment(given: str | None) -> datetime | None:
    """A point in time from `90s`, `15m`, `1h`, `7d`, `2w` (ago), or ISO 8601 (local unless it says otherwise)."""
    if given is None:
        return None
    try:
        if ago := re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", given.strip()):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        return datetime.fromisoformat(given.strip()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{given!r} is no time. Write 15m, 1h, 7d or 2026-03-01T09:30.") from error


def opened(directory: Path, ledger: str | None = None, *, config: Path | None = None) -> Store:
    """What is read: the embedded ledger, with what dead processes left in their journals taken in first; or a copy.

    Args:
        directory: the data directory.
        ledger: the copy, as `--ledger` names it; None for the embedded ledger.
        config: the configuration, where it is another than the gateway would find.
    """
    return _swept(directory) if ledger is None else copy_at(ledger, config)


def nothing_yet(store: Store, directory: Path) -> str:
    """That a ledger is empty, and what to do."""
    if isinstance(store, PostgresStore):
        return f"No decisions yet in {store}. Gateways copy theirs there whose turnout.yaml has ledger.postgres."
    return (
        f"No decisions yet in {directory}. Start the gateway (turnout serve) and send it a request,\n"
        f"or say where its data directory is: --data DIR, or ${ENVIRONMENT_VARIABLE}."
    )


def _swept(directory: Path) -> SqliteStore:
    store = SqliteStore(database_file(directory))
    try:
        Drain(journal_directory(directory), store).sweep()
    except LedgerError as error:
        sys.stderr.write(f"Some decisions may be missing: {error}\n")
    finally:
        store.close()
    return store
