from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from turnout.execution.breaker import Breaker, BreakerBoard, BreakerSettings, Permit
from turnout.testing import FrozenClock
from turnout.types.conditions import BreakerState
from turnout.types.events import BreakerChanged

SETTINGS = BreakerSettings(consecutive=3, ratio=0.5, minimum=10, window=30.0, cooldown=10.0)


@dataclass
class Bench:
    settings: BreakerSettings = SETTINGS
    clock: FrozenClock = field(default_factory=FrozenClock)
    changes: list[BreakerChanged] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = Breaker("target", self.settings, self.clock, self.changes.append)

    def state(self) -> BreakerState:
        return self.breaker.state

    def permit(self, *, last_resort: bool = False) -> Permit:
        permit = self.breaker.admit(last_resort=last_resort)
        assert permit is not None
        return permit

    def fail(self, times: int = 1, retry_after_s: float | None = None) -> None:
        for _ in range(times):
            self.permit().failed("server_error", retry_after_s)

    def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            self.permit().succeeded()


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    bench = Bench()
    bench.fail(2)
    bench.succeed()
    bench.fail(2)
    assert bench.state() is BreakerState.CLOSED
    bench.fail()
    assert bench.state() is BreakerState.OPEN
    assert bench.breaker.admit() is None
    assert [change.reason for change in bench.changes] == ["3 failures in a row; last: server_error"]


def test_a_share_of_failures_opens_it_from_the_minimum_on() -> None:
    bench = Bench()
    for _ in range(4):
        bench.fail()
        bench.succeed()
    bench.fail()
    assert bench.state() is BreakerState.CLOSED, "5 of 9 failed, and 9 are too few to tell"
    bench.fail()
    assert bench.state() is BreakerState.OPEN


def test_failures_older_than_the_window_are_forgotten() -> None:
    bench = Bench(BreakerSettings(consecutive=100, minimum=10, window=30.0))
    bench.fail(9)
    bench.clock.advance(31)
    bench.succeed(5)
    bench.fail(4)
    assert bench.state() is BreakerState.CLOSED


def test_after_its_rest_one_probe_decides() -> None:
    bench = Bench()
    bench.fail(3)
    bench.clock.advance(10)
    assert bench.state() is BreakerState.HALF_OPEN
    probe = bench.permit()
    assert bench.breaker.admit() is None
    probe.failed("server_error")
    assert bench.state() is BreakerState.OPEN
    bench.clock.advance(10)
    bench.permit().succeeded()
    assert bench.state() is BreakerState.CLOSED
    assert [change.state for change in bench.changes] == [BreakerState.OPEN, BreakerState.CLOSED]


def test_a_fresh_start_follows_the_probe() -> None:
    bench = Bench()
    bench.fail(3)
    bench.clock.advance(10)
    bench.succeed()
    bench.fail(2)
    assert bench.state() is BreakerState.CLOSED


def test_five_hundred_at_once_make_one_probe() -> None:
    bench = Bench()
    bench.fail(3)
    bench.clock.advance(10)
    assert sum(bench.breaker.admit() is not None for _ in range(500)) == 1


def test_a_probe_that_tells_nothing_makes_room_for_the_next() -> None:
    bench = Bench()
    bench.fail(3)
    bench.clock.advance(10)
    bench.permit().abandoned()
    assert bench.state() is BreakerState.HALF_OPEN
    bench.permit().succeeded()
    assert bench.state() is BreakerState.CLOSED


def test_calls_that_began_before_it_opened_do_not_stand_for_the_probe() -> None:
    bench = Bench()
    old = [bench.permit() for _ in range(3)]
    bench.fail(3)
    bench.clock.advance(10)
    probe = bench.permit()
    old[0].abandoned()
    old[1].succeeded()
    old[2].failed("server_error")
    assert bench.state() is BreakerState.HALF_OPEN
    assert bench.breaker.admit() is None, "the probe is still under way"
    probe.succeeded()
    assert bench.state() is BreakerState.CLOSED


def test_the_last_resort_is_a_probe_before_its_time_and_still_the_only_one() -> None:
    bench = Bench()
    bench.fail(3)
    probe = bench.permit(last_resort=True)
    assert bench.breaker.admit(last_resort=True) is None
    probe.succeeded()
    assert bench.state() is BreakerState.CLOSED


def test_a_provider_that_asks_to_wait_is_left_alone_for_that_long() -> None:
    bench = Bench()
    bench.fail(1, retry_after_s=30.0)
    bench.clock.advance(29.9)
    assert bench.state() is BreakerState.OPEN
    bench.clock.advance(0.2)
    assert bench.state() is BreakerState.HALF_OPEN


