"""A stream's life: committed, passed on, ended, broken off, left; and recorded once whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from tests.wiring import ANTHROPIC, OPENAI, QUICK, Heard, Wired, endpoint, heard_in, listen, request, wire
from turnout.execution import streaming
from turnout.testing import Said, ScriptedProvider
from turnout.testing.scripted_provider import scripted_answer
from turnout.types.dialect import DialectName
from turnout.types.failure import FailureKind
from turnout.types.reply import Pieces
from turnout.types.timeouts import Commit
from turnout.wire.sse import MAX_EVENT_BYTES

TEXT = "one two three four five"
EVENTS = scripted_answer(OPENAI, TEXT, {"model": "m", "stream": True, "stream_options": {"include_usage": True}})
ROLE, FIRST, *MIDDLE, FINISH, USAGE, DONE = EVENTS
RESET: dict[str, object] = {"breaks": FailureKind.CONNECTION_LOST}
ENDINGS = pytest.mark.parametrize("how", [{}, RESET, {"hangs": True}], ids=["eof", "reset", "hang"])
DIALECTS = pytest.mark.parametrize("caller", [OPENAI, ANTHROPIC])


def wired_to(*script: str | FailureKind | Said, speaks: DialectName = OPENAI, **fields: object) -> tuple[Wired, list]:
    provider = ScriptedProvider(speaks, *script)
    return wire(endpoint("a", provider, speaks), **fields), [provider]  # type: ignore[arg-type]


async def pieces_of(wired: Wired, caller: DialectName = OPENAI) -> Pieces:
    reply = await wired.router.handle(request(caller, stream=True))
    assert reply.stream is not None
    return reply.stream


def test_the_script_is_what_the_tests_below_take_it_for() -> None:
    assert b'"role"' in ROLE
    assert b'"one"' in FIRST
    assert b'"finish_reason":"stop"' in FINISH
    assert b'"usage":{' in USAGE
    assert DONE == b"data: [DONE]\n\n"


# --- the caller leaves --------------------------------------------------------------------------------------------


@DIALECTS
async def test_a_stream_that_nobody_begins_is_booked_when_it_is_closed(caller: DialectName) -> None:
    wired, (provider,) = wired_to(TEXT)
    pieces = await pieces_of(wired, caller)
    assert wired.ledger.decisions == []
    await pieces.aclose()
    assert wired.decision.outcome == "cancelled"
    assert [attempt.outcome for attempt in wired.decision.attempts] == ["cancelled"]
    assert provider.under_way == 0
    await pieces.aclose()
    assert len(wired.ledger.decisions) == 1


@pytest.mark.parametrize("taken", range(1, 5))
async def test_a_caller_who_leaves_on_the_way_pays_for_what_was_written(taken: int) -> None:
    wired, (provider,) = wired_to(TEXT)
    async with aclosing(await pieces_of(wired)) as pieces:
        stream = aiter(pieces)
        for _ in range(taken):
            await anext(stream)
    (attempt,) = wired.decision.attempts
    assert (wired.decision.outcome, attempt.outcome, attempt.estimated) == ("cancelled", "cancelled", True)
    assert attempt.input_tokens > 0
    assert attempt.output_tokens > 0
    assert attempt.cost_usd
    assert provider.under_way == 0


async def test_a_caller_who_is_cancelled_while_waiting_is_one_who_left() -> None:
    wired, (provider,) = wired_to(Said(chunks=[ROLE, FIRST], hangs=True))

    async def take() -> None:
        async with aclosing(await pieces_of(wired)) as pieces:
            async for _ in pieces:
                pass

    task = asyncio.create_task(take())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wired.decision.outcome == "cancelled"
    assert provider.under_way == 0


async def test_a_caller_who_leaves_after_the_last_piece_got_an_answer() -> None:
    wired, _ = wired_to(TEXT)
    got = b""
    async with aclosing(await pieces_of(wired)) as pieces:
        async for piece in pieces:
            got += piece
            if b"[DONE]" in got:
                break
    assert wired.decision.outcome == "answered"


# --- the record ---------------------------------------------------------------------------------------------------


@DIALECTS
@pytest.mark.parametrize("commit", [Commit(), Commit(tokens=3), Commit(tokens=None)])
async def test_the_decision_is_recorded_before_the_last_piece(caller: DialectName, commit: Commit) -> None:
    wired, _ = wired_to(TEXT, commit=commit)
    got = b""
    recorded = []
    async for piece in await pieces_of(wired, caller):
        got += piece
        recorded.append(len(wired.ledger.decisions))
    assert recorded[-1] == 1
    assert set(recorded[:-1]) <= {0}
    assert heard_in(got, caller) == Heard(TEXT, complete=True, finish="stop" if caller is OPENAI else "end_turn")


async def test_a_defect_in_the_middle_is_recorded_as_one() -> None:
    wired, (provider,) = wired_to(TEXT)
    pieces = await pieces_of(wired)
    stream = pieces._pieces  # type: ignore[attr-defined]
    await anext(stream)
    with pytest.raises(KeyError):
        await stream.athrow(KeyError("a defect"))
    await pieces.aclose()
    assert (wired.decision.outcome, wired.decision.error) == ("failed", "internal")
    assert provider.under_way == 0


# --- the commit ---------------------------------------------------------------------------------------------------


async def commits(script: list[bytes], commit: Commit) -> bool:
    """Whether a provider that breaks after `script` has committed the caller to its answer."""
    first = ScriptedProvider(OPENAI, Said(chunks=script, breaks=FailureKind.CONNECTION_LOST))
    second = ScriptedProvider(OPENAI, TEXT)
    wired = wire(endpoint("a", first, OPENAI), endpoint("b", second, OPENAI), commit=commit)
    heard = await listen(await wired.router.handle(request(stream=True)), OPENAI)
    assert heard.error is not heard.complete
    if heard.complete:
        assert heard.text == TEXT
    return heard.error


EMPTY = (
    b'data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":""}}]}\n\n'
)


async def test_the_first_meaningful_token_commits_and_no_preamble_does() -> None:
    assert not await commits([b": ping\n\n", ROLE, EMPTY], Commit())
    assert await commits([ROLE, FIRST], Commit())


async def test_a_route_may_commit_later() -> None:
    assert not await commits([ROLE, FIRST, *MIDDLE[:1]], Commit(tokens=3))
    assert await commits([ROLE, FIRST, *MIDDLE[:2]], Commit(tokens=3))
    assert not await commits([ROLE, FIRST, *MIDDLE], Commit(tokens=None))


async def test_words_and_an_error_in_one_piece_are_rescued_before_the_commit() -> None:
    error = b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'
    assert not await commits([ROLE + FIRST + error], Commit())


async def test_words_in_the_same_piece_as_a_later_error_are_not_lost() -> None:
    error = b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'
    wired, _ = wired_to(Said(chunks=[ROLE + FIRST, MIDDLE[0] + error]))
    got = b"".join([piece async for piece in await pieces_of(wired)])
    assert got == ROLE + FIRST + MIDDLE[0] + error


# --- how a stream ends --------------------------------------------------------------------------------------------


async def ended_after(
    events: list[bytes], caller: DialectName, *, breaks: FailureKind | None = None, hangs: bool = False
) -> tuple[Heard, Wired]:
    wired, (provider,) = wired_to(Said(chunks=events, breaks=breaks, hangs=hangs))
    heard = await listen(await wired.router.handle(request(caller, stream=True)), caller)
    assert provider.under_way == 0
    return heard, wired


@DIALECTS
@pytest.mark.parametrize(
    "how", [{}, {"breaks": FailureKind.CONNECTION_LOST}, {"hangs": True}], ids=["eof", "reset", "hang"]
)
async def test_a_finished_answer_is_complete_however_the_connection_ends(caller: DialectName, how: dict) -> None:
    heard, wired = await ended_after([ROLE, FIRST, *MIDDLE, FINISH], caller, **how)
    assert heard == Heard(TEXT, complete=True, finish="stop" if caller is OPENAI else "end_turn")
    assert wired.decision.outcome == "answered"
    assert wired.decision.attempts[0].estimated, "the usage was still to come"


@DIALECTS
@pytest.mark.parametrize(
    "how", [{}, {"breaks": FailureKind.CONNECTION_LOST}, {"hangs": True}], ids=["eof", "reset", "hang"]
)
async def test_an_unfinished_answer_is_an_error_however_the_connection_ends(caller: DialectName, how: dict) -> None:
    heard, wired = await ended_after([ROLE, FIRST, *MIDDLE], caller, **how)
    assert heard == Heard(TEXT, error=True)
    assert wired.decision.outcome == "partial"


@DIALECTS
async def test_the_end_of_an_unfinished_answer_is_not_passed_on(caller: DialectName) -> None:
    heard, wired = await ended_after([ROLE, FIRST, *MIDDLE, DONE], caller)
    assert heard == Heard(TEXT, error=True)
    assert wired.decision.attempts[0].error_class == FailureKind.TRUNCATED


async def test_one_dialect_on_both_sides_passes_every_byte() -> None:
    odd = b'event: x-odd\nid: 7\ndata: {"choices":[],"new_field":1,"object":"chat.completion.chunk"}\n\n'
    wired, _ = wired_to(Said(chunks=[ROLE, FIRST, odd, *MIDDLE, FINISH, DONE]))
    got = b"".join([piece async for piece in await pieces_of(wired)])
    assert got == b"".join([ROLE, FIRST, odd, *MIDDLE, FINISH, DONE])


async def test_a_slow_caller_is_not_a_slow_provider() -> None:
    wired, _ = wired_to(TEXT)
    stream = aiter(await pieces_of(wired))
    await anext(stream)
    await asyncio.sleep(QUICK.idle + 0.2)
    rest = b"".join([piece async for piece in stream])
    assert rest.endswith(DONE)
    assert wired.decision.outcome == "answered"
    assert wired.decision.overhead_ms < 500, "waiting for the caller is not our own time"


async def test_an_event_that_cannot_be_translated_is_rescued_before_the_commit() -> None:
    nonsense = FIRST.replace(b'"content":"one"', b'"content":"one","tool_calls":[{"index":"zero","function":7}]')
    first = ScriptedProvider(OPENAI, Said(chunks=[ROLE, nonsense, *MIDDLE, FINISH, DONE]))
    second = ScriptedProvider(OPENAI, TEXT)
    wired = wire(endpoint("a", first, OPENAI), endpoint("b", second, OPENAI))
    heard = await listen(await wired.router.handle(request(ANTHROPIC, stream=True)), ANTHROPIC)
    assert heard == Heard(TEXT, complete=True, finish="end_turn")
    assert wired.decision.attempts[0].error_class == FailureKind.MALFORMED


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_whose_body_never_ends_is_known_by_its_status(*, stream: bool) -> None:
    stuck = Said(status=503, chunks=[b'{"error":'], hangs=True)
    first, second = ScriptedProvider(OPENAI, stuck), ScriptedProvider(OPENAI, TEXT)
    wired = wire(endpoint("a", first, OPENAI), endpoint("b", second, OPENAI))
    heard = await listen(await wired.router.handle(request(stream=stream)), OPENAI)
    assert heard.text == TEXT
    assert (wired.decision.attempts[0].error_class, wired.decision.attempts[0].status) == ("overloaded", 503)
    assert first.under_way == 0


async def test_an_event_without_end_is_not_waited_for_forever() -> None:
    endless = Said(chunks=[ROLE, FIRST, *[b"data: " + b"x" * 1_000_000] * (MAX_EVENT_BYTES // 1_000_000 + 1)])
    wired, (provider,) = wired_to(endless)
    heard = await listen(await wired.router.handle(request(stream=True)), OPENAI)
    assert heard == Heard("one", error=True)
    assert wired.decision.attempts[0].error_class == FailureKind.MALFORMED
    assert provider.under_way == 0


async def test_a_held_answer_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "MAX_ANSWER", 1000)
    first, second = ScriptedProvider(OPENAI, "word " * 1000), ScriptedProvider(OPENAI, TEXT)
    wired = wire(endpoint("a", first, OPENAI), endpoint("b", second, OPENAI))
    heard = await listen(await wired.router.handle(request()), OPENAI)
    assert heard.text == TEXT
    assert wired.decision.attempts[0].error_class == FailureKind.NOT_AN_ANSWER
    assert first.under_way == 0


async def test_many_streams_at_once_do_not_mix() -> None:
    async def one(number: int) -> None:
        wired, _ = wired_to(f"answer number {number}")
        heard = await listen(await wired.router.handle(request(stream=True)), OPENAI)
        assert heard.text == f"answer number {number}"

    await asyncio.gather(*(one(number) for number in range(50)))
