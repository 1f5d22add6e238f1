"""What processes tell each other of breakers: of each target the latest word, where all of them can read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import msgspec

from turnout.state.database import Lane
from turnout.types.clock import Clock

PATIENCE_S: Final = 1.0

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS words (
    target TEXT PRIMARY KEY, version TEXT NOT NULL, owner TEXT NOT NULL, open INTEGER NOT NULL, until REAL NOT NULL,
    reason TEXT NOT NULL
);
"""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """That a breaker is open, or not any more.

    Attributes:
        version: unlike that of any other word.
        owner: who says so, for the log.
        open: whether it is.
        for_s: for how many seconds from now, when it is said or heard; below 0, since when it may be probed.
        reason: why.
    """

    version: str
    owner: str
    open: bool
    for_s: float = 0.0
    reason: str = ""


class BreakerWords(Protocol):
    """Where the words are."""

    async def heard(self) -> Mapping[str, Word]:
        """The latest of each target. Raises `Unavailable`."""
        ...

    async def say(self, words: Mapping[str, Word]) -> None:
        """These are the latest of their targets now. Raises `Unavailable`."""
        ...

    async def close(self) -> None:
        """End."""
        ...


class SqliteBreakerWords:
    """Words in a file that the processes of one machine share.

    Args:
        file: the database.
        clock: wall time, which they share.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self._clock = clock
        self._lane = Lane(file, clock, schema=_SCHEMA)

    async def heard(self) -> Mapping[str, Word]:
        """See `BreakerWords.heard`."""
        return await self._lane.ask(partial(_heard, self._now()), PATIENCE_S)

    async def say(self, words: Mapping[str, Word]) -> None:
        """See `BreakerWords.say`."""
        await self._lane.ask(partial(_say, dict(words), self._now()), PATIENCE_S)

    async def close(self) -> None:
        """See `BreakerWords.close`."""
        self._lane.close()

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _heard(now: float, connection: sqlite3.Connection) -> dict[str, Word]:
    return {
        target: Word(version=version, owner=owner, open=bool(is_open), for_s=until - now, reason=reason)
        for target, version, owner, is_open, until, reason in connection.execute(
            "SELECT target, version, owner, open, until, reason FROM words"
        )
    }


def _say(words: Mapping[str, Word], now: float, connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO words (target, version, owner, open, until, reason) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (target, word.version, word.owner, word.open, now + word.for_s, word.reason)
            for target, word in words.items()
        ],
    )
