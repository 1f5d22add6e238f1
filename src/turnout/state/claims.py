"""Who of several processes does a thing that is to be done once, and what came of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from turnout.state.database import Lane
from turnout.types.clock import Clock

LEASE_S: Final = 30.0
"""A claim that nobody has renewed for so long is free again: its process is dead."""

PATIENCE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Claim:
    """A thing to be done once.

    Attributes:
        tenant: whose it is; no other tenant's can be the same.
        key: its name.
        asked: what is to be done, as a digest.
        owner: who claims it.
    """

    tenant: str
    key: bytes
    asked: bytes
    owner: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else has the claim, or had it.

    Attributes:
        same: they were asked for the same.
        result: what came of it; None while it is under way.
    """

    same: bool
    result: bytes | None


class Claims:
    """Claims in a file that processes share. Only `take` waits, and only for a while.

    Args:
        file: the database.
        max_bytes: about how much of results is kept; what expires first goes first.
        clock: wall time, which processes share.
    """

    def __init__(self, file: Path, max_bytes: int, clock: Clock) -> None:
        self._max = max_bytes
        self._clock = clock
        self._lane = Lane(file, clock, busy_s=PATIENCE_S)

    async def take(self, claim: Claim) -> Taken | None:
        """Claim it, for `LEASE_S` seconds; None if it is ours now.

        Raises:
            Unavailable: the file cannot be used now.
        """
        try:
            return await self._lane.ask(partial(_take, claim, self._now()), PATIENCE_S)
        except BaseException:
            self.release(claim)  # it may still be granted, after we have stopped waiting
            raise

    def renew(self, claim: Claim) -> None:
        """It is still being done. Never waits, never raises, as those below."""
        self._lane.submit(partial(_renew, claim, self._now() + LEASE_S))

    def release(self, claim: Claim) -> None:
        """It was not done: anybody may try."""
        self._lane.submit(partial(_release, claim))

    def settle(self, claim: Claim, result: bytes, for_s: float) -> None:
        """It was done; the result is kept for `for_s` seconds."""
        self._lane.submit(partial(self._settle, claim, result, self._now(), for_s))

    def close(self) -> None:
        """Write what waits, and end."""
        self._lane.close()

    def _settle(self, claim: Claim, result: bytes, now: float, for_s: float, connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE claims SET result = ?, size = ?, expires = ? WHERE tenant = ? AND key = ? AND owner = ?",
            (result, len(result), now + for_s, claim.tenant, claim.key, claim.owner),
        )
        connection.execute("DELETE FROM claims WHERE expires <= ?", (now,))
        (size,) = connection.execute("SELECT COALESCE(SUM(size), 0) FROM claims").fetchone()
        if size > self._max:
            connection.execute(_TOO_MUCH, (self._max,))

    def _now(self) -> float:
        return self._clock.now().timestamp()


_TOO_MUCH: Final = """
DELETE FROM claims WHERE rowid IN (
    SELECT rowid FROM (SELECT rowid, SUM(size) OVER (ORDER BY expires DESC, rowid DESC) AS kept FROM claims
                       WHERE result IS NOT NULL)
    WHERE kept > ?
)"""


def _take(claim: Claim, now: float, connection: sqlite3.Connection) -> Taken | None:
    name = (claim.tenant, claim.key)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("DELETE FROM claims WHERE tenant = ? AND key = ? AND expires <= ?", (*name, now))
        found = connection.execute("SELECT asked, result FROM claims WHERE tenant = ? AND key = ?", name).fetchone()
        if found is None:
            connection.execute(
                "INSERT INTO claims (tenant, key, asked, owner, expires, size) VALUES (?, ?, ?, ?, ?, 0)",
                (*name, claim.asked, claim.owner, now + LEASE_S),
            )
    finally:
        connection.execute("COMMIT")
    return Taken(found[0] == claim.asked, found[1]) if found else None


def _renew(claim: Claim, until: float, connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE claims SET expires = ? WHERE tenant = ? AND key = ? AND owner = ? AND result IS NULL",
        (until, claim.tenant, claim.key, claim.owner),
    )


def _release(claim: Claim, connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM claims WHERE tenant = ? AND key = ? AND owner = ? AND result IS NULL",
        (claim.tenant, claim.key, claim.owner),
    )
