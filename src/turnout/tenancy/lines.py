"""Whoever has to wait for what others hold waits in line, so that who needs much is not passed by who needs little."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from turnout.state.counters import Account, Counters, Full, Held, Hold

_LOOK_S: Final = 0.1
"""How often the first in line looks again: what other processes give back is not told."""


class _Line:
    __slots__ = ("first", "people", "turn")

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.people = 0
        self.first: asyncio.Event | None = None


class Lines:
    """A line for each account that is full, while it is. For one event loop."""

    def __init__(self) -> None:
        self._lines: dict[Account, _Line] = {}

    async def reserve(self, counters: Counters, holds: Sequence[Hold]) -> Held | Full:
        """As `Counters.reserve`, but what others hold is waited for; the result is never busy."""
        account = next((hold.account for hold in holds if hold.account in self._lines), None) if self._lines else None
        while True:
            if account is None:
                verdict = await counters.reserve(holds)
            else:
                verdict = await self._wait(account, counters, holds)
            if isinstance(verdict, Held) or not verdict.busy:
                return verdict
            account = verdict.hold.account

    def behind(self, counters: Counters, holds: Sequence[Hold]) -> Full | None:
        """What others wait for already, so that it is not to be had before them; None if nothing.

        Nobody is kept in line for what, as last heard, is used up.
        """
        for hold in holds if self._lines else ():
            if hold.account in self._lines and hold.worst and hold.limit is not None:
                tally = counters.glance(hold.account)
                if tally.spent + hold.likely <= hold.limit:
                    return Full(hold, tally, busy=True)
        return None

    def moved(self, accounts: Iterable[Account]) -> None:
        """Something of these accounts has been settled."""
        if self._lines:
            for account in accounts:
                line = self._lines.get(account)
                if line is not None and line.first is not None:
                    line.first.set()

    async def _wait(self, account: Account, counters: Counters, holds: Sequence[Hold]) -> Held | Full:
        """In line at an account, until it is no longer what is in the way."""
        line = self._lines.setdefault(account, _Line())
        line.people += 1
        try:
            async with line.turn:
                return await self._first(line, account, counters, holds)
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[account]

    async def _first(self, line: _Line, account: Account, counters: Counters, holds: Sequence[Hold]) -> Held | Full:
        while True:
            line.first = moved = asyncio.Event()
            verdict = await counters.reserve(holds)
            if isinstance(verdict, Held) or not verdict.busy or verdict.hold.account != account:
                return verdict
            try:
                async with asyncio.timeout(_LOOK_S):
                    await moved.wait()
            except TimeoutError:
                continue
