"""Counts that several requests, and several processes, draw on at the same time: budgets and rate limits.

What will be used is not known before it is used, so it is first reserved at its worst and then settled at what it was.
Amounts are whole numbers of whatever is counted: pico-USD, tokens, calls.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

LEASE_S = 15.0
"""What a process has reserved and not settled is given back when nothing has been heard of the process for so long."""


class Account(NamedTuple):
    """Something that is counted, in one window of time.

    Attributes:
        name: what is counted, and for whom.
        window: which window; empty for the only one.
        ends: when the window ends, in seconds since 1970; after that it may be forgotten.
    """

    name: str
    window: str = ""
    ends: float = math.inf


class Hold(NamedTuple):
    """What one request wants of an account.

    Attributes:
        account: whose.
        worst: the most that it can use; so much is reserved.
        likely: what it will probably use. A request that fits by this alone is let in while nobody else holds
            anything, so that the end of a limit can be used as well.
        limit: the most that may be used in the window; None only counts.
        lease: what this process may let in by itself while the others cannot be asked; 0 lets in nothing.
    """

    account: Account
    worst: int
    likely: int
    limit: int | None = None
    lease: int = 0


class Tally(NamedTuple):
    """How an account stands: what was used, and what is reserved besides."""

    spent: int = 0
    held: int = 0


class Held(NamedTuple):
    """A reservation. It is to be settled once, however the request ends.

    Attributes:
        ticket: its name.
        holds: what is reserved.
        tallies: how the account of each hold stands with it.
    """

    ticket: str
    holds: tuple[Hold, ...]
    tallies: Sequence[Tally] = ()


class Full(NamedTuple):
    """There is no room.

    Attributes:
        hold: the first one that does not fit.
        tally: how its account stands.
        busy: whether it would fit but for what others have reserved, and so perhaps soon.
    """

    hold: Hold
    tally: Tally
    busy: bool


class Unreachable(Exception):
    """The others cannot be asked, and nothing may be let in without them."""


class Counters(Protocol):
    """Counts in memory, in a file, or on a server. Whatever is counted is right however many ask at once.

    The law of each account, where no `worst` is exceeded: `spent` passes `limit` by no more than one request's
    difference between `worst` and `likely`.
    """

    async def reserve(self, holds: Sequence[Hold]) -> Held | Full:
        """Reserve all of `holds`, or nothing. In memory this never suspends.

        Raises:
            Unreachable: the counts are shared, cannot be reached, and a hold has no lease.
        """
        ...

    def settle(self, held: Held, amounts: Sequence[int]) -> None:
        """Give back what is reserved, and count what was used of each hold, in order. Never waits, never raises.

        Of several times for one reservation the first counts.
        """
        ...

    async def take(self, holds: Sequence[Hold]) -> Held | Full:
        """Use `worst` of each hold now, or nothing of any. Raises as `reserve`. The result needs no settling."""
        ...

    async def read(self, accounts: Sequence[Account]) -> Mapping[Account, Tally]:
        """How accounts stand; as last heard, where they cannot be asked."""
        ...

    def glance(self, account: Account) -> Tally:
        """How an account stands, as last heard, without asking."""
        ...

    async def close(self) -> None:
        """Write what waits, and end."""
        ...


def no_room(holds: Sequence[Hold], tallies: Sequence[Tally]) -> Full | None:
    """Why `holds` do not all fit into accounts that stand as `tallies` say; None if they do.

    A hold fits if it is of nothing, or if nothing is exceeded should everybody use their worst. One that does not fit
    so is let in alone, if it will probably stay within the limit.
    """
    busy: Full | None = None
    for hold, tally in zip(holds, tallies, strict=True):
        if hold.limit is None or not hold.worst or tally.spent + tally.held + hold.worst <= hold.limit:
            continue
        if tally.spent + hold.likely > hold.limit:
            return Full(hold, tally, busy=False)
        if tally.held and busy is None:
            busy = Full(hold, tally, busy=True)
    return busy
