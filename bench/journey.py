"""Where the journey's own time goes: processor time of each stage, without server, client and sockets around it.

One request after another goes through the gateway's endpoint to a provider that answers at once, its record into a
real journal. The whole is timed untouched; then each stage, by subclasses that read the clock around it, less what
reading it takes. Only processor time counts, so that a busy machine disturbs little.

`python -m bench.journey DIRECTORY` prints a JSON object: µs per request by stage.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import uvloop
from typing_extensions import override

from bench.payloads import KEY, chat_answer, chat_request, gateway_config
from turnout.config.build import build_parts
from turnout.config.load import LoadedConfig, load_config_text
from turnout.errors import RequestFailed
from turnout.execution.breaker import BreakerBoard
from turnout.execution.delivery import Delivered
from turnout.execution.executor import Executor
from turnout.execution.work import Work
from turnout.features.hash_keys import FixedKey
from turnout.ledger.journal import Journal
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.tail import JournalTail
from turnout.policy.base import Context, Policy
from turnout.policy.route import Route
from turnout.providers.endpoint import Endpoint
from turnout.providers.transport import Exchange, HttpCall
from turnout.router import Parts, Router, Routes
from turnout.router.admitted import Admitted
from turnout.router.record import Record
from turnout.server.admission import Admission
from turnout.server.conversation import ConversationEndpoint
from turnout.server.heap import collecting_seldom
from turnout.types.candidate import Outcome, Plan
from turnout.types.clock import SystemClock
from turnout.types.decision import Decision
from turnout.types.dialect import DialectName
from turnout.types.reply import Reply
from turnout.types.request import Request

_REST: Final = "send"
_NOTHING: Final = "nothing"
_REQUESTS: Final = 4_000
_WARM_UP: Final = 500
_ANSWER: Final = chat_answer()


class Stages:
    """Charges processor time to the innermost stage that is under way."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._inside: Counter[str] = Counter()
        self._around: Counter[str] = Counter()
        self._open = [_REST]
        self._since = 0

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """What is done inside belongs to `stage`."""
        self._charge()
        self._around[self._open[-1]] += 1
        self._inside[stage] += 1
        self._open.append(stage)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def begin(self) -> None:
        """Forget what was charged so far."""
        for counts in (self.spent, self._inside, self._around):
            counts.clear()
        self._since = time.thread_time_ns()

    def end(self) -> dict[str, float]:
        """What each stage took in ns, less what entering and leaving stages takes, inside them and around them."""
        self._charge()
        empty = Stages()
        empty.begin()
        for _ in range(_REQUESTS):
            with empty.at(_NOTHING):
                pass
        empty._charge()
        inside, around = empty.spent[_NOTHING] / _REQUESTS, empty.spent[_REST] / _REQUESTS
        return {
            stage: max(0.0, spent - inside * self._inside[stage] - around * self._around[stage])
            for stage, spent in self.spent.items()
        }

    def _charge(self) -> None:
        now = time.thread_time_ns()
        self.spent[self._open[-1]] += now - self._since
        self._since = now


class InstantAnswer:
    """An exchange whose body is there."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        yield _ANSWER

    async def read(self, limit: int) -> bytes:  # noqa: ARG002 - it is short
        return _ANSWER

    def abort(self) -> None:
        pass


class InstantTransport:
    """A provider that answers at once."""

    async def open(self, call: HttpCall, *, connect_timeout: float) -> Exchange:  # noqa: ARG002
        return InstantAnswer()

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Workshop:
    """What both the plain and the timed journey are made of."""

    loaded: LoadedConfig
    parts: Parts
    record: Record
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def admission(self) -> Admission:
        return Admission(self.loaded, "127.0.0.1")


class TimedPolicy:
    """A policy whose every step is charged to the decision."""

    def __init__(self, policy: Policy, stages: Stages) -> None:
        self._policy = policy
        self._stages = stages
        self.targets = policy.targets

    def decide(self, context: Context) -> Plan:
        plan = self._policy.decide(context)
        reply: Outcome | None = None
        while True:
            with self._stages.at("decide"):
                try:
                    step = plan.send(reply)
                except StopIteration as stop:
                    accepted: Outcome | None = stop.value
                    return accepted
            reply = yield step


class TimedExecutor(Executor):
    def __init__(self, parts: Parts, stages: Stages) -> None:
        super().__init__(parts.endpoints, parts.breakers, parts.executor.health)
        self._stages = stages

    @override
    async def run(self, plan: Plan, work: Work) -> Delivered:
        with self._stages.at("execute"):
            return await super().run(plan, work)


class TimedRecord:
    """A record whose two lines are charged to it."""

    def __init__(self, record: Record, stages: Stages) -> None:
        self._record = record
        self._stages = stages
        self.hash_keys = record.hash_keys

    def intent(self, *told: Any) -> None:
        with self._stages.at("record"):
            self._record.intent(*told)

    def outcome(self, admitted: Admitted, error: RequestFailed | None) -> Decision:
        with self._stages.at("record"):
            return self._record.outcome(admitted, error)


class TimedRouter(Router):
    def __init__(self, stages: Stages, parts: Parts, **others: Any) -> None:
        super().__init__(parts, **others)
        self._stages = stages

    @override
    async def handle(self, request: Request) -> Reply:
        with self._stages.at("reply"):
            return await super().handle(request)

    @override
    def _begin(self, request: Request) -> Admitted:
        with self._stages.at("admit"):
            return super()._begin(request)

    @override
    def _admit(self, admitted: Admitted) -> tuple[Route, Context]:
        with self._stages.at("admit"):
            return super()._admit(admitted)


class TimedEndpoint(ConversationEndpoint):
    def __init__(self, stages: Stages, *parts: Any) -> None:
        super().__init__(*parts)
        self._stages = stages

    @override
    async def _read(self, headers: Any, holder: Any, receive: Any) -> Request:
        with self._stages.at("read"):
            return await super()._read(headers, holder, receive)


class OneRoute:
    """A table of one route."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def find(self, name: str) -> Route | None:
        return self._route if name == self._route.name else None

    def names(self) -> list[str]:
        return [self._route.name]


