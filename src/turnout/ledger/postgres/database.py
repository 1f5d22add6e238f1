"""What is done in Postgres, each a transaction or less."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from turnout.errors import LedgerError, MissingExtra
from turnout.ledger.entry import stored_decision
from turnout.ledger.postgres.rows import COLUMNS, SUM_COLUMNS, Batch, Position
from turnout.ledger.postgres.schema import FOUND, PARTITIONED, VERSION, day_of, partition, renamed, tables
from turnout.ledger.postgres.sums import Row, key_text
from turnout.ledger.rollups import DAY, HOUR, KEYS, MINUTE, MINUTES_KEPT_MS, SUMS, USER_WIDTHS, tag_sums_of

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_LOCK: Final = 0x7475726E  # "turn": the first half of the names of our advisory locks
_SETTING_UP: Final = 0
_ONE_BY_ONE: Final = "SELECT pg_advisory_xact_lock($1, $2)"
_PLACES: Final = ("decision_seq", "decision_id", "feedback_seq", "feedback_id", "shadow_seq", "shadow_id")
_POSITION: Final = (
    f"INSERT INTO turnout.positions (ledger, {', '.join(_PLACES)}) VALUES ($1, $2, $3, $4, $5, $6, $7) "  # noqa: S608 - our own names
    f"ON CONFLICT (ledger) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _PLACES)}"
)
_SCORE: Final = "UPDATE turnout.decisions SET feedback = $3 WHERE time = $1 AND id = $2"
_WHOSE: Final = "($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR user_name = $2)"
_FORGET_DECISIONS: Final = f"DELETE FROM turnout.decisions WHERE {_WHOSE} RETURNING id, ledger, record, feedback"  # noqa: S608
_FORGET_SHADOWS: Final = f"DELETE FROM turnout.shadows WHERE {_WHOSE} RETURNING id, ledger, record, NULL AS feedback"  # noqa: S608
_FORGET_FEEDBACK: Final = f"DELETE FROM turnout.feedback WHERE {_WHOSE}"  # noqa: S608
_FORGET_OF_THEM: Final = tuple(
    f"DELETE FROM turnout.{table} WHERE decision = ANY($1::text[])"  # noqa: S608
    for table in ("attempts", "drops", "feedback")
)
_OF_TAG: Final = "ledger = $1 AND start = $2 AND key = $3 AND value = $4 AND tenant = $5 AND outcome = $6"
_LESS: Final = (
    f"UPDATE turnout.tag_rollups SET {', '.join(f'{name} = {name} - ${7 + place}' for place, name in enumerate(SUMS))} "  # noqa: S608
    f"WHERE {_OF_TAG}"
)
_NO_TAG: Final = f"DELETE FROM turnout.tag_rollups WHERE {_OF_TAG} AND decisions <= 0"  # noqa: S608
_PARTITIONS: Final = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY(ARRAY['turnout.decisions', 'turnout.attempts', 'turnout.drops']::regclass[])"""


async def check_version(connection: Connection, *, made: bool = False) -> None:
    """Find out whether the tables are of this version.

    Args:
        connection: open.
        made: whether there have to be tables at all.

    Raises:
        LedgerError: they are not.
    """
    versioned, there = await connection.fetchrow(FOUND)
    version = await connection.fetchval("SELECT max(version) FROM turnout.version") if versioned else int(there)
    if version == VERSION or not (version or made):
        return
    if not version:
        raise LedgerError("no gateway has copied a ledger into this database: see ledger.postgres in turnout.yaml")
    older = f"a newer turnout wrote them, and this one knows version {VERSION}"
    newer = f"this turnout needs version {VERSION}: DROP SCHEMA turnout CASCADE, and gateways copy their ledgers again"
    raise LedgerError(f"the tables in Postgres have version {version}; {newer if version < VERSION else older}")


