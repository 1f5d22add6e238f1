"""Room and its lines: nobody waits while there is room, the least served is served first, lines have an end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.waiting import until
from turnout.errors import Overloaded
from turnout.server.lag import LagLimit
from turnout.server.room import STANDING_SHARE, Room


@dataclass
class Limits:
    max_in_flight: int = 2
    max_waiting: int = 4
    max_wait: float = 3_600.0


class Visits:
    """Requests that come and go, as a gateway's endpoints let them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.room = Room(lambda: self.limits)
        self.inside: list[str] = []
        self.refused: list[str] = []
        self.line: dict[str, int] = {}
        self.tasks: list[tuple[str, asyncio.Task[None]]] = []

    async def come(self, who: str) -> None:
        self.tasks.append((who, asyncio.create_task(self._visit(who))))
        await _settled()

    async def leave(self, position: int) -> None:
        self.room.leave(self.inside.pop(position))
        await _settled()

    async def give_up(self, position: int) -> None:
        waiting = [task for _, task in self.tasks if not task.done()]
        waiting[position % len(waiting)].cancel()
        await _settled()

    async def _visit(self, who: str) -> None:
        self.line[who] = self.line.get(who, 0) + 1
        try:
            await self.room.enter(who)
            self.inside.append(who)
        except Overloaded:
            self.refused.append(who)
        finally:
            self.line[who] -= 1

    def waiting(self) -> dict[str, int]:
        return {who: number for who, number in self.line.items() if number}


async def _settled() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


def run(visits: Coroutine[Any, Any, None]) -> None:
    asyncio.run(visits)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.sampled_from("abc")),
        st.tuples(st.sampled_from(["leave", "give up"]), st.integers(0, 50)),
    ),
    max_size=60,
)


@given(steps=STEPS, in_flight=st.integers(1, 4), waiting=st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_laws_of_the_room_hold_whoever_comes_and_goes(
    steps: list[tuple[str, Any]], in_flight: int, waiting: int
) -> None:
    async def lived() -> None:
        visits = Visits(Limits(in_flight, waiting))
        for step, what in steps:
            before = {who: visits.inside.count(who) for who in "abc"}
            lines = visits.waiting()
            inside = len(visits.inside)
            if step == "come":
                await visits.come(what)
            elif step == "leave" and visits.inside:
                left = visits.inside[what % inside]
                await visits.leave(what % inside)
                before[left] -= 1
            elif step == "give up" and lines:
                await visits.give_up(what)
            _check(visits)
            if step == "leave" and lines:
                (served,) = [who for who in "abc" if visits.inside.count(who) > before[who]]
                assert before[served] == min(before[who] for who in lines)
        for _, task in visits.tasks:
            task.cancel()
        await _settled()
        while visits.inside:
            await visits.leave(0)
        assert (visits.room.under_way, visits.room.waiting) == (0, 0)

    run(lived())


def _check(visits: Visits) -> None:
    limits, line = visits.limits, visits.waiting()
    assert visits.room.under_way == len(visits.inside) <= limits.max_in_flight
    assert visits.room.waiting == sum(line.values()) <= limits.max_waiting
    assert not line or len(visits.inside) == limits.max_in_flight, "somebody waits while there is room"


def test_one_who_sends_much_delays_and_displaces_nobody_who_sends_little() -> None:
    async def lived() -> None:
        visits = Visits(Limits(max_in_flight=4, max_waiting=8))
        for _ in range(40):
            await visits.come("batch")
        assert (visits.inside.count("batch"), visits.waiting()["batch"]) == (4, 8)
        for _ in range(3):
            await visits.come("chat")
        assert visits.waiting() == {"batch": 5, "chat": 3}, "a full line makes place for whoever has little of it"
        assert "chat" not in visits.refused
        await visits.leave(0)
        await visits.leave(0)
        assert visits.inside.count("chat") == 2, "what falls free goes to whoever has least"

    run(lived())


def test_equals_take_turns() -> None:
    async def lived() -> None:
        visits = Visits(Limits(max_in_flight=1, max_waiting=9))
        for who in "aaabbbccc":
            await visits.come(who)
        served = ""
        for _ in range(8):
            await visits.leave(0)
            served += visits.inside[0]
        assert served == "abcabcbc"

    run(lived())


def test_a_wait_ends_in_a_refusal_that_says_when_to_come_again() -> None:
    async def lived() -> None:
        room = Room(lambda: Limits(max_in_flight=1, max_wait=0.05))
        await room.enter("a")
        with pytest.raises(Overloaded) as refused:
            await room.enter("a")
        assert refused.value.retry_after_s
        assert refused.value.retryable
        room.leave("a")
        await room.enter("a")

    run(lived())


def test_in_a_line_that_has_stood_for_long_one_waits_a_fraction_of_the_time() -> None:
    async def lived() -> None:
        limits = Limits(max_in_flight=1, max_waiting=50, max_wait=2.0)
        visits = Visits(limits)
        await visits.come("batch")
        await visits.come("batch")
        await asyncio.sleep(1.2)
        await visits.come("batch")  # the line is not empty when the first has waited its time
        await until(lambda: len(visits.refused) == 1)
        began = asyncio.get_running_loop().time()
        await visits.come("batch")
        await visits.come("chat")
        await until(lambda: len(visits.refused) == 2)
        assert visits.waiting()["chat"] == 1, "who has only just come may wait as long as ever"
        assert asyncio.get_running_loop().time() - began < limits.max_wait / STANDING_SHARE + 0.6

    run(lived())


def test_who_could_only_be_refused_is_refused_before_its_body_is_read() -> None:
    async def lived() -> None:
        visits = Visits(Limits(max_in_flight=1, max_waiting=2))
        for _ in range(3):
            visits.room.check("a")
            await visits.come("a")
        with pytest.raises(Overloaded):
            visits.room.check("a")
        visits.room.check("b")

    run(lived())


def test_a_loop_that_is_late_lets_fewer_in_and_recovers() -> None:
    async def lived() -> None:
        visits = Visits(Limits(max_in_flight=100, max_waiting=100))
        limit = LagLimit(visits.room, lambda: 0.25)
        for _ in range(50):
            await visits.come("a")
        for late in (0.5, 0.5, 0.1, 0.5):
            limit.sample(late)
        await visits.come("b")
        assert visits.inside.count("b") == 1, "a burst is not a standing queue"
        for _ in range(4):
            limit.sample(0.5)
        await visits.come("c")
        assert visits.waiting() == {"c": 1}
        for _ in range(400):
            limit.sample(0.5)
        while len(visits.inside) > 7:
            await visits.leave(0)
        assert not visits.waiting(), "some are let in however late it is"
        for _ in range(60):
            await visits.come("d")
        for _ in range(200):
            limit.sample(0.0)
        await _settled()
        assert not visits.waiting()

    run(lived())
