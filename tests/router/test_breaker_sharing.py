"""Breakers of several processes: opened and closed as one, probed by one, and each its own while nobody is heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.valkeys import valkey_server
from tests.waiting import until
from turnout.execution.breaker import BreakerBoard, BreakerSettings, Permit
from turnout.router.breaker_sharing import BreakerSharing
from turnout.state.breaker_words import BreakerWords, SqliteBreakerWords, Word
from turnout.state.database import Unavailable
from turnout.state.valkey_breaker_words import ValkeyBreakerWords
from turnout.testing import FrozenClock
from turnout.types.conditions import BreakerState
from turnout.types.events import BreakerChanged

SETTINGS = BreakerSettings(consecutive=3, cooldown=10.0)
OPEN, HALF_OPEN, CLOSED = BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED


class Process:
    """A process of several, with breakers of `one` and `other`."""

    def __init__(self, name: str, words: BreakerWords, clock: FrozenClock) -> None:
        self.changes: list[BreakerChanged] = []
        self.board = BreakerBoard(("one", "other"), SETTINGS, clock, self.changes.append)
        self.words = words
        self.sharing = BreakerSharing(words, lambda: self.board, clock, name)

    def permit(self) -> Permit:
        permit = self.board["one"].admit()
        assert permit is not None
        return permit

    def trip(self) -> None:
        for _ in range(3):
            self.permit().failed("it was down")

    @property
    def state(self) -> BreakerState:
        return self.board["one"].state


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with valkey_server() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@asynccontextmanager
async def processes(number: int, words: Callable[[], BreakerWords], clock: FrozenClock) -> AsyncIterator[list[Process]]:
    made = [Process(f"gateway-{place}", words(), clock) for place in range(number)]
    try:
        yield made
    finally:
        for each in made:
            await each.words.close()


async def step(*which: Process) -> None:
    for each in which:
        await each.sharing.step()


def in_file(directory: Path, clock: FrozenClock) -> Callable[[], BreakerWords]:
    return lambda: SqliteBreakerWords(directory / "breakers.sqlite", clock)


async def test_what_opens_in_one_opens_in_all_and_is_probed_by_the_one(tmp_path: Path, clock: FrozenClock) -> None:
    async with processes(3, in_file(tmp_path, clock), clock) as (first, second, third):
        first.trip()
        await step(first, second, third)
        assert [each.state for each in (first, second, third)] == [OPEN] * 3
        assert second.changes[0].reason == "3 failures in a row; last: it was down (seen by gateway-0)"
        assert second.board["other"].state is CLOSED
        clock.advance(10.5)
        await step(first, second, third)
        assert [each.state for each in (first, second, third)] == [HALF_OPEN, OPEN, OPEN]
        first.permit().succeeded()
        await step(first, second, third)
        assert [each.state for each in (first, second, third)] == [CLOSED] * 3
        assert [change.state for change in third.changes] == [OPEN, CLOSED]
        assert third.board.not_closed() == {}


async def test_a_probe_that_fails_keeps_it_open_for_all(tmp_path: Path, clock: FrozenClock) -> None:
    async with processes(2, in_file(tmp_path, clock), clock) as (first, second):
        first.trip()
        await step(first, second)
        clock.advance(10.5)
        first.permit().failed("still down")
        await step(first, second)
        clock.advance(9)
        assert (first.state, second.state) == (OPEN, OPEN)


async def test_where_the_one_that_opened_it_is_gone_another_probes(tmp_path: Path, clock: FrozenClock) -> None:
    async with processes(2, in_file(tmp_path, clock), clock) as (first, second):
        first.trip()
        await step(first, second)
        clock.advance(13.1)
        await step(second)
        assert second.state is HALF_OPEN
        second.permit().succeeded()
        await step(second, first)
        assert (first.state, second.state) == (CLOSED, CLOSED)


async def test_a_process_that_begins_knows_what_is_down_and_not_what_was(tmp_path: Path, clock: FrozenClock) -> None:
    async with processes(3, in_file(tmp_path, clock), clock) as (first, second, third):
        first.trip()
        await step(first, second)
        assert second.state is OPEN
        clock.advance(60)
        await step(third)
        assert third.state is CLOSED


async def test_what_was_just_seen_here_is_newer_than_what_is_heard(tmp_path: Path, clock: FrozenClock) -> None:
    async with processes(2, in_file(tmp_path, clock), clock) as (first, second):
        first.trip()
        await step(first, second)
        clock.advance(10.5)
        first.permit().succeeded()
        await step(first)
        second.board["one"].follow(None, "as if it had closed")
        second.trip()
        await step(second, first)
        assert (first.state, second.state) == (OPEN, OPEN)


async def test_valkey_tells_them_by_its_own_clock(url: str, clock: FrozenClock) -> None:
    async with processes(2, lambda: ValkeyBreakerWords(url, timeout_s=30), clock) as (first, second):
        first.permit().failed("busy", retry_after_s=3600)
        await step(first, second)
        clock.advance(3500)
        assert second.state is OPEN
        clock.advance(104)
        assert second.state is HALF_OPEN
        second.permit().succeeded()
        await step(second, first)
        assert (first.state, second.state) == (CLOSED, CLOSED)


class Deaf:
    """Words that cannot be reached, until they can."""

    def __init__(self, words: BreakerWords) -> None:
        self.words = words
        self.deaf = True

    async def heard(self) -> dict[str, Word]:
        if self.deaf:
            raise Unavailable("nobody answers")
        return dict(await self.words.heard())

    async def say(self, words: Mapping[str, Word]) -> None:
        await self.words.say(words)

    async def close(self) -> None:
        await self.words.close()


async def test_while_nobody_is_heard_each_goes_by_its_own_and_tells_it_afterwards(
    tmp_path: Path, clock: FrozenClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnout.router.breaker_sharing._REST_S", 0.02)
    deaf = Deaf(SqliteBreakerWords(tmp_path / "breakers.sqlite", clock))
    first = Process("gateway-0", deaf, clock)
    running = asyncio.create_task(first.sharing.run())
    await until(lambda: "each process goes by its own" in caplog.text)
    first.trip()
    assert first.state is OPEN
    deaf.deaf = False
    await until(lambda: "is heard again" in caplog.text)
    async with processes(1, in_file(tmp_path, clock), clock) as (second,):
        await step(second)
        assert second.state is OPEN
    running.cancel()
    await asyncio.wait([running])
    assert caplog.text.count("cannot be heard") == 1
