"""An outage drill at the seam between an endpoint and its transport."""

from __future__ import annotations

import pytest

from tests.wiring import OPENAI, Wired, endpoint, listen, request, wire
from turnout.config.drilling import under_drill
from turnout.errors import RequestFailed
from turnout.execution.breaker import BreakerSettings
from turnout.providers import drilled
from turnout.providers.drilled import Drilled, DrillInForce
from turnout.testing import FrozenClock, ScriptedProvider
from turnout.types.clock import SystemClock
from turnout.types.drill import Drill, DrillMode
from turnout.types.timeouts import Timeouts

SHORT = Timeouts(connect=0.5, first_token=0.5, idle=0.5, answer=0.5, total=6.0)
TEXT = "one two three four five six seven eight"


def drill(mode: DrillMode, share: float = 1.0, targets: tuple[str, ...] = ("a",)) -> Drill:
    moment = "2026-01-01T00:00:00.000+00:00"
    return Drill(id="d-1", targets=targets, mode=mode, share=share, began=moment, until=moment, seconds=60)


class Pair:
    """A target under a drill, one that is not, and what each was asked."""

    def __init__(self, mode: DrillMode, *, share: float = 1.0, clock: FrozenClock | None = None) -> None:
        self.a, self.b = (ScriptedProvider(OPENAI, *[TEXT] * 60) for _ in range(2))
        patient = BreakerSettings(consecutive=1000, minimum=1000)
        self.wired: Wired = wire(
            endpoint("a", self.a, OPENAI), endpoint("b", self.b, OPENAI), settings=patient, timeouts=SHORT
        )
        self.force = DrillInForce(drill(mode, share), clock or SystemClock(), 60)
        self.wired.router.parts = under_drill(self.wired.router.parts, self.force)

    async def ask(self, *, stream: bool = False) -> str:
        return (await listen(await self.wired.router.handle(request(stream=stream)), OPENAI)).text


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drilled, "SLOW_S", 0.02)
    monkeypatch.setattr(drilled, "SILENT_S", 30.0)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("mode", "error", "status"),
    [
        (DrillMode.REFUSE, "connect_failed", None),
        (DrillMode.RATE_LIMIT, "rate_limited", 429),
        (DrillMode.SLOW_FIRST_TOKEN, "first_token_timeout", None),
    ],
)
async def test_what_never_left_is_marked_falls_back_and_costs_nothing(
    mode: DrillMode, error: str, status: int | None, stream: bool
) -> None:
    pair = Pair(mode)
    assert await pair.ask(stream=stream) == TEXT
    assert (len(pair.a.calls), len(pair.b.calls)) == (0, 1)
    decision = pair.wired.decision
    struck, answered = decision.attempts
    assert (struck.error_class, struck.status, struck.drilled) == (error, status, "d-1")
    assert struck.cost_usd == 0
    assert (answered.target, answered.drilled) == ("b", None)
    assert decision.tags == {"drill": "d-1"}
    assert decision.cost_usd == answered.cost_usd


async def test_a_stall_breaks_a_committed_stream_off_and_is_paid_for() -> None:
    pair = Pair(DrillMode.STALL)
    heard = await listen(await pair.wired.router.handle(request(stream=True)), OPENAI)
    assert heard.error
    assert TEXT.startswith(heard.text)
    assert heard.text
    (struck,) = pair.wired.decision.attempts
    assert (struck.error_class, struck.drilled) == ("idle_timeout", "d-1")
    assert struck.cost_usd
    assert pair.a.under_way == 0


async def test_a_stall_leaves_a_caller_that_waits_to_the_next_target() -> None:
    pair = Pair(DrillMode.STALL)
    assert await pair.ask() == TEXT
    assert [attempt.error_class for attempt in pair.wired.decision.attempts] == ["idle_timeout", None]


async def test_the_last_target_may_stall_as_well() -> None:
    only = ScriptedProvider(OPENAI, TEXT)
    wired = wire(endpoint("a", only, OPENAI), timeouts=SHORT)
    wired.router.parts = under_drill(wired.router.parts, DrillInForce(drill(DrillMode.STALL), SystemClock(), 60))
    with pytest.raises(RequestFailed):
        await wired.router.handle(request())
    assert wired.decision.attempts[-1].error_class == "answer_timeout"


async def test_a_brown_out_breaks_a_part_and_slows_the_rest() -> None:
    pair = Pair(DrillMode.BROWN_OUT)
    for _ in range(30):
        assert await pair.ask() == TEXT
    attempts = [attempt for each in pair.wired.ledger.decisions for attempt in each.attempts if attempt.target == "a"]
    broken = [attempt for attempt in attempts if attempt.status == 503]
    slow = [attempt for attempt in attempts if attempt.outcome == "answered"]
    assert 0 < len(broken) < 23, "a third of thirty, but for what happens once in a hundred thousand times"
    assert all(attempt.latency_ms >= 20 for attempt in slow)
    assert len(pair.a.calls) == len(slow)


async def test_a_share_is_taken_and_the_rest_is_left_alone() -> None:
    pair = Pair(DrillMode.REFUSE, share=0.3)
    for _ in range(60):
        await pair.ask()
    taken = sum(bool(each.tags) for each in pair.wired.ledger.decisions)
    assert 2 < taken < 35
    assert len(pair.a.calls) >= 25
    assert all(len(each.attempts) == 1 for each in pair.wired.ledger.decisions if not each.tags)


async def test_every_worker_takes_the_same_requests() -> None:
    one, other = drill(DrillMode.REFUSE, 0.5), drill(DrillMode.REFUSE, 0.5)
    ids = [str(number) for number in range(200)]
    assert [one.takes(each) for each in ids] == [other.takes(each) for each in ids]
    assert 60 < sum(one.takes(each) for each in ids) < 140


async def test_it_is_over_on_the_monotonic_clock_whoever_still_holds_its_parts() -> None:
    clock = FrozenClock()
    pair = Pair(DrillMode.REFUSE, clock=clock)
    clock.advance(60)
    assert pair.force.over
    assert await pair.ask() == TEXT
    assert len(pair.a.calls) == 1
    assert pair.wired.decision.attempts[0].drilled is None


async def test_without_a_drill_nothing_is_in_the_way() -> None:
    pair = Pair(DrillMode.REFUSE)
    assert isinstance(pair.wired.router.parts.endpoints["a"].transport, Drilled)
    assert pair.wired.router.parts.endpoints["b"].transport is pair.b
    await pair.wired.router.parts.endpoints["a"].transport.close()
    pair.wired.router.parts = under_drill(pair.wired.router.parts, None)
    assert pair.wired.router.parts.endpoints["a"].transport is pair.a
    assert await pair.ask() == TEXT
    assert len(pair.a.calls) == 1