@given(st.permutations([1.0, 5.0, 60.0]))
def test_of_several_wishes_to_wait_the_one_that_ends_last_holds(waits: list[float]) -> None:
    bench = Bench()
    for permit, wait in zip([bench.permit() for _ in waits], waits, strict=True):
        permit.failed("rate_limited", wait)
    bench.clock.advance(59.9)
    assert bench.state() is BreakerState.OPEN
    bench.clock.advance(0.2)
    assert bench.state() is BreakerState.HALF_OPEN


@given(st.lists(st.sampled_from(["fail", "succeed", "abandon"]), max_size=60))
def test_it_opens_only_by_failures_in_a_row_or_by_a_share_of_enough_calls(ends: list[str]) -> None:
    bench = Bench()
    calls = failures = in_a_row = 0
    for end in ends:
        permit = bench.permit()
        match end:
            case "fail":
                calls, failures, in_a_row = calls + 1, failures + 1, in_a_row + 1
                permit.failed("server_error")
            case "succeed":
                calls, in_a_row = calls + 1, 0
                permit.succeeded()
            case _:
                permit.abandoned()
        should = end == "fail" and (in_a_row >= 3 or (calls >= 10 and failures >= calls / 2))
        assert (bench.state() is BreakerState.OPEN) == should
        if should:
            return


@given(st.integers(min_value=0, max_value=1000))
def test_what_the_caller_caused_never_opens_it(times: int) -> None:
    bench = Bench()
    for _ in range(times):
        bench.permit().abandoned()
    assert bench.state() is BreakerState.CLOSED


class BreakerUnderLoad(RuleBasedStateMachine):
    """Calls overlap in any order, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.ordinary: list[Permit] = []
        self.probes: list[Permit] = []

    @rule(last_resort=st.booleans())
    def ask(self, *, last_resort: bool) -> None:
        closed = self.bench.state() is BreakerState.CLOSED
        permit = self.bench.breaker.admit(last_resort=last_resort)
        if closed:
            assert permit is not None, "a closed breaker refuses nobody"
        if permit is not None:
            (self.probes if permit.probe else self.ordinary).append(permit)

    @precondition(lambda self: self.ordinary)
    @rule(data=st.data(), end=st.sampled_from(["succeeded", "failed", "abandoned", "asked"]))
    def end_a_call(self, data: st.DataObject, end: str) -> None:
        place = data.draw(st.integers(0, len(self.ordinary) - 1))
        self._end(self.ordinary.pop(place), end)

    @precondition(lambda self: self.probes)
    @rule(end=st.sampled_from(["succeeded", "failed", "abandoned", "asked"]))
    def end_the_probe(self, end: str) -> None:
        self._end(self.probes.pop(), end)
        if end == "succeeded":
            assert self.bench.state() is BreakerState.CLOSED
        if end in {"failed", "asked"}:
            assert self.bench.state() is BreakerState.OPEN

    @rule(seconds=st.sampled_from([0.1, 5.0, 10.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)

    @invariant()
    def at_most_one_probe_is_under_way(self) -> None:
        assert len(self.probes) <= 1

    @invariant()
    def an_idle_breaker_lets_a_probe_through_in_the_end(self) -> None:
        if not self.probes and self.bench.state() is BreakerState.HALF_OPEN:
            permit = self.bench.permit()
            permit.abandoned()

    def _end(self, permit: Permit, end: str) -> None:
        match end:
            case "succeeded":
                permit.succeeded()
            case "failed":
                permit.failed("server_error")
            case "asked":
                permit.failed("rate_limited", 3.0)
            case _:
                permit.abandoned()


TestBreakerUnderLoad = BreakerUnderLoad.TestCase


def test_the_board_names_what_is_not_closed() -> None:
    clock = FrozenClock()
    told: list[BreakerChanged] = []
    board = BreakerBoard(["a", "b", "c"], SETTINGS, clock, told.append)
    assert board.not_closed() == {}
    for target in ("c", "a"):
        permit = board[target].admit()
        assert permit is not None
        permit.failed("overloaded", 5.0 if target == "c" else 50.0)
    clock.advance(6)
    assert board.not_closed() == {"a": BreakerState.OPEN, "c": BreakerState.HALF_OPEN}
    probe = board["c"].admit()
    assert probe is not None
    probe.succeeded()
    assert board.not_closed() == {"a": BreakerState.OPEN}
    assert [(change.target, change.state.value) for change in told] == [("c", "open"), ("a", "open"), ("c", "closed")]


@pytest.mark.parametrize("wait", [0.0, None])
def test_a_wish_to_wait_no_time_is_a_failure_like_any_other(wait: float | None) -> None:
    bench = Bench()
    bench.fail(1, retry_after_s=wait)
    assert bench.state() is BreakerState.CLOSED
