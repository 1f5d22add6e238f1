"""The switch of outage drills, and the workers that follow it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.wiring import OPENAI, endpoint, wire
from turnout.config.drilling import FILE, Drilling, DrillSwitch, under_drill
from turnout.errors import LedgerError
from turnout.providers.drilled import Drilled
from turnout.router import Router
from turnout.testing import FrozenClock, ScriptedProvider
from turnout.types.clock import timestamp
from turnout.types.drill import Drill, DrillMode


def drill(clock: FrozenClock, drill_id: str = "d-1", seconds: float = 60) -> Drill:
    until = timestamp(clock.now() + timedelta(seconds=seconds))
    began = timestamp(clock.now())
    return Drill(id=drill_id, targets=("a",), mode=DrillMode.REFUSE, began=began, until=until, seconds=seconds)


def router() -> Router:
    provider = ScriptedProvider(OPENAI, "hello")
    return wire(endpoint("a", provider, OPENAI), endpoint("b", provider, OPENAI)).router


def taken(router: Router) -> set[str]:
    return {name for name, each in router.parts.endpoints.items() if isinstance(each.transport, Drilled)}


def test_there_is_one_drill_at_a_time_and_it_ends_by_itself(tmp_path: Path) -> None:
    clock = FrozenClock()
    switch, other_process = DrillSwitch(tmp_path, clock), DrillSwitch(tmp_path, clock)
    assert switch.begin(first := drill(clock)) is None
    assert other_process.read() == first
    assert other_process.begin(drill(clock, "d-2")) == first
    clock.advance(61)
    assert switch.read() is None
    assert other_process.begin(second := drill(clock, "d-2")) is None
    assert switch.end() == second
    assert switch.end() is None


def test_a_file_that_says_nothing_is_no_drill(tmp_path: Path) -> None:
    switch = DrillSwitch(tmp_path, clock := FrozenClock())
    (tmp_path / FILE).write_text("{")
    assert switch.read() is None
    (tmp_path / FILE).write_text(json.dumps({"id": 1}))
    assert switch.read() is None
    assert switch.begin(drill(clock)) is None


def test_a_data_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="the drill cannot be kept"):
        DrillSwitch(tmp_path / "none", clock := FrozenClock()).begin(drill(clock))


def test_workers_follow_the_switch_and_touch_no_other_target(tmp_path: Path) -> None:
    clock, served = FrozenClock(), router()
    switch = DrillSwitch(tmp_path, clock)
    drilling = Drilling(served, switch, clock)
    before = served.parts
    drilling.look()
    assert served.parts is before
    switch.begin(drill(clock))
    drilling.look()
    assert taken(served) == {"a"}
    during = served.parts
    drilling.look()
    assert served.parts is during
    switch.end()
    drilling.look()
    assert taken(served) == set()


def test_another_configuration_does_not_end_a_drill(tmp_path: Path) -> None:
    clock, served = FrozenClock(), router()
    switch = DrillSwitch(tmp_path, clock)
    drilling = Drilling(served, switch, clock)
    switch.begin(drill(clock))
    drilling.look()
    served.parts = under_drill(served.parts, None)  # as a reload leaves them
    drilling.look()
    assert taken(served) == {"a"}


def test_a_drill_follows_another(tmp_path: Path) -> None:
    clock, served = FrozenClock(), router()
    switch = DrillSwitch(tmp_path, clock)
    drilling = Drilling(served, switch, clock)
    switch.begin(drill(clock))
    drilling.look()
    switch.end()
    switch.begin(drill(clock, "d-2"))
    drilling.look()
    under = served.parts.endpoints["a"].drill
    assert under is not None
    assert under.drill.id == "d-2"


def test_a_wall_clock_set_back_neither_prolongs_nor_repeats_a_drill(tmp_path: Path) -> None:
    clock, served = FrozenClock(), router()
    began = clock.now()
    switch = DrillSwitch(tmp_path, clock)
    drilling = Drilling(served, switch, clock)
    switch.begin(drill(clock))
    drilling.look()
    clock.advance(60)
    set_back = FrozenClock(now=began - timedelta(hours=2), monotonic=clock.monotonic())
    assert DrillSwitch(tmp_path, set_back).remaining_s(drill(clock)) <= 60
    late = Drilling(served, DrillSwitch(tmp_path, set_back), set_back)
    drilling._switch = DrillSwitch(tmp_path, set_back)
    for _ in range(2):
        drilling.look()
        assert taken(served) == set()
    late.look()  # a worker that has just been started knows no better, and has a full minute at most
    assert taken(served) == {"a"}
