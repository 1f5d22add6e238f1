"""Every fault at the primary, with a healthy secondary: rescued before the commit, told after it, never covered up."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from tests.chaos.drill import all_ended, drill
from tests.chaos.matrix import CASES, EITHER_WAY, NO_DONE, PARTIAL_ANSWERS, Case, Owed
from tests.wiring import ANTHROPIC, GEMINI, OPENAI, QUICK, RESPONSES, Heard, Wired
from turnout.errors import RequestFailed, UpstreamRejected
from turnout.testing import HEALTHY_TEXT, VERBS
from turnout.types.dialect import DialectName
from turnout.types.timeouts import Timeouts

SLACK_S = 2.0
"""What a busy machine may add; a hang would take the total of 6 s."""
PATIENT = Timeouts(connect=10.0, first_token=10.0, idle=10.0, answer=10.0, total=60.0)
"""Where the primary is owed to answer: a machine that is too busy to is no fault of it."""
MODES = ("streamed", "waiting", "whole")


async def check(case: Case, mode: str, caller: DialectName, speaks: DialectName) -> tuple[str, float]:
    """Send one request through the fault; what became of it, and in how many seconds."""
    if case.fault == "no_done" and speaks is RESPONSES:
        case = NO_DONE
    owed = case.streamed if mode == "streamed" else case.waiting
    if mode == "whole" and case.whole is not None:
        owed = case.whole
    timeouts = PATIENT if owed is Owed.PRIMARY else QUICK
    async with drill(case.fault, speaks, whole=mode == "whole", timeouts=timeouts) as at:
        began = time.monotonic()
        heard = await at.ask(caller, stream=mode == "streamed")
        took = time.monotonic() - began
        _check_heard(heard, owed)
        _check_record(at.wired, owed)
        assert took < timeouts.first_token + timeouts.idle + SLACK_S
        await all_ended(at.primary)
        await all_ended(at.secondary)
    return owed, took


def _check_heard(heard: Heard | RequestFailed, owed: Owed) -> None:
    if owed is Owed.REFUSAL:
        assert isinstance(heard, UpstreamRejected)
        return
    assert isinstance(heard, Heard), heard
    if owed is Owed.BROKEN:
        assert (heard.complete, heard.error) == (False, True), heard
        assert heard.text
        assert HEALTHY_TEXT.startswith(heard.text)
    else:
        assert (heard.complete, heard.error) == (True, False), heard
        assert heard.text == HEALTHY_TEXT
        assert heard.finish in {"stop", "completed", "end_turn"}


def _check_record(wired: Wired, owed: Owed) -> None:
    decision = wired.decision
    (intent,) = wired.ledger.intents
    assert intent.id == decision.id
    assert intent.target == "primary"
    expected = {
        Owed.PRIMARY: ("answered", "primary", [("primary", "answered")]),
        Owed.SECONDARY: ("answered", "secondary", [("primary", "failed"), ("secondary", "answered")]),
        Owed.BROKEN: ("partial", "primary", [("primary", "failed")]),
        Owed.REFUSAL: ("refused", None, [("primary", "failed")]),
    }[owed]
    made = [(attempt.target, attempt.outcome) for attempt in decision.attempts]
    assert (decision.outcome, decision.target, made) == expected, decision
    assert decision.cost_usd is not None
    assert decision.cost_usd == sum(attempt.cost_usd or 0 for attempt in decision.attempts)


def test_the_matrix_names_every_verb() -> None:
    named = {verb for case in CASES for verb in VERBS if verb in case.fault}
    named |= {verb for verb in VERBS for fault in (*PARTIAL_ANSWERS, *EITHER_WAY) if verb in fault}
    assert named == set(VERBS)


CALLERS = (OPENAI, RESPONSES, ANTHROPIC)
PAIRS = tuple(itertools.product(CALLERS, (*CALLERS, GEMINI)))
SAMPLE = [
    pytest.param(case, mode, *PAIRS[(number + turn) % len(PAIRS)], id=f"{case.fault}-{mode}")
    for number, case in enumerate(CASES)
    for turn, mode in enumerate(MODES)
    if mode == "streamed" or number % 2 == turn % 2
]
"""Each fault with a stream and one other way to ask; callers and providers take turns."""


@pytest.mark.parametrize(("case", "mode", "caller", "speaks"), SAMPLE)
async def test_a_fault_at_the_primary(case: Case, mode: str, caller: DialectName, speaks: DialectName) -> None:
    await check(case, mode, caller, speaks)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_every_fault_in_every_mode_for_every_pair_of_dialects(capsys: pytest.CaptureFixture[str]) -> None:
    room = asyncio.Semaphore(4)

    async def cell(case: Case, mode: str, caller: DialectName, speaks: DialectName) -> tuple[str, float]:
        async with room:
            try:
                return await check(case, mode, caller, speaks)
            except AssertionError as wrong:
                return f"WRONG: {str(wrong).splitlines()[0]}", 0.0

    asked = [(case, mode, *pair) for case, mode, pair in itertools.product(CASES, MODES, PAIRS)]
    cells = dict(zip(asked, await asyncio.gather(*(cell(*each) for each in asked)), strict=True))
    with capsys.disabled():
        print(f"\n{'fault':34} {'asked':9} {'the caller gets':44} longest")  # noqa: T201 - the table is the product
        for case, mode in itertools.product(CASES, MODES):
            row = [cells[case, mode, *pair] for pair in PAIRS]
            told = " | ".join(sorted({outcome for outcome, _ in row}))
            print(f"{case.fault:34} {mode:9} {told:44} {max(took for _, took in row):.2f} s")  # noqa: T201
    assert not [key for key, (outcome, _) in cells.items() if outcome.startswith("WRONG")]


@pytest.mark.parametrize("delta", [-10, 10])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_of_another_length_than_announced_is_no_answer(delta: int, *, stream: bool) -> None:
    async with drill(f"wrong_content_length({delta})", whole=True) as at:
        heard = await at.ask(OPENAI, stream=stream)
        assert isinstance(heard, Heard)
        if heard.error:
            assert stream, "an error event is only for a stream"
            assert HEALTHY_TEXT.startswith(heard.text)
        else:
            assert heard.text == HEALTHY_TEXT
            assert heard.complete


@pytest.mark.parametrize("stream", [False, True])
async def test_two_framings_at_once_are_never_half_an_answer(*, stream: bool) -> None:
    async with drill("cl_and_te") as at:
        heard = await at.ask(OPENAI, stream=stream)
        assert heard == Heard(HEALTHY_TEXT, complete=True, finish="stop")


@pytest.mark.parametrize(("caller", "speaks"), PAIRS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_filtered_answer_is_passed_on_as_such(
    caller: DialectName, speaks: DialectName, *, stream: bool
) -> None:
    async with drill("content_filter", speaks) as at:
        heard = await at.ask(caller, stream=stream)
        assert isinstance(heard, Heard)
        assert heard.finish in {"content_filter", "refusal"}
        assert heard.complete
        assert at.wired.decision.outcome == "answered"
        assert not at.secondary.requests


@pytest.mark.parametrize("stream", [False, True])
async def test_a_filtered_answer_falls_back_where_the_route_says_so(*, stream: bool) -> None:
    async with drill("content_filter", content_filter_falls_back=True) as at:
        heard = await at.ask(OPENAI, stream=stream)
        assert isinstance(heard, Heard)
        assert heard.complete
        if not stream:  # a stream is committed long before the filter stops it
            assert heard.text == HEALTHY_TEXT
            assert [attempt.error_class for attempt in at.wired.decision.attempts] == ["content_policy", None]


@pytest.mark.parametrize(("caller", "speaks"), [(OPENAI, OPENAI), (ANTHROPIC, ANTHROPIC), (OPENAI, GEMINI)])
@pytest.mark.parametrize("mode", MODES)
async def test_a_connection_is_used_again_after_every_complete_answer(
    caller: DialectName, speaks: DialectName, mode: str
) -> None:
    async with drill(None, speaks, whole=mode == "whole") as at:
        for _ in range(20):
            assert isinstance(await at.ask(caller, stream=mode == "streamed"), Heard)
        assert {seen.connection for seen in at.primary.requests} == {1}
