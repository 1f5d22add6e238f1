"""Counts that processes share: asked in batches, and done without for a while when they cannot be reached.

What is asked while a batch is under way makes the next one, so that the cost of reaching the others is shared by all
who wait. When they cannot be reached, whoever waits is let in on a lease of this process's own, if the hold has one;
from then on nobody waits until they answer again, and what was used meanwhile is told them then.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from turnout.state.counters import LEASE_S, Account, Full, Held, Hold, Tally, Unreachable
from turnout.state.database import Unavailable
from turnout.state.memory_counters import MemoryCounters
from turnout.types.clock import Clock

REST_S: Final = 1.0
"""How long those who cannot be reached are left alone before they are asked again."""

_MOST_IN_A_BATCH: Final = 256
_MOST_SEEN: Final = 10_000
_FAREWELL_S: Final = 2.0

_log = logging.getLogger("turnout.state")


class Reserve(NamedTuple):
    """Reserve all holds or nothing; `used` at once, where they need no settling. Gives how the accounts stand."""

    ticket: str
    holds: tuple[Hold, ...]
    floors: tuple[int, ...]
    used: bool = False


class Settle(NamedTuple):
    """Settle a reservation. Nothing where that was done before."""

    ticket: str
    holds: tuple[Hold, ...]
    amounts: tuple[int, ...]


class Book(NamedTuple):
    """Count what was used without asking, once for each id, on top of `floor`: what had been used before, at least."""

    id: str
    account: Account
    amount: int
    floor: int = 0


class Read(NamedTuple):
    """How accounts stand."""

    accounts: tuple[Account, ...]


class Renew(NamedTuple):
    """This process lives."""


Op = Reserve | Settle | Book | Read | Renew


class Answer(NamedTuple):
    """What came of an operation: how each of its accounts stands now, and the hold that had no room."""

    tallies: Sequence[Tally] = ()
    full: Full | None = None


class Backend(Protocol):
    """Where the counts are."""

    async def run(self, owner: str, ops: Sequence[Op]) -> Sequence[Answer]:
        """Do what a process asks, in order, each operation whole or not at all.

        Raises:
            Unavailable: it cannot be reached, or not soon enough; some of it may have been done.
        """
        ...

    async def close(self) -> None:
        """End."""
        ...


@dataclass(slots=True)
class _Waiting:
    op: Op
    answer: asyncio.Future[Answer] | None = None


class SharedCounters:
    """See `Counters`. For one event loop.

    Args:
        backend: where the counts are.
        clock: for the windows of what is counted alone.
        name: what the log calls the backend.
    """

    def __init__(self, backend: Backend, clock: Clock, *, name: str) -> None:
        self._backend = backend
        self._name = name
        self._owner = uuid.uuid4().hex[:12]
        self._tickets = itertools.count()
        self._asked: deque[_Waiting] = deque()
        self._owed: OrderedDict[str, Op] = OrderedDict()
        self._seen: OrderedDict[Account, Tally] = OrderedDict()
        self._open: set[str] = set()
        self._alone = MemoryCounters(clock)
        self._alone_open: set[str] = set()
        self._debts: Counter[Account] = Counter()
        self._sending: asyncio.Task[None] | None = None
        self._living: asyncio.Task[None] | None = None
        self._returning: asyncio.Task[None] | None = None
        self._away = False

    @property
    def away(self) -> bool:
        """Whether the others cannot be reached at the moment."""
        return self._away

    async def reserve(self, holds: Sequence[Hold]) -> Held | Full:
        """See `Counters.reserve`."""
        return await self._reserve(tuple(holds), used=False)

    async def take(self, holds: Sequence[Hold]) -> Held | Full:
        """See `Counters.take`."""
        return await self._reserve(tuple(holds), used=True)

    def settle(self, held: Held, amounts: Sequence[int]) -> None:
        """See `Counters.settle`."""
        if held.ticket in self._alone_open:
            self._alone_open.discard(held.ticket)
            self._alone.settle(held, amounts)
            for hold, amount in zip(held.holds, amounts, strict=True):
                self._debts[hold.account] += amount
            if not self._away:
                self._begin_sending()
        elif held.ticket in self._open:
            self._open.discard(held.ticket)
            self._owed[held.ticket] = Settle(held.ticket, held.holds, tuple(amounts))
            if not self._away:
                self._begin_sending()

    async def read(self, accounts: Sequence[Account]) -> Mapping[Account, Tally]:
        """See `Counters.read`."""
        if not self._away:
            try:
                answer = await self._ask(Read(tuple(accounts)))
            except Unavailable:
                pass
            else:
                self._saw(accounts, answer.tallies)
                return {each: self.glance(each) for each in accounts}
        alone = await self._alone.read(accounts)
        return {account: _sum(self._seen.get(account, Tally()), alone[account]) for account in accounts}

    def glance(self, account: Account) -> Tally:
        """See `Counters.glance`."""
        return self._seen.get(account, Tally())

    async def close(self) -> None:
        """See `Counters.close`."""
        ending = [task for task in (self._living, self._returning) if task is not None]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        try:
            async with asyncio.timeout(_FAREWELL_S):
                while self._sending is not None and not self._away:
                    await asyncio.shield(self._sending)
                while self._owed or self._debts:
                    await self._send([])
        except (TimeoutError, Unavailable):
            _log.warning("%s could not be told of %d last amounts", self._name, len(self._owed))
        await self._backend.close()

    async def _reserve(self, holds: tuple[Hold, ...], *, used: bool) -> Held | Full:
        if self._away:
            return await self._reserve_alone(holds, used=used)
        ticket = f"{self._owner}:{next(self._tickets)}"
        floors = tuple(self._seen[hold.account].spent if hold.account in self._seen else 0 for hold in holds)
        nothing = (0,) * len(holds)
        self._open.add(ticket)
        try:
            answer = await self._ask(Reserve(ticket, holds, floors, used))
        except (Unavailable, asyncio.CancelledError) as error:
            self.settle(Held(ticket, holds), nothing)  # it may have been granted
            if not isinstance(error, Unavailable):
                raise
            return await self._reserve_alone(holds, used=used)
        self._saw([hold.account for hold in holds], answer.tallies)
        if answer.full is not None or used:
            self._open.discard(ticket)
        return answer.full or Held(ticket, holds, answer.tallies)

    async def _reserve_alone(self, holds: tuple[Hold, ...], *, used: bool) -> Held | Full:
        """On this process's own lease: no more of what was left when the others were last heard."""
        leased = []
        for hold in holds:
            if hold.limit is None:
                leased.append(hold)
                continue
            if not hold.lease:
                raise Unreachable
            seen = self._seen.get(hold.account, Tally())
            leased.append(hold._replace(limit=max(0, min(hold.lease, hold.limit - seen.spent))))
        held = await self._alone.reserve(leased)
        if isinstance(held, Full):
            return held
        held = held._replace(holds=tuple(leased))
        self._alone_open.add(held.ticket)
        if used:
            self.settle(held, [hold.worst for hold in holds])
        return held

    async def _ask(self, op: Op) -> Answer:
        waiting = _Waiting(op, asyncio.get_running_loop().create_future())
        self._asked.append(waiting)
        self._begin_sending()
        assert waiting.answer is not None  # noqa: S101 - as made above
        return await waiting.answer

    def _begin_sending(self) -> None:
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_all(), name="turnout-counters")
        if self._living is None:
            self._living = asyncio.get_running_loop().create_task(self._live(), name="turnout-counters-lease")

    async def _send_all(self) -> None:
        """Batch after batch, until nothing waits."""
        try:
            while self._asked or self._owed or self._debts:
                batch = [self._asked.popleft() for _ in range(min(len(self._asked), _MOST_IN_A_BATCH))]
                batch = [each for each in batch if each.answer is None or not each.answer.done()]
                try:
                    await self._send(batch)
                except Unavailable as error:
                    self._leave(batch, error)
                    return
        finally:
            self._sending = None

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        """What is owed comes first: it makes room."""
        for account, amount in self._debts.items():
            booking = f"{self._owner}:{next(self._tickets)}"
            self._owed[booking] = Book(booking, account, amount, self._seen.get(account, Tally()).spent)
        self._debts.clear()
        owed = list(itertools.islice(self._owed.items(), _MOST_IN_A_BATCH))
        ops = [*(op for _, op in owed), *(each.op for each in batch)]
        answers = await self._backend.run(self._owner, ops)
        for (name, op), answer in zip(owed, answers, strict=False):
            del self._owed[name]
            self._told(op, answer)
        for each, answer in zip(batch, answers[len(owed) :], strict=True):
            if each.answer is not None and not each.answer.done():
                each.answer.set_result(answer)

    def _told(self, op: Op, answer: Answer) -> None:
        if isinstance(op, Book):
            self._alone.forgive(op.account, op.amount)
            self._saw([op.account], answer.tallies)
        elif isinstance(op, Settle):
            self._saw([hold.account for hold in op.holds], answer.tallies)

    def _leave(self, batch: Sequence[_Waiting], error: Unavailable) -> None:
        """The others cannot be reached: nobody waits for them any more."""
        if not self._away:
            _log.error("%s cannot be reached (%s); budgets and limits are counted alone", self._name, error)
            self._returning = asyncio.get_running_loop().create_task(self._return(), name="turnout-counters-return")
        self._away = True
        for each in (*batch, *self._asked):
            if each.answer is not None and not each.answer.done():
                each.answer.set_exception(Unavailable(str(error)))
        self._asked.clear()

    async def _live(self) -> None:
        """Tell the others that this process lives, while it has something reserved."""
        while True:
            await asyncio.sleep(LEASE_S / 3)
            if self._open and not self._away:
                self._asked.append(_Waiting(Renew()))
                self._begin_sending()

    async def _return(self) -> None:
        """See when those who are away are back."""
        while self._away:
            await asyncio.sleep(REST_S)
            try:
                await self._backend.run(self._owner, [Renew()])
            except Unavailable:
                continue
            self._away = False
            _log.warning("%s can be reached again", self._name)
            self._begin_sending()

    def _saw(self, accounts: Sequence[Account], tallies: Sequence[Tally]) -> None:
        """What was used stays used, should those who are asked have forgotten it."""
        for account, tally in zip(accounts, tallies, strict=False):
            spent = max(tally.spent, self.glance(account).spent)
            self._seen[account] = tally._replace(spent=spent)
            self._seen.move_to_end(account)
        while len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(one.spent + other.spent, one.held + other.held)