def _workshop(recorder: Journal) -> Workshop:
    loaded = load_config_text(json.dumps(gateway_config({"unary": "http://127.0.0.1:9"}, keys=True)))
    clock = SystemClock()
    parts = build_parts(loaded, clock)
    instant = {name: replace(endpoint, transport=InstantTransport()) for name, endpoint in parts.endpoints.items()}
    parts = _parts(instant, parts.routes, parts.breakers, Executor(instant, parts.breakers, parts.executor.health))
    return Workshop(loaded, parts, Record(recorder, clock=clock, hash_keys=FixedKey(bytes(32))))


def _parts(endpoints: Mapping[str, Endpoint], routes: Routes, breakers: BreakerBoard, executor: Executor) -> Parts:
    return Parts(endpoints=endpoints, routes=routes, breakers=breakers, executor=executor, config_version="bench")


def _plain(shop: Workshop) -> ConversationEndpoint:
    router = Router(shop.parts, record=shop.record, clock=shop.clock)
    return ConversationEndpoint(DialectName.OPENAI_CHAT, router, shop.admission)


def _timed(shop: Workshop, stages: Stages) -> ConversationEndpoint:
    route = shop.parts.routes.find("unary")
    assert route is not None
    timed = OneRoute(replace(route, policy=TimedPolicy(route.policy, stages)))
    parts = _parts(shop.parts.endpoints, timed, shop.parts.breakers, TimedExecutor(shop.parts, stages))
    router = TimedRouter(stages, parts, record=TimedRecord(shop.record, stages), clock=shop.clock)
    return TimedEndpoint(stages, DialectName.OPENAI_CHAT, router, shop.admission)


async def serve(endpoint: ConversationEndpoint, requests: int) -> None:
    """One request after another."""
    body = chat_request("unary", stream=False)
    given = {"host": "gateway", "authorization": f"Bearer {KEY}", "content-type": "application/json"}
    given |= {"content-length": str(len(body)), "user-agent": "bench", "accept": "application/json"}
    headers = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200

    for _ in range(requests):
        await endpoint(scope, receive, send)


async def _measure(directory: Path) -> dict[str, float]:
    journal = Journal(directory / "journal", worker="bench")
    shop = _workshop(journal)
    plain = _plain(shop)
    stages = Stages()
    timed = _timed(shop, stages)
    with collecting_seldom():
        await serve(plain, _WARM_UP)
        await serve(timed, _WARM_UP)
        began = time.thread_time_ns()
        await serve(plain, _REQUESTS)
        whole = time.thread_time_ns() - began
        stages.begin()
        await serve(timed, _REQUESTS)
        spent = stages.end()
    share = whole / sum(spent.values())  # what reading the clock takes is taken off, not what it costs the caches
    measured = {"whole": float(whole)} | {stage: ns * share for stage, ns in spent.items()}
    return {stage: ns / _REQUESTS / 1e3 for stage, ns in measured.items()} | {"drain": _drain(directory, journal)}


def journey_and_drain(directory: Path) -> tuple[ConversationEndpoint, JournalTail]:
    """The whole journey, and what takes its records into a store."""
    journal = Journal(directory / "journal", worker="bench")
    tail = JournalTail(journal.directory, SqliteStore(directory / "ledger.db"), dead=False)
    return _plain(_workshop(journal)), tail


def _drain(directory: Path, journal: Journal) -> float:
    """µs of a record's way from the journal into the store."""
    store = SqliteStore(directory / "ledger.db")
    tail = JournalTail(journal.directory, store, dead=False)
    store.position("bench")  # makes the file
    began = time.thread_time_ns()
    tail.catch_up()
    spent = time.thread_time_ns() - began
    tail.close()
    store.close()
    return spent / (2 * (_REQUESTS + _WARM_UP)) / 1e3


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_measure(Path(sys.argv[1])))))
