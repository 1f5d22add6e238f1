"""Breakers of several processes, as one: what one of them learns of a target, all of them know within half a second.

Whoever opened a breaker probes the target when its time has come; the others wait a little longer for what comes of it,
so that a target that recovers meets one probe and not one of every process. A word is a hint that travels beside the
traffic: no request ever waits for it, and a process that hears nothing goes by what it sees itself.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import Callable
from typing import Final, NamedTuple

from turnout.execution.breaker import BreakerBoard
from turnout.state.breaker_words import BreakerWords, Word
from turnout.state.database import Unavailable
from turnout.types.clock import Clock

EVERY_S: Final = 0.2
"""How often to look, and to say what is new."""
GRACE_S: Final = 1.0
"""How long the one who opened a breaker is given to probe, before others do; each at its own time up to thrice that."""
_REST_S: Final = 2.0

_log = logging.getLogger("turnout.state")


class _Known(NamedTuple):
    """Of a target: the last word, and how our breaker stood by it."""

    version: str
    open_until: float | None


_NOTHING: Final = _Known("", None)


class BreakerSharing:
    """Keeps the breakers of this process and those of others as one.

    Args:
        words: where they tell each other.
        board: the breakers in use now.
        clock: monotonic time.
        owner: this process, for the log of the others.
    """

    def __init__(self, words: BreakerWords, board: Callable[[], BreakerBoard], clock: Clock, owner: str) -> None:
        self._words = words
        self._board = board
        self._clock = clock
        self._owner = owner
        self._known: dict[str, _Known] = {}
        self._away = False

    async def run(self) -> None:
        """Look and tell, until cancelled."""
        try:
            while True:
                alone = await self._alone()
                await asyncio.sleep(_REST_S if alone else EVERY_S)
        finally:
            await self._words.close()

    async def step(self) -> None:
        """Hear what is new, and say what is. What changed here since the last time is newer than what is heard.

        Raises:
            Unavailable: the others cannot be reached; what is new here is said once they can.
        """
        board, heard = self._board(), await self._words.heard()
        ours = [target for target in board if board[target].open_until != self._of(target).open_until]
        for target, word in heard.items():
            if target in board and target not in ours and word.version != self._of(target).version:
                self._follow(board, target, word)
        if ours:
            await self._say(board, ours)

    async def _alone(self) -> bool:
        """A step; whether the others cannot be reached."""
        try:
            await self.step()
        except Unavailable as error:
            if not self._away:
                _log.error("what others know of breakers cannot be heard (%s); each process goes by its own", error)
            self._away = True
        else:
            if self._away:
                _log.warning("what others know of breakers is heard again")
            self._away = False
        return self._away

    def _follow(self, board: BreakerBoard, target: str, word: Word) -> None:
        breaker, grace_s = board[target], GRACE_S * random.uniform(1, 3)  # noqa: S311 - no secret
        left_s = word.for_s + grace_s
        if word.open and left_s > 0:
            breaker.follow(self._clock.monotonic() + left_s, f"{word.reason} (seen by {word.owner})")
        elif not word.open and breaker.open_until is not None:
            breaker.follow(None, f"{word.reason} (seen by {word.owner})")
        self._known[target] = _Known(word.version, breaker.open_until)

    async def _say(self, board: BreakerBoard, targets: list[str]) -> None:
        now, said, stands = self._clock.monotonic(), dict[str, Word](), dict[str, _Known]()
        for target in targets:
            until, version = board[target].open_until, uuid.uuid4().hex
            stands[target] = _Known(version, until)
            said[target] = Word(
                version=version,
                owner=self._owner,
                open=until is not None,
                for_s=until - now if until is not None else 0.0,
                reason=board[target].reason,
            )
        await self._words.say(said)
        self._known |= stands

    def _of(self, target: str) -> _Known:
        return self._known.get(target, _NOTHING)
