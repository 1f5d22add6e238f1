"""Values that are kept for a while: in memory, and in a file that processes share."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.errors import LedgerError
from turnout.state.database import Lane, Unavailable, forget_all
from turnout.state.entries import Entries
from turnout.state.memory import MemoryEntries
from turnout.state.sqlite import SqliteEntries
from turnout.testing import FrozenClock

KEY = b"k" * 32


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(params=["memory", "disk"])
def entries(request: pytest.FixtureRequest, tmp_path: Path, clock: FrozenClock) -> Iterator[Entries]:
    disk = SqliteEntries(tmp_path / "state" / "state.sqlite", 100_000, clock)
    kept: Entries = MemoryEntries(100_000, clock) if request.param == "memory" else disk
    yield kept
    kept.close()
    disk.close()


async def got(entries: Entries, tenant: str, key: bytes = KEY) -> bytes | None:
    """What is there, once what was put has been written: a store on a busy machine may miss, as it may in service."""
    for _ in range(200):
        if (found := await entries.get(tenant, key)) is not None:
            return found
        await asyncio.sleep(0.005)
    return None


async def test_a_value_is_there_for_its_tenant_alone_and_until_it_expires(entries: Entries, clock: FrozenClock) -> None:
    entries.put("a", KEY, b"value", 60)
    assert await got(entries, "a") == b"value"
    assert await entries.get("b", KEY) is None
    assert await entries.get("a", b"other") is None
    entries.put("a", KEY, b"newer", 60)
    while await got(entries, "a") != b"newer":
        await asyncio.sleep(0.005)
    clock.advance(60)
    assert await entries.get("a", KEY) is None


async def test_a_value_that_is_too_large_is_not_kept(entries: Entries) -> None:
    entries.put("a", KEY, b"x" * 100_001, 60)
    entries.put("a", b"small", b"x", 60)
    assert await got(entries, "a", b"small") == b"x"
    assert await entries.get("a", KEY) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 3000)), max_size=60))
def test_memory_never_holds_more_than_it_may_and_forgets_what_was_not_asked_for(puts: list) -> None:
    entries = MemoryEntries(5000, FrozenClock())
    for tenant, key, size in puts:
        entries.put(tenant, bytes([key]), b"x" * size, 60)
        assert 0 <= entries.size <= 5000
    if puts:
        tenant, key, size = puts[-1]
        assert asyncio.run(entries.get(tenant, bytes([key]))) == b"x" * size
    entries.close()
    assert entries.size == 0


async def test_what_was_asked_for_stays_when_room_is_needed() -> None:
    entries = MemoryEntries(3500, FrozenClock())
    entries.put("t", b"1", b"x" * 1000, 60)
    entries.put("t", b"2", b"x" * 1000, 60)
    await entries.get("t", b"1")
    entries.put("t", b"3", b"x" * 1000, 60)
    assert [await entries.get("t", key) is not None for key in (b"1", b"2", b"3")] == [True, False, True]


async def test_another_process_finds_what_one_put_and_the_file_is_its_owners_alone(
    tmp_path: Path, clock: FrozenClock
) -> None:
    file = tmp_path / "state.sqlite"
    with closing(SqliteEntries(file, 10_000, clock)) as one, closing(SqliteEntries(file, 10_000, clock)) as other:
        one.put("t", KEY, b"value", 60)
        assert await got(other, "t") == b"value"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_file_holds_about_what_it_may(tmp_path: Path, clock: FrozenClock) -> None:
    file = tmp_path / "state.sqlite"
    with closing(SqliteEntries(file, 20_000, clock)) as entries:
        for number in range(129):
            entries.put("t", number.to_bytes(4, "big"), b"x" * 1000, 60 + number)
    with closing(sqlite3.connect(file)) as reading:
        rows = reading.execute("SELECT key FROM entries ORDER BY expires").fetchall()
    assert 0 < len(rows) <= 20
    assert rows[-1] == ((128).to_bytes(4, "big"),)


async def test_a_file_that_is_no_database_has_nothing_and_stops_nobody(tmp_path: Path, clock: FrozenClock) -> None:
    file = tmp_path / "state.sqlite"
    file.write_bytes(b"this is not a database" * 100)
    with closing(SqliteEntries(file, 10_000, clock)) as entries:
        entries.put("t", KEY, b"value", 60)
        for _ in range(3):
            assert await entries.get("t", KEY) is None
    with pytest.raises(LedgerError, match=r"state\.sqlite"):
        forget_all(file)
    with closing(SqliteEntries(file, 10_000, clock)) as again:
        await again.get("t", KEY)
        file.unlink()
        clock.advance(6)
        again.put("t", KEY, b"value", 60)
        assert await got(again, "t") == b"value"


async def test_a_slow_file_is_not_waited_for_and_the_event_loop_goes_on(tmp_path: Path, clock: FrozenClock) -> None:
    with closing(Lane(tmp_path / "state.sqlite", clock)) as lane:
        lane.submit(lambda _: time.sleep(2))
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await lane.ask(lambda _: b"late", 0.02)
        assert time.monotonic() - began < 1.5
    assert lane.submit(lambda _: None) is None


async def test_nothing_is_left_of_what_was_to_be_forgotten(tmp_path: Path, clock: FrozenClock) -> None:
    file = tmp_path / "state.sqlite"
    forget_all(file)
    with closing(SqliteEntries(file, 10_000, clock)) as entries:
        entries.put("t", KEY, b"a telling phrase", 60)
        assert await got(entries, "t")
        forget_all(file)
        assert await entries.get("t", KEY) is None
    assert all(b"a telling phrase" not in left.read_bytes() for left in tmp_path.iterdir())
