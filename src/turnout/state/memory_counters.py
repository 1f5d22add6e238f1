"""Counts in this process's memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from turnout.state.counters import Account, Full, Held, Hold, Tally, no_room
from turnout.types.clock import Clock

_SWEEP_EVERY: Final = 512
_NOTHING: Final = Tally()


class MemoryCounters:
    """See `Counters`. Nothing here ever waits.

    Args:
        clock: its wall time tells which windows are over.
        spent: what was used before, by account.
    """

    def __init__(self, clock: Clock, spent: Mapping[Account, int] | None = None) -> None:
        self._clock = clock
        self._tallies = {account: Tally(amount) for account, amount in (spent or {}).items()}
        self._open: dict[str, Held] = {}
        self._tickets = itertools.count()
        self._next_sweep = _SWEEP_EVERY
        self._changed: set[Account] = set()

    def __len__(self) -> int:
        """How many accounts are known."""
        return len(self._tallies)

    async def reserve(self, holds: Sequence[Hold]) -> Held | Full:
        """See `Counters.reserve`. Never raises."""
        full = no_room(holds, [self._tallies.get(hold.account, _NOTHING) for hold in holds])
        if full is not None:
            return full
        tallies = [self._add(hold.account, 0, hold.worst) for hold in holds]
        held = Held(str(next(self._tickets)), tuple(holds), tallies)
        self._open[held.ticket] = held
        return held

    def settle(self, held: Held, amounts: Sequence[int]) -> None:
        """See `Counters.settle`."""
        if self._open.pop(held.ticket, None) is None:
            return
        for hold, amount in zip(held.holds, amounts, strict=True):
            self._add(hold.account, amount, -hold.worst)

    async def take(self, holds: Sequence[Hold]) -> Held | Full:
        """See `Counters.take`. Never raises."""
        held = await self.reserve(holds)
        if isinstance(held, Held):
            self.settle(held, [hold.worst for hold in holds])
        return held

    async def read(self, accounts: Sequence[Account]) -> Mapping[Account, Tally]:
        """See `Counters.read`."""
        return {account: self._tallies.get(account, _NOTHING) for account in accounts}

    def glance(self, account: Account) -> Tally:
        """See `Counters.glance`."""
        return self._tallies.get(account, _NOTHING)

    async def close(self) -> None:
        """See `Counters.close`."""

    def forgive(self, account: Account, amount: int) -> None:
        """What was used is counted elsewhere now."""
        self._add(account, -amount, 0)

    def changed(self) -> Iterable[tuple[Account, Tally]]:
        """The accounts that have changed since this was last asked."""
        changed, self._changed = self._changed, set()
        return [(account, self._tallies[account]) for account in changed if account in self._tallies]

    def remember_change(self, accounts: Iterable[Account]) -> None:
        """Accounts that `changed` told of are to be told of again."""
        self._changed.update(accounts)

    def _add(self, account: Account, spent: int, held: int) -> Tally:
        before = self._tallies.get(account, _NOTHING)
        tally = self._tallies[account] = Tally(before.spent + spent, before.held + held)
        self._changed.add(account)
        if len(self._tallies) >= self._next_sweep:
            self._sweep()
        return tally

    def _sweep(self) -> None:
        """Forget the windows that are over."""
        now = self._clock.now().timestamp()
        over = [account for account, tally in self._tallies.items() if account.ends <= now and not tally.held]
        for account in over:
            del self._tallies[account]
        self._changed.intersection_update(self._tallies)
        self._next_sweep = 2 * len(self._tallies) + _SWEEP_EVERY
