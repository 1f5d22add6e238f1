"""Whatever a provider says, the caller has a complete answer or an error, a record is there, and nothing stays open.

Two ways: real answers of each dialect, spoilt at random, without sockets and by the thousand; and random sequences of
the fault provider's verbs over real sockets. A failure prints the seed that repeats it.
"""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.chaos.drill import all_ended, drill
from tests.chaos.matrix import CASES
from tests.chaos.mutation import cut, spoilt
from tests.wiring import ANTHROPIC, GEMINI, OPENAI, RESPONSES, Heard, Wired, endpoint, request, wire
from turnout.errors import RequestFailed
from turnout.testing import HostedFaultProvider, Said, ScriptedProvider, running_fault_provider
from turnout.testing.fault_provider import FaultSyntaxError
from turnout.testing.fault_provider.fault import Fault
from turnout.types.dialect import DialectName
from turnout.types.timeouts import Timeouts
from turnout.wire.sse import SseSplitter

TOOL = {"name": "f", "description": "d"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
ASKED: Mapping[DialectName, tuple[str, str, dict[str, Any]]] = {
    OPENAI: (
        "/v1/chat/completions",
        "/v1/chat/completions",
        {"messages": [], "tools": [{"type": "function", "function": {**TOOL, "parameters": SCHEMA}}]},
    ),
    RESPONSES: (
        "/v1/responses",
        "/v1/responses",
        {"input": [], "tools": [{"type": "function", **TOOL, "parameters": SCHEMA}]},
    ),
    ANTHROPIC: (
        "/v1/messages",
        "/v1/messages",
        {"messages": [], "max_tokens": 99, "tools": [{**TOOL, "input_schema": SCHEMA}]},
    ),
    GEMINI: (
        "/v1beta/models/m:generateContent",
        "/v1beta/models/m:streamGenerateContent?alt=sse",
        {"contents": [], "tools": [{"functionDeclarations": [{**TOOL, "parameters": SCHEMA}]}]},
    ),
}
CALLERS = (OPENAI, RESPONSES, ANTHROPIC)


@dataclass(frozen=True)
class Answer:
    """What a healthy provider said."""

    speaks: DialectName
    stream: bool
    body: bytes


def say(provider: HostedFaultProvider, speaks: DialectName, text: str, *, stream: bool) -> Answer:
    whole, streamed, body = ASKED[speaks]
    messages = {"role": "user", **({"parts": [{"text": text}]} if speaks is GEMINI else {"content": text})}
    conversation = {"contents": [messages]} if speaks is GEMINI else {}
    for key in {"messages", "input"} & body.keys():
        conversation[key] = [messages]
    asked = body | conversation | ({} if speaks is GEMINI else {"model": "m", "stream": stream})
    base = provider.openai_base_url.removesuffix("/v1")
    to_send = urllib.request.Request(base + (streamed if stream else whole), json.dumps(asked).encode())
    with urllib.request.urlopen(to_send, timeout=30) as answer:
        return Answer(speaks, stream, answer.read())


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    """Prose and tool calls, whole and streamed, of every dialect."""
    with running_fault_provider(seed=1) as provider:
        return [
            say(provider, speaks, text, stream=stream)
            for speaks in ASKED
            for text in ("hello", "call the tool", "both tools")
            for stream in (True, False)
        ]


def ending(raw: bytes, caller: DialectName) -> Heard:
    """How a stream ended, whatever was in it: a provider's events of the caller's own dialect come as they are."""
    heard = Heard()
    for event in SseSplitter().feed(raw):
        said = json.loads(event.data) if event.data not in {b"", b"[DONE]", None} else {}
        kind = said.get("type") if isinstance(said, dict) else None
        if caller is OPENAI:
            heard.complete |= event.data == b"[DONE]"
            heard.error |= isinstance(said, dict) and bool(said.get("error"))
        else:
            heard.complete |= kind in ("message_stop", "response.completed", "response.incomplete")
            heard.error |= kind in ("error", "response.failed")
    return heard


async def heard_of(wired: Wired, caller: DialectName, *, stream: bool) -> Heard | RequestFailed:
    """What the caller got. Anything but an answer or one of our errors is raised."""
    try:
        reply = await wired.router.handle(request(caller, stream=stream))
    except RequestFailed as error:
        return error
    if reply.stream is None:
        assert json.loads(reply.body or b"")
        return Heard(complete=True)
    raw = b"".join([piece async for piece in reply.stream])
    await reply.stream.aclose()
    return ending(raw, caller)


def in_order(wired: Wired, heard: Heard | RequestFailed) -> None:
    """What holds whatever was said."""
    decision = wired.decision
    assert decision.error != "internal", decision
    if isinstance(heard, RequestFailed):
        assert heard.kind != "internal"
        assert decision.outcome in {"failed", "refused"}
    else:
        assert heard.complete != heard.error
        assert decision.outcome == ("answered" if heard.complete else "partial")
    assert decision.attempts


@pytest.mark.parametrize("times", [400, pytest.param(20_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_no_spoilt_answer_is_a_crash_or_a_success_without_its_end(answers: list[Answer], times: int) -> None:
    for seed in range(times):
        draw = random.Random(seed)
        answer = draw.choice(answers)
        caller = draw.choice(CALLERS)
        said = Said(chunks=cut(spoilt(answer.body, draw), draw))
        provider = ScriptedProvider(answer.speaks, *[said] * 5)
        wired = wire(endpoint("only", provider, answer.speaks))
        try:
            in_order(wired, await heard_of(wired, caller, stream=answer.stream))
        except BaseException as error:
            error.add_note(f"seed {seed}: a {caller} caller, {answer.speaks} said {b''.join(said.chunks)!r}")
            raise
        assert provider.under_way == 0, seed


LIMITS = Timeouts(connect=1, first_token=0.5, idle=0.5, answer=0.5, total=3)
VERBS = sorted({case.fault for case in CASES} - {"healthy"})


def sequence(draw: random.Random) -> str:
    """Some verbs that can be said together."""
    while True:
        said = "+".join(draw.sample(VERBS, draw.randint(1, 3)))
        try:
            Fault.parse(said)
        except FaultSyntaxError:
            continue
        return said


@pytest.mark.parametrize("times", [15, pytest.param(600, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
async def test_no_sequence_of_faults_leaves_anything_open_or_half_told(times: int) -> None:
    for seed in range(times):
        draw = random.Random(seed)
        fault, caller, speaks = sequence(draw), draw.choice(CALLERS), draw.choice([OPENAI, ANTHROPIC, RESPONSES])
        async with drill(fault, speaks, timeouts=LIMITS) as at:
            try:
                in_order(at.wired, await heard_of(at.wired, caller, stream=draw.random() < 0.7))
                await all_ended(at.primary)
                await all_ended(at.secondary)
            except BaseException as error:
                error.add_note(f"seed {seed}: {fault}, a {caller} caller, {speaks}")
                raise
