"""Copies the embedded ledger into Postgres, off the hot path: exactly once, and through outages of it.

The embedded store has everything first; what Postgres has of it, and how far that goes, is one transaction there. So
whenever the gateway, this thread, or Postgres ends, the next one goes on from what Postgres knows.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from turnout.errors import LedgerError, MissingExtra, TurnoutError
from turnout.ledger.postgres.database import Database
from turnout.ledger.postgres.rows import behind, checked, next_batch
from turnout.ledger.store import Store

FOLLOW_S: Final = 0.5
"""How often to look for what is new."""
STATEMENT_S: Final = 10.0
"""How long Postgres may take for a statement, and to be connected to."""
LONGEST_PAUSE_S: Final = 10.0
_EXPIRE_S: Final = 3_600.0
_LEAD_S: Final = 2.0
"""How often those who do not copy ask whether they may: the one who did may have ended."""

_log = logging.getLogger("turnout.ledger")
T = TypeVar("T")


class PostgresMirror:
    """Follows a store, in a thread of its own. Of several over one ledger, one copies and the others stand by.

    Args:
        url: of the database.
        store: what is copied; it is only read.
        ledger: a name that tells this ledger from those of other gateways, for ever.
        kept_days: for how many days decisions are kept there; None for ever.
        sums_days: the same of sums.
        statement_s: how long Postgres may take for a statement, in seconds.
    """

    def __init__(
        self,
        url: str,
        store: Store,
        ledger: str,
        *,
        kept_days: int | None = None,
        sums_days: int | None = None,
        statement_s: float = STATEMENT_S,
    ) -> None:
        self._url = url
        self._store = store
        self._ledger = ledger
        self._kept_days = kept_days
        self._sums_days = sums_days
        self._statement_s = statement_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="turnout-postgres", daemon=True)
        self._expire_at = 0.0
        self.behind = 0
        """Decisions that are still to be copied, as far as is known; 0 where another process copies."""
        self.trouble = ""
        """Why nothing can be copied at the moment; empty while all is well."""

    def start(self) -> None:
        """Begin to copy. Once."""
        self._thread.start()

    def close(self, timeout_s: float = 3.0) -> None:
        """Copy what is there, if that can be done in time, and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        asyncio.run(self._follow())

    async def _follow(self) -> None:
        pause, troubles = FOLLOW_S, errors()
        while True:
            stopping = self._stopping.is_set()
            try:
                await self._copy_until_it_fails()
            except MissingExtra as error:
                self._failed(str(error))
                return
            except troubles as error:
                pause = min(2 * pause, LONGEST_PAUSE_S) if self.trouble else FOLLOW_S
                self._failed(str(error) or "it does not answer")
            if stopping or self._stopping.is_set():
                return
            await asyncio.to_thread(self._stopping.wait, pause)

    async def _copy_until_it_fails(self) -> None:
        database = await self._in_time(Database.open(self._url, self._ledger, self._statement_s))
        try:
            while not await self._in_time(database.lead()):
                self.behind = 0
                self._recovered()
                if await asyncio.to_thread(self._stopping.wait, _LEAD_S):
                    return
            position = checked(self._store, await self._in_time(database.position()))
            while True:
                stopping = self._stopping.is_set()
                batch = next_batch(self._store, self._ledger, position)
                if batch is not None:
                    self.behind = behind(self._store, position)
                    await self._in_time(database.take(batch), 6 * self._statement_s)
                    position = batch.position
                    self._recovered()
                    continue
                self.behind = 0
                self._recovered()
                await self._expire(database)
                if stopping:
                    await database.close()
                    return
                await asyncio.to_thread(self._stopping.wait, FOLLOW_S)
                position = checked(self._store, position)
        finally:
            database.drop()

    async def _expire(self, database: Database) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._expire_at:
            return
        limit_s, today = 6 * self._statement_s, datetime.now(UTC)
        await self._in_time(database.expire_sums(round(today.timestamp() * 1_000), self._sums_days), limit_s)
        if self._kept_days is not None:
            await self._in_time(database.expire((today - timedelta(days=self._kept_days)).date()), limit_s)
        self._expire_at = now + _EXPIRE_S

    async def _in_time(self, doing: Awaitable[T], limit_s: float | None = None) -> T:
        """A Postgres that hangs answers nothing, not even that a statement is given up."""
        async with asyncio.timeout(limit_s or self._statement_s + 1):
            return await doing

    def _failed(self, why: str) -> None:
        if not self.trouble:
            _log.error("the copy of the ledger in Postgres is not written; what it lacks is copied later: %s", why)
        self.trouble = why

    def _recovered(self) -> None:
        if self.trouble:
            _log.warning("the copy of the ledger in Postgres is written again")
        self.trouble = ""


def forget(url: str, tenant: str | None, user: str | None) -> int:
    """Remove everything of a tenant, a user, or a tenant's user from Postgres; how many decisions that were.

    Raises:
        LedgerError: it cannot be reached, or does not do it.
        MissingExtra: the extra `postgres` is not installed.
    """

    async def ask() -> int:
        database = await Database.open(url, "", STATEMENT_S)
        try:
            return await database.forget(tenant, user)
        finally:
            database.drop()

    try:
        return asyncio.run(ask())
    except MissingExtra:
        raise
    except errors() as error:
        raise LedgerError(f"the copy in Postgres still has what is to be forgotten: {error}. Try again.") from error


def errors() -> tuple[type[Exception], ...]:
    """What may go wrong between us and Postgres."""
    try:
        import asyncpg
    except ImportError:
        return (OSError, TurnoutError)
    theirs = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return (OSError, ValueError, TurnoutError, *theirs)
