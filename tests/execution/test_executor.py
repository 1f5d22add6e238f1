"""Plans are small generators here; what they call is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.wiring import ANTHROPIC, OPENAI, QUICK, endpoint, request
from turnout.errors import DeadlineExceeded, RequestFailed, UpstreamBusy, UpstreamFailed
from turnout.execution.breaker import BreakerBoard, BreakerSettings
from turnout.execution.deadline import Deadline
from turnout.execution.delivery import Delivered
from turnout.execution.executor import Executor
from turnout.execution.health import HealthBoard
from turnout.execution.retry import RetrySettings
from turnout.execution.work import Work
from turnout.features.tokens import TokenEstimator
from turnout.providers.endpoint import Endpoint
from turnout.testing import FrozenClock, Said, ScriptedProvider
from turnout.types.candidate import Candidate, Considered, Declined, Dropped, Outcome, Plan
from turnout.types.clock import Clock, SystemClock, Timeline
from turnout.types.conditions import BreakerState
from turnout.types.failure import FailureKind
from turnout.types.request import Request
from turnout.types.target import Target
from turnout.types.timeouts import Commit, Timeouts
from turnout.wire.registry import dialect

LOST, FAILED = FailureKind.CONNECTION_LOST, Said(status=500, chunks=[b"{}"])
HANGS = Said(hangs=True)


class Rig:
    """An executor over scripted targets `a`, `b`, `c`."""

    def __init__(self, clock: Clock | None = None, **scripts: list) -> None:
        self.clock = clock or SystemClock()
        self.providers = {name: ScriptedProvider(OPENAI, *script) for name, script in scripts.items()}
        self.endpoints = {name: self.make(name) for name in scripts}
        self.breakers = BreakerBoard(scripts, BreakerSettings(consecutive=2), self.clock)
        self.executor = self.executes(RetrySettings(base=0.001))
        self.announced: list[Target] = []

    def executes(self, retries: RetrySettings | None = None) -> Executor:
        return Executor(self.endpoints, self.breakers, HealthBoard(self.endpoints, self.clock), retries=retries)

    def make(self, name: str) -> Endpoint:
        return endpoint(name, self.providers[name], OPENAI, stream_usage=False)

    def work(self, asked: Request | None = None, timeouts: Timeouts = QUICK, commit: Commit | None = None) -> Work:
        asked = asked or request()
        return Work(
            request=asked,
            dialect=dialect(asked.dialect),
            decision_id="the-id",
            input_tokens=7,
            estimator=TokenEstimator(),
            timeouts=timeouts,
            commit=commit or Commit(),
            content_filter_falls_back=False,
            timeline=Timeline(self.clock.now(), self.clock.monotonic()),
            deadline=Deadline(self.clock.monotonic() + timeouts.total, self.clock),
            announce=lambda target, _: self.announced.append(target),
        )

    async def run(self, plan: Plan, work: Work | None = None) -> tuple[Delivered, Work]:
        work = work or self.work()
        return await self.executor.run(plan, work), work

    @property
    def calls(self) -> dict[str, int]:
        return {name: len(provider.calls) for name, provider in self.providers.items()}


def propose(*names: str, hold: bool = False) -> Plan:
    """A fallback chain."""
    for name in names:
        outcome = yield Candidate(target=name, hold=hold, more=name != names[-1])
        if outcome is not None and outcome.answered:
            return outcome
    return None


async def test_the_plan_is_told_each_outcome_and_its_last_word_counts() -> None:
    rig = Rig(a=[LOST], b=["yes"])
    told: list[Outcome | None] = []

    def plan() -> Plan:
        told.append((yield Considered("rule", chosen=True)))
        told.append((yield Dropped("x", "lacks_tools")))
        told.append((yield Declined("classifier", "unsure")))
        told.append((yield Candidate(target="a", more=True)))
        told.append((yield Candidate(target="b")))
        return told[-1]

    delivered, work = await rig.run(plan())
    assert b"yes" in delivered.body
    assert told[:3] == [None, None, None]
    assert told[3] is not None
    assert told[3].failure is not None
    assert told[3].failure.kind is LOST
    assert told[4] == Outcome(target="b", answered=True)
    assert [step.name for step in work.trace.considered] == ["rule", "classifier"]
    assert work.trace.dropped == [Dropped("x", "lacks_tools")]
    assert work.trace.chosen == Candidate(target="b")


async def test_the_intent_is_announced_once_and_before_anything_is_sent() -> None:
    rig = Rig(a=[LOST], b=["yes"])
    calls: list[dict[str, int]] = []
    work = rig.work()
    work.announce = lambda *_: calls.append(rig.calls)
    await rig.run(propose("a", "b"), work)
    assert calls == [{"a": 0, "b": 0}]


async def test_an_answer_that_the_plan_does_not_take_is_discarded_and_paid_for() -> None:
    rig = Rig(a=["cheap"], b=["dear"])

    def cascade() -> Plan:
        yield Candidate(target="a", hold=True, more=True)
        return (yield Candidate(target="b"))

    delivered, work = await rig.run(cascade())
    assert b"dear" in delivered.body
    made = {attempt.target: attempt for attempt in work.trace.attempts}
    assert (made["a"].outcome, made["b"].outcome) == ("discarded", "answered")
    assert made["a"].cost_usd


async def test_a_held_stream_can_be_discarded_and_its_connection_goes() -> None:
    rig = Rig(a=["cheap"], b=["dear"])

    def cascade() -> Plan:
        yield Candidate(target="a", hold=True, more=True)
        return (yield Candidate(target="b"))

    delivered, work = await rig.run(cascade(), rig.work(request(stream=True)))
    assert delivered.stream is not None
    assert [attempt.outcome for attempt in work.trace.attempts] == ["discarded"]
    assert rig.providers["a"].under_way == 0
    await delivered.stream.pieces(lambda _: None).aclose()
    assert rig.providers["b"].under_way == 0


async def test_a_plan_that_accepts_nothing_is_an_error_and_leaves_nothing_open() -> None:
    rig = Rig(a=["fine"])

    def picky() -> Plan:
        yield Candidate(target="a", hold=True)
        return None

    with pytest.raises(RequestFailed):
        await rig.run(picky(), rig.work(request(stream=True)))
    assert rig.providers["a"].under_way == 0


async def test_the_plan_is_closed_whatever_happens() -> None:
    rig = Rig(a=[Said(status=400, chunks=[b"{}"])], b=[])
    closed = []

    def plan() -> Plan:
        try:
            yield Candidate(target="a", more=True)
            return (yield Candidate(target="b"))
        finally:
            closed.append(True)

    with pytest.raises(RequestFailed):
        await rig.run(plan())
    assert closed == [True]
    assert rig.calls == {"a": 1, "b": 0}


async def test_the_last_candidate_is_tried_again_and_the_others_are_not() -> None:
    rig = Rig(a=[LOST], b=[LOST, "yes"])
    delivered, work = await rig.run(propose("a", "b"))
    assert b"yes" in delivered.body
    assert rig.calls == {"a": 1, "b": 2}
    assert [attempt.outcome for attempt in work.trace.attempts] == ["failed", "failed", "answered"]


async def test_what_cannot_succeed_is_not_tried_again() -> None:
    rig = Rig(a=[Said(status=401, chunks=[b"{}"])])
    with pytest.raises(UpstreamFailed):
        await rig.run(propose("a"))
    assert rig.calls == {"a": 1}


async def test_no_retry_passes_a_breaker_that_its_own_failure_opened() -> None:
    rig = Rig(a=[LOST] * 10)
    for _ in range(2):
        with pytest.raises((UpstreamFailed, UpstreamBusy)):
            await rig.run(propose("a"))
    assert rig.breakers["a"].state is BreakerState.OPEN
    assert rig.calls["a"] == 2, "two in a row opened it, so there was no retry left to make"


async def test_an_open_breaker_drops_the_candidate_and_the_next_is_asked() -> None:
    rig = Rig(FrozenClock(), a=[LOST] * 2, b=["yes"] * 3)
    work = rig.work()
    for _ in range(3):
        work = rig.work()
        delivered, _ = await rig.run(propose("a", "b"), work)
        assert b"yes" in delivered.body
    assert rig.calls == {"a": 2, "b": 3}
    assert work.trace.dropped == [Dropped("a", "breaker_open")]


async def test_five_hundred_at_once_send_one_probe_to_a_resting_target() -> None:
    clock = FrozenClock()
    rig = Rig(clock, a=[LOST, LOST, "back"], b=["yes"] * 600)
    for _ in range(2):
        await rig.run(propose("a", "b"))
    clock.advance(10)
    assert rig.breakers["a"].state is BreakerState.HALF_OPEN
    answers = await asyncio.gather(*(rig.run(propose("a", "b")) for _ in range(500)))
    assert rig.calls["a"] == 3
    assert sum(b"back" in delivered.body for delivered, _ in answers) == 1
    assert rig.breakers.not_closed() == {}


async def test_a_caller_who_leaves_frees_the_probe() -> None:
    clock = FrozenClock()
    rig = Rig(clock, a=[LOST, LOST, HANGS, "back"], b=["yes"] * 2)
    for _ in range(2):
        await rig.run(propose("a", "b"))
    clock.advance(10)
    task = asyncio.create_task(rig.run(propose("a")))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    delivered, _ = await rig.run(propose("a"))
    assert b"back" in delivered.body


async def test_a_prompt_too_long_for_one_goes_only_to_a_larger_one() -> None:
    refusal = Said(status=400, chunks=[b'{"error":{"code":"context_length_exceeded","message":"too long"}}'])
    rig = Rig(a=[refusal], b=[], c=["yes"])
    for name, size in {"a": 8_000, "b": 8_000, "c": 100_000}.items():
        rig.endpoints[name] = endpoint(name, rig.providers[name], OPENAI, context_tokens=size)
    rig.executor = rig.executes()
    _, work = await rig.run(propose("a", "b", "c"))
    assert work.trace.dropped == [Dropped("b", "context_too_small")]
    assert rig.calls == {"a": 1, "b": 0, "c": 1}


async def test_one_deadline_spans_the_chain() -> None:
    rig = Rig(a=[HANGS], b=[HANGS], c=[HANGS])
    work = rig.work(timeouts=Timeouts(answer=0.2, total=0.3))
    began = rig.clock.monotonic()
    with pytest.raises(DeadlineExceeded):
        await rig.run(propose("a", "b", "c"), work)
    assert 0.29 <= rig.clock.monotonic() - began < 0.3 + 2
    assert rig.calls == {"a": 1, "b": 1, "c": 0}


async def test_nothing_is_sent_once_the_deadline_has_passed() -> None:
    clock = FrozenClock()
    rig = Rig(clock, a=["late"])
    work = rig.work()
    clock.advance(10)
    with pytest.raises(DeadlineExceeded):
        await rig.run(propose("a"), work)
    assert (rig.calls, work.trace.attempts, rig.announced) == ({"a": 0}, [], [])


async def test_a_request_that_cannot_be_announced_is_neither_sent_nor_billed() -> None:
    rig = Rig(a=["unsent"])
    work = rig.work()

    def full_disk(target: Target, tokens: int) -> None:
        raise UpstreamFailed("no")

    work.announce = full_disk
    with pytest.raises(UpstreamFailed):
        await rig.run(propose("a"), work)
    assert (rig.calls, work.trace.attempts) == ({"a": 0}, [])
    assert rig.breakers["a"].admit() is not None


def hangs_in_the_body() -> Said:
    return Said(chunks=[b'{"choices":'], hangs=True)


def hangs_in_the_stream() -> Said:
    return Said(chunks=[b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'], hangs=True)


@pytest.mark.parametrize("said", [lambda: HANGS, hangs_in_the_body, hangs_in_the_stream])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_leaves_before_the_commit_is_booked_and_frees_all(
    said: Callable[[], Said], *, stream: bool
) -> None:
    rig = Rig(a=[said()])
    work = rig.work(request(stream=stream))
    task = asyncio.create_task(rig.run(propose("a"), work))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (attempt,) = work.trace.attempts
    assert (attempt.outcome, attempt.estimated, attempt.input_tokens) == ("cancelled", True, 7)
    assert rig.providers["a"].under_way == 0


async def test_a_provider_of_another_dialect_gets_a_request_of_its_own() -> None:
    rig = Rig(a=["yes"])
    rig.providers["a"] = ScriptedProvider(ANTHROPIC, "yes")
    rig.endpoints["a"] = endpoint("a", rig.providers["a"], ANTHROPIC)
    rig.executor = rig.executes()
    delivered, _ = await rig.run(propose("a"))
    assert b'"content":"yes"' in delivered.body
    (call,) = rig.providers["a"].calls
    assert call.url.endswith("/v1/messages")
    assert b'"max_tokens":500' in call.body


async def test_what_a_target_reports_corrects_the_next_estimate_for_it() -> None:
    rig = Rig(a=["yes", LOST])
    first = rig.work()
    delivered, _ = await rig.run(propose("a"), first)
    delivered.accept()
    reported = first.trace.attempts[0].input_tokens
    assert reported != first.input_tokens
    second = rig.work()
    second.estimator = first.estimator
    assert second.tokens_at("a") == reported


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_whose_body_never_comes_is_told_by_its_status(*, stream: bool) -> None:
    rig = Rig(a=[Said(status=500, chunks=[b'{"error":'], hangs=True)] * 2)
    work = rig.work(request(stream=stream))
    with pytest.raises(UpstreamFailed):
        await rig.run(propose("a"), work)
    attempt = work.trace.attempts[0]
    assert (attempt.error_class, attempt.status) == (FailureKind.SERVER_ERROR, 500)
    assert rig.providers["a"].under_way == 0
