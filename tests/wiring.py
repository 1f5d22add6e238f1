"""A router over given endpoints, without a configuration file: what execution and chaos tests drive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

import msgspec

from turnout.execution.breaker import BreakerBoard, BreakerSettings
from turnout.execution.executor import Executor
from turnout.execution.health import HealthBoard
from turnout.execution.retry import RetrySettings
from turnout.execution.retry_budget import RetryBudget
from turnout.features.hash_keys import FixedKey
from turnout.policy.base import Policy
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.route import Route
from turnout.policy.single import Single
from turnout.providers.endpoint import Endpoint, with_model
from turnout.providers.transport import Transport
from turnout.router import Parts, Router
from turnout.router.record import Record
from turnout.testing import MemoryLedger
from turnout.types.candidate import Candidate
from turnout.types.clock import Clock, SystemClock
from turnout.types.decision import Decision
from turnout.types.dialect import DialectName
from turnout.types.events import BreakerChanged
from turnout.types.money import Price
from turnout.types.reply import Reply
from turnout.types.request import Caller, Request
from turnout.types.target import Target
from turnout.types.timeouts import Commit, Timeouts
from turnout.wire.registry import provider_dialect
from turnout.wire.sse import SseSplitter

OPENAI, ANTHROPIC, GEMINI = DialectName.OPENAI_CHAT, DialectName.ANTHROPIC_MESSAGES, DialectName.GEMINI
RESPONSES = DialectName.OPENAI_RESPONSES
PRICE = Price(input=Decimal(1), output=Decimal(10), version="test")
QUICK = Timeouts(connect=1.0, first_token=1.0, idle=1.0, answer=1.0, total=6.0)


def endpoint(
    name: str, transport: Transport, speaks: DialectName, base_url: str = "http://scripted", **fields: object
) -> Endpoint:
    """A target that charges `PRICE`; `fields` are the target's, and `stream_usage`."""
    stream_usage = bool(fields.pop("stream_usage", True))
    spoken, model = provider_dialect(speaks), f"{name}-model"
    given: dict[str, object] = {"model": f"{name}-model", "price": PRICE, **fields}
    return Endpoint(
        target=msgspec.convert({"name": name, "provider": name, "dialect": speaks, **given}, Target),
        dialect=spoken,
        url=base_url + with_model(spoken.path, model),
        stream_url=base_url + with_model(spoken.stream_path, model),
        headers={"content-type": "application/json", "authorization": f"Bearer key-of-{name}"},
        stream_usage=stream_usage,
        transport=transport,
    )


def request(speaks: DialectName = OPENAI, *, stream: bool = False, caller: Caller | None = None) -> Request:
    """A small conversation."""
    conversation, limit = ("input", "max_output_tokens") if speaks is RESPONSES else ("messages", "max_tokens")
    body = {"model": "route", conversation: [{"role": "user", "content": "hello"}], limit: 500, "stream": stream}
    raw = msgspec.json.encode(body)
    return Request(dialect=speaks, route="route", raw=raw, body=body, stream=stream, caller=caller or Caller())


@dataclass
class OneRoute:
    """The only route there is, whatever it is called."""

    route: Route

    def find(self, name: str) -> Route | None:
        return self.route

    def names(self) -> Iterable[str]:
        return [self.route.name]


@dataclass
class Wired:
    """A router and everything about it that a test looks at."""

    router: Router
    ledger: MemoryLedger
    breakers: BreakerBoard
    transitions: list[BreakerChanged] = field(default_factory=list)

    @property
    def decision(self) -> Decision:
        """The only one."""
        (decision,) = self.ledger.decisions
        return decision


