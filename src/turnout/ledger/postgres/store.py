"""Reads the copy in Postgres as insight reads the embedded ledger: the same queries, over all gateways or one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from turnout.errors import LedgerError, MissingExtra
from turnout.ledger.entry import stored_decision
from turnout.ledger.postgres.database import check_version
from turnout.ledger.postgres.dialect import plain, translated
from turnout.ledger.postgres.mirror import errors
from turnout.types.decision import Decision

if TYPE_CHECKING:
    from asyncpg import Connection

CONNECT_S: Final = 10.0
ANSWER_S: Final = 300.0
"""How long Postgres may take for the next page of an answer."""
CLOSE_S: Final = 2.0
PAGE: Final = 5_000
# There are as many tables as days, and what is joined is a few rows of some of them, by an index: a hash of all of it
# is never better, nor is a program compiled for each table.
_PLAN: Final = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
_NO_ADDRESS: Final = (
    "it is no address like postgresql://USER:PASSWORD@HOST/DATABASE (in a password, write %40 for @ and %2F for /)"
)


class PostgresStore:
    """A store that is only read. Each query has a connection of its own; none may be made where an event loop runs.

    Args:
        url: of the database: `postgresql://USER:PASSWORD@HOST/DATABASE`. Nothing is opened before it is needed.
        ledger: the name of the one ledger that is asked; None for all of them.
    """

    def __init__(self, url: str, ledger: str | None = None) -> None:
        self._url = url
        self._ledger = ledger
        self._known = False

    def __str__(self) -> str:
        """Where it is, without user and password."""
        with suppress(ValueError):
            where = urlsplit(self._url)
            return f"Postgres at {where.hostname or 'localhost'}{where.path}"
        return "Postgres"

    def read(self, decision_id: str) -> Decision | None:
        """See `Store.read`."""
        for record, feedback in self.rows("SELECT record, feedback FROM decisions WHERE id = ?", (decision_id,)):
            return stored_decision(record, feedback)
        return None

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """See `Store.rows`."""
        asked, bound = translated(sql, parameters, self._ledger)
        with self._told(), asyncio.Runner() as runner:
            connection = runner.run(self._connected())
            try:
                rows = runner.run(_begun(connection, asked, bound))
                while page := runner.run(rows.fetch(PAGE, timeout=ANSWER_S)):
                    yield from (tuple(map(plain, row)) for row in page)
            finally:
                with suppress(*errors()):
                    runner.run(connection.close(timeout=CLOSE_S))

    def close(self) -> None:
        """See `Store.close`: nothing stays open."""

    async def _connected(self) -> Connection:
        try:
            import asyncpg
        except ImportError:
            raise MissingExtra("a ledger in Postgres", "postgres") from None
        connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_S,
            command_timeout=ANSWER_S,
            statement_cache_size=0,  # behind a pooler, a name may be another connection's
        )
        if not self._known:
            try:
                await check_version(connection, made=True)
            except BaseException:
                connection.terminate()
                raise
            self._known = True
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Where Postgres's errors become ours."""
        try:
            yield
        except MissingExtra:
            raise
        except errors() as error:
            # What is no address may have parts of the password in its error.
            why = _NO_ADDRESS if isinstance(error, ValueError) else " ".join(str(error).split()) or "it does not answer"
            raise LedgerError(f"the copy of the ledger in {self} cannot be read: {why}") from None


async def _begun(connection: Connection, sql: str, parameters: list[Any]) -> Any:
    """A query's rows, to be fetched page by page."""
    await connection.transaction(readonly=True).start()
    await connection.execute(_PLAN)
    return await connection.cursor(sql, *parameters)
