"""What is done in Postgres, each a transaction or less."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from turnout.errors import MissingExtra
from turnout.ledger.postgres.rows import COLUMNS, Batch, Position
from turnout.ledger.postgres.schema import PARTITIONED, TABLES, day_of, partition

if TYPE_CHECKING:
    from asyncpg import Connection

_LOCK: Final = 0x7475726E  # "turn": the first half of the names of our advisory locks
_SETTING_UP: Final = 0
_POSITION: Final = """
INSERT INTO turnout.positions (ledger, decision_seq, decision_id, feedback_seq, feedback_id)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ledger) DO UPDATE SET decision_seq = $2, decision_id = $3, feedback_seq = $4, feedback_id = $5"""
_WHOSE: Final = "($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR user_name = $2)"
_FORGET_DECISIONS: Final = f"DELETE FROM turnout.decisions WHERE {_WHOSE} RETURNING id"  # noqa: S608 - our own names
_FORGET_FEEDBACK: Final = f"DELETE FROM turnout.feedback WHERE {_WHOSE}"  # noqa: S608
_FORGET_OF_THEM: Final = tuple(
    f"DELETE FROM turnout.{table} WHERE decision = ANY($1::text[])"  # noqa: S608
    for table in ("attempts", "drops", "feedback")
)
_PARTITIONS: Final = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY(ARRAY['turnout.decisions', 'turnout.attempts', 'turnout.drops']::regclass[])"""


class Database:
    """A connection, and what it is used for.

    Args:
        connection: open.
        ledger: the name of the ledger that is copied.
    """

    def __init__(self, connection: Connection, ledger: str) -> None:
        self._connection = connection
        self._ledger = ledger
        self._days: set[date] = set()
        self._lost = asyncio.Event()
        connection.add_termination_listener(lambda _: self._lost.set())

    @classmethod
    async def open(cls, url: str, ledger: str, timeout_s: float) -> Database:
        """Connect, and make the tables that are not there.

        Args:
            url: `postgresql://USER:PASSWORD@HOST/DATABASE`.
            ledger: the name of the ledger that is copied.
            timeout_s: how long each statement may take, in seconds.

        Raises:
            OSError: nobody answers there.
            MissingExtra: the extra `postgres` is not installed.
            asyncpg.PostgresError, asyncpg.InterfaceError: it does not let us in, or not do this.
            ValueError: not an address of Postgres.
        """
        try:
            import asyncpg
        except ImportError:
            raise MissingExtra("a ledger in Postgres", "postgres") from None
        connection = await asyncpg.connect(url, timeout=timeout_s, command_timeout=timeout_s)
        database = cls(connection, ledger)
        async with connection.transaction():  # tables that two make at the same moment get in each other's way
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK, _SETTING_UP)
            await connection.execute(TABLES)
        for table, columns in COLUMNS.items():
            named = ", ".join(columns)
            await connection.execute(
                f"CREATE TEMP TABLE incoming_{table} AS SELECT {named} FROM turnout.{table} WITH NO DATA"  # noqa: S608
            )
        return database

    async def lead(self) -> bool:
        """Whether this connection is the one that copies the ledger, of all that would; as long as it lives."""
        name = zlib.crc32(self._ledger.encode()) & 0x7FFFFFFF or 1
        lead: bool = await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK, name)
        return lead

    async def position(self) -> Position:
        """How far the ledger has been copied."""
        asked = "SELECT decision_seq, decision_id, feedback_seq, feedback_id FROM turnout.positions WHERE ledger = $1"
        row = await self._connection.fetchrow(asked, self._ledger)
        return Position(*row) if row is not None else Position()

    async def take(self, batch: Batch) -> None:
        """Take a batch in, and the position after it, all or nothing. What is there already is left as it is."""
        connection = self._connection
        for day in batch.days - self._days:
            for table in PARTITIONED:
                await connection.execute(partition(table, day))
            self._days.add(day)
        async with connection.transaction():
            for table, rows in batch.rows.items():
                if not rows:
                    continue
                columns = COLUMNS[table]
                named = ", ".join(columns)
                await self._unless_lost(
                    connection.copy_records_to_table(f"incoming_{table}", records=rows, columns=columns)
                )
                await connection.execute(
                    f"INSERT INTO turnout.{table} ({named}) SELECT {named} FROM incoming_{table} "  # noqa: S608 - our own names
                    "ON CONFLICT DO NOTHING"
                )
                await connection.execute(f"TRUNCATE incoming_{table}")
            await connection.execute(_POSITION, self._ledger, *batch.position)

    async def _unless_lost(self, copying: Awaitable[object]) -> None:
        """Do not wait for a connection that is gone: a copy that it broke off may never hear of it."""
        copied, lost = asyncio.ensure_future(copying), asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait((copied, lost), return_when=asyncio.FIRST_COMPLETED)
            if not copied.done():
                raise ConnectionError("the connection was lost")
            copied.result()
        finally:
            copied.cancel()
            lost.cancel()

    async def expire(self, before: date) -> int:
        """Drop the partitions of days before `before`, and the feedback of that time; how many partitions went."""
        named = [row["relname"] for row in await self._connection.fetch(_PARTITIONS)]
        old = [name for name in named if (day := day_of(name)) is not None and day < before]
        for name in old:
            await self._connection.execute(f"DROP TABLE IF EXISTS turnout.{name}")
        await self._connection.execute("DELETE FROM turnout.feedback WHERE time < $1::date", before)
        self._days = {day for day in self._days if day >= before + timedelta(days=1)}
        return len(old)

    async def forget(self, tenant: str | None, user: str | None) -> int:
        """Remove everything of a tenant, a user, or a tenant's user; how many decisions that were."""
        async with self._connection.transaction():
            ids = [row["id"] for row in await self._connection.fetch(_FORGET_DECISIONS, tenant, user)]
            for forget in _FORGET_OF_THEM:
                await self._connection.execute(forget, ids)
            await self._connection.execute(_FORGET_FEEDBACK, tenant, user)
        return len(ids)

    async def close(self, timeout_s: float = 2.0) -> None:
        """End the connection, politely if that is answered in time."""
        await self._connection.close(timeout=timeout_s)

    def drop(self) -> None:
        """End the connection at once."""
        self._connection.terminate()
