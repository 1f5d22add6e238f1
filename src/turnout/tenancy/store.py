"""Tenants and keys in a SQLite file, which every process of a data directory reads.

It is written by people, seldom, and what they are told has happened has: each change is one transaction that is on the
disk when it ends.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from turnout.errors import TenancyError
from turnout.features.query_hash import load_or_create_key
from turnout.tenancy.keys import Key
from turnout.types.tenant import Tenant

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS tenants (name TEXT PRIMARY KEY, told BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, told BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS version (version TEXT NOT NULL)",
)
_MADE: Final = "SELECT count(*) FROM sqlite_master WHERE name = 'version'"
_PLACE: Final = "tenants"
_PATIENCE_S: Final = 5.0
_NONE: Final = "none"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Content:
    """What a store holds.

    Attributes:
        version: differs after every change.
        tenants: by name.
        keys: by id.
    """

    version: str = _NONE
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)


class Change:
    """One change, whole or not at all. See `TenancyStore.change`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of that name."""
        return _first(self._connection.execute("SELECT told FROM tenants WHERE name = ?", (name,)), Tenant)

    def key(self, key_id: str) -> Key | None:
        """The key of that id."""
        return _first(self._connection.execute("SELECT told FROM keys WHERE id = ?", (key_id,)), Key)

    def put_tenant(self, tenant: Tenant) -> None:
        """Write a tenant, in the place of the one of its name."""
        self._connection.execute("REPLACE INTO tenants VALUES (?, ?)", (tenant.name, msgspec.json.encode(tenant)))

    def put_key(self, key: Key) -> None:
        """Write a key, in the place of the one of its id."""
        self._connection.execute("REPLACE INTO keys VALUES (?, ?, ?)", (key.id, key.tenant, msgspec.json.encode(key)))

    def remove_tenant(self, name: str) -> int:
        """Remove a tenant with its keys; how many those were."""
        self._connection.execute("DELETE FROM tenants WHERE name = ?", (name,))
        return self._connection.execute("DELETE FROM keys WHERE tenant = ?", (name,)).rowcount


class TenancyStore:
    """Tenants and keys of a data directory. Every call waits for the disk.

    Args:
        data: the data directory; the file is made in it, for its owner alone, by the first change.
    """

    def __init__(self, data: Path) -> None:
        self._file = data / _PLACE / "tenants.sqlite3"
        self._pepper = data / _PLACE / "keys.key"

    def pepper(self) -> bytes:
        """The key under which digests of secrets are made; made itself at its first use. Raises `ConfigError`."""
        return load_or_create_key(self._pepper)

    def read(self, known: str | None = None) -> Content | None:
        """All that it holds; None if that is still what has the version `known`. Raises `TenancyError`."""
        if not self._file.exists():
            return None if known == _NONE else Content()
        with _told(self._file), closing(self._connect()) as connection:
            connection.execute("BEGIN")
            version = _version(connection)
            if version == known:
                return None
            if version == _NONE:
                return Content()
            tenants = [_read(told, Tenant) for (told,) in connection.execute("SELECT told FROM tenants")]
            keys = [_read(told, Key) for (told,) in connection.execute("SELECT told FROM keys")]
        return Content(version, {each.name: each for each in tenants}, {each.id: each for each in keys})

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Change something; nothing changes if the block raises. Raises `TenancyError`."""
        with _told(self._file):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(self._connect()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    connection.execute(statement)
                yield Change(connection)
                connection.execute("DELETE FROM version")
                connection.execute("INSERT INTO version VALUES (lower(hex(randomblob(8))))")
                connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=_PATIENCE_S, isolation_level=None)
        connection.execute("PRAGMA secure_delete = ON")
        return connection


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
        raise TenancyError(f"The tenants and keys in {file} cannot be read or written: {error}.") from error


def _version(connection: sqlite3.Connection) -> str:
    """What the file's content is at; another process may have made the file, and not yet filled it."""
    if not connection.execute(_MADE).fetchone()[0]:
        return _NONE
    return str(connection.execute("SELECT version FROM version").fetchone()[0])


def _first(rows: sqlite3.Cursor, kind: type[T]) -> T | None:
    found = rows.fetchone()
    return _read(found[0], kind) if found else None


def _read(told: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(told, type=kind)