def wire(
    *endpoints: Endpoint,
    timeouts: Timeouts = QUICK,
    commit: Commit | None = None,
    clock: Clock | None = None,
    settings: BreakerSettings | None = None,
    retries: RetrySettings | None = None,
    **fields: object,
) -> Wired:
    """A router whose only route falls back along `endpoints`, unless a `policy` is given; `fields` are the route's."""
    clock = clock or SystemClock()
    by_name = {each.target.name: each for each in endpoints}
    policy = cast("Policy", fields.pop("policy", None) or chain(list(by_name)))
    ledger = MemoryLedger()
    transitions: list[BreakerChanged] = []
    breakers = BreakerBoard(by_name, settings or BreakerSettings(), clock, transitions.append)
    route = Route(
        name="route",
        policy=Filters(policy),
        timeouts=timeouts,
        commit=commit or Commit(),
        baseline=endpoints[-1].target.name,
        **fields,  # type: ignore[arg-type]
    )
    waits = retries or RetrySettings(base=0.01)
    health = HealthBoard(by_name, clock)
    executor = Executor(by_name, breakers, health, retries=waits, retry_budget=RetryBudget())
    parts = Parts(routes=OneRoute(route), endpoints=by_name, executor=executor, breakers=breakers)
    router = Router(parts, record=Record(ledger, clock=clock, hash_keys=FixedKey(b"k" * 32)), clock=clock)
    return Wired(router, ledger, breakers, transitions)


def chain(names: Sequence[str]) -> Fallback:
    """One target after another."""
    last = names[-1]
    candidates = [Candidate(target=name, reason="fallback", more=name != last) for name in names]
    return Fallback(tuple(map(Single, candidates)))


@dataclass
class Heard:
    """What a caller got.

    Attributes:
        text: the answer's text.
        complete: the dialect's own end was there.
        error: the dialect's error event was there.
    """

    text: str = ""
    complete: bool = False
    error: bool = False
    finish: str | None = None


async def listen(reply: Reply, speaks: DialectName) -> Heard:
    """Take the whole of an answer, as a careful client of the dialect does."""
    if reply.stream is None:
        assert reply.body is not None
        return _whole(msgspec.json.decode(reply.body), speaks)
    raw = b"".join([piece async for piece in reply.stream])
    await reply.stream.aclose()
    return heard_in(raw, speaks)


def heard_in(raw: bytes, speaks: DialectName) -> Heard:
    """Read a stream's bytes."""
    heard = Heard()
    splitter = SseSplitter()
    for event in splitter.feed(raw):
        data = event.data
        assert not heard.complete or not data, f"{event.raw!r} after the end"
        assert not heard.error, f"{event.raw!r} after the error"
        if not data:
            continue
        if data == b"[DONE]":
            heard.complete = True
            continue
        _EVENTS[speaks](msgspec.json.decode(data), heard)
    assert not splitter.rest.strip()
    return heard


def _openai_event(event: dict, heard: Heard) -> None:
    heard.error = "error" in event
    for choice in event.get("choices", []):
        heard.text += choice["delta"].get("content") or ""
        heard.finish = choice.get("finish_reason") or heard.finish


def _responses_event(event: dict, heard: Heard) -> None:
    match event["type"]:
        case "error" | "response.failed":
            heard.error = True
        case "response.completed" | "response.incomplete":
            heard.complete = True
            heard.finish = _responses_finish(event["response"])
        case "response.output_text.delta":
            heard.text += event["delta"]


def _responses_finish(body: dict) -> str:
    return str((body["incomplete_details"] or {}).get("reason") or body["status"])


def _anthropic_event(event: dict, heard: Heard) -> None:
    match event["type"]:
        case "error":
            heard.error = True
        case "message_stop":
            heard.complete = True
        case "message_delta":
            heard.finish = event["delta"].get("stop_reason") or heard.finish
        case "content_block_delta":
            heard.text += event["delta"].get("text", "")


_EVENTS = {OPENAI: _openai_event, RESPONSES: _responses_event, ANTHROPIC: _anthropic_event}


def _whole(body: dict, speaks: DialectName) -> Heard:
    if speaks is OPENAI:
        choice = body["choices"][0]
        return Heard(choice["message"]["content"] or "", complete=True, finish=choice["finish_reason"])
    if speaks is RESPONSES:
        said = "".join(part["text"] for item in body["output"] for part in item.get("content", []))
        return Heard(said, complete=True, finish=_responses_finish(body))
    text = "".join(block.get("text", "") for block in body["content"])
    return Heard(text, complete=body["stop_reason"] is not None, finish=body["stop_reason"])