async def _set_up(connection: Connection) -> None:
    """Make the tables that are not there, and those through which rows come in."""
    async with connection.transaction():  # tables that two make at the same moment get in each other's way
        await connection.execute(_ONE_BY_ONE, _LOCK, _SETTING_UP)
        await check_version(connection)
        await connection.execute(tables())
    for table, columns in (*COLUMNS.items(), *SUM_COLUMNS.items()):
        named = ", ".join(columns)
        await connection.execute(
            f"CREATE TEMP TABLE incoming_{table} AS SELECT {named} FROM turnout.{table} WITH NO DATA"  # noqa: S608
        )


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
            LedgerError: the tables there are of another version.
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
        try:
            await _set_up(connection)
        except BaseException:
            connection.terminate()
            raise
        return cls(connection, ledger)

    async def lead(self) -> bool:
        """Whether this connection is the one that copies the ledger, of all that would; as long as it lives."""
        name = zlib.crc32(self._ledger.encode()) & 0x7FFFFFFF or 1
        lead: bool = await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK, name)
        return lead

    async def position(self) -> Position:
        """How far the ledger has been copied."""
        asked = f"SELECT {', '.join(_PLACES)} FROM turnout.positions WHERE ledger = $1"  # noqa: S608 - our own names
        row = await self._connection.fetchrow(asked, self._ledger)
        return Position(*row) if row is not None else Position()

    async def take(self, batch: Batch) -> None:
        """Take a batch in, and the position after it, all or nothing. What is there already is left as it is."""
        connection = self._connection
        await self._part(batch.days - self._days)
        async with connection.transaction():
            for table, rows in batch.rows.items():
                await self._insert(table, COLUMNS[table], rows, "NOTHING")
            for table, rows in batch.sums.items():
                columns, key = SUM_COLUMNS[table], (*renamed(KEYS[table]), "ledger")
                replaced = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
                await self._insert(table, columns, rows, f"UPDATE SET {replaced}", f"({', '.join(key)})")
            await connection.executemany(_SCORE, batch.scores)
            await connection.execute(_POSITION, self._ledger, *batch.position)

    async def _part(self, days: AbstractSet[date]) -> None:
        """Make the partitions of days that are not there; two that make one at the same moment would fail."""
        if not days:
            return
        async with self._connection.transaction():
            await self._connection.execute(_ONE_BY_ONE, _LOCK, _SETTING_UP)
            for day in sorted(days):
                for table in PARTITIONED:
                    await self._connection.execute(partition(table, day))
        self._days |= days

    async def _insert(self, table: str, columns: Sequence[str], rows: list[Row], known: str, key: str = "") -> None:
        """Insert rows; with those that are known already, `known` is done."""
        if not rows:
            return
        named = ", ".join(columns)
        copying = self._connection.copy_records_to_table(f"incoming_{table}", records=rows, columns=columns)
        await self._unless_lost(copying)
        await self._connection.execute(
            f"INSERT INTO turnout.{table} ({named}) SELECT {named} FROM incoming_{table} "  # noqa: S608 - our own names
            f"ON CONFLICT {key} DO {known}"
        )
        await self._connection.execute(f"TRUNCATE incoming_{table}")

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
        """Drop the partitions of days before `before`, and what else is of that time; how many partitions went."""
        named = [row["relname"] for row in await self._connection.fetch(_PARTITIONS)]
        old = [name for name in named if (day := day_of(name)) is not None and day < before]
        for name in old:
            await self._connection.execute(f"DROP TABLE IF EXISTS turnout.{name}")
        for table in ("feedback", "shadows"):
            await self._connection.execute(f"DELETE FROM turnout.{table} WHERE time < $1::date", before)  # noqa: S608
        self._days = {day for day in self._days if day >= before + timedelta(days=1)}
        return len(old)

    async def expire_sums(self, now_ms: int, kept_days: int | None) -> None:
        """Remove this ledger's sums of minutes that are not kept, and all that are older than `kept_days`."""
        minutes = now_ms - MINUTES_KEPT_MS - HOUR * 1_000
        bounds = [("rollups", MINUTE, minutes)]
        if kept_days is not None:
            before = now_ms - kept_days * DAY * 1_000
            bounds += [(table, width, before - width * 1_000) for table in KEYS for width in {*USER_WIDTHS, DAY, HOUR}]
        for table, width, before in bounds:
            of_width = f"width = {width}" if "width" in KEYS[table] else "true"
            sql = f"DELETE FROM turnout.{table} WHERE {of_width} AND start < $1 AND ledger = $2"  # noqa: S608 - our own names
            await self._connection.execute(sql, before, self._ledger)

    async def forget(self, tenant: str | None, user: str | None) -> int:
        """Remove everything of a tenant, a user, or a tenant's user; how many decisions that were."""
        whose = [None if name is None else key_text(name) for name in (tenant, user)]
        connection = self._connection
        async with connection.transaction():
            found = await connection.fetch(_FORGET_DECISIONS, *whose)
            shadows = await connection.fetch(_FORGET_SHADOWS, *whose)
            for row in (*found, *shadows):
                await self._forget_tags(row)
            for forget in _FORGET_OF_THEM:
                await connection.execute(forget, [row["id"] for row in (*found, *shadows)])
            await connection.execute(_FORGET_FEEDBACK, *whose)
            await self._forget_sums({"tenant": tenant, "user": user})
        return len(found)

    async def _forget_tags(self, row: Record) -> None:
        """Take what is forgotten out of the sums of its tags, which are under no name of its own."""
        with suppress(LedgerError):  # what cannot be read was not counted
            decision = stored_decision(row["record"], row["feedback"])
            for (start, *texts), sums in tag_sums_of(decision):
                key = (row["ledger"], start, *map(key_text, texts))
                await self._connection.execute(_LESS, *key, *sums)
                await self._connection.execute(_NO_TAG, *key)

    async def _forget_sums(self, whose: Mapping[str, str | None]) -> None:
        """Remove the sums that name them."""
        asked = {name: key_text(value) for name, value in whose.items() if value is not None}
        where = " AND ".join(f"{name} = ${place}" for place, name in enumerate(renamed(tuple(asked)), 1))
        for table, key in KEYS.items():
            if asked and asked.keys() <= set(key):
                await self._connection.execute(f"DELETE FROM turnout.{table} WHERE {where}", *asked.values())  # noqa: S608

    async def close(self, timeout_s: float = 2.0) -> None:
        """End the connection, politely if that is answered in time."""
        await self._connection.close(timeout=timeout_s)

    def drop(self) -> None:
        """End the connection at once."""
        self._connection.terminate()
