"""The fault-injecting provider: a healthy provider of four dialects, and everything that can be wrong with it."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from turnout.testing.fault_provider.connection import Connection
from turnout.testing.fault_provider.control import Control
from turnout.testing.fault_provider.desk import Desk, SeenRequest
from turnout.testing.fault_provider.fault import Fault
from turnout.testing.fault_provider.ledger import Ledger
from turnout.testing.fault_provider.port import Port
from turnout.testing.fault_provider.rules import Rule


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a provider listens; port 0 is a free one."""

    host: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0


class FaultProvider:
    """A provider that speaks OpenAI Chat Completions and Responses, Anthropic Messages and Gemini, and fails on demand.

        async with FaultProvider() as provider:
            provider.use("stall_after(5, 30)")
            ...  # a client of provider.openai_base_url or provider.anthropic_base_url

    A fault is chosen, in this order, by the model's name (`fault:status(429, retry_after=2)`), by `use`, or by the
    control API at `control_url`. `turnout.testing.VERBS` is the table of what can be written.

    A healthy answer to prose is always `HEALTHY_TEXT`. It honours `max_tokens` and stop sequences, calls the first
    tool when the last text of the user says `call the tool` (the first two for `both tools`) or when it is forced to,
    and fills in a JSON schema when given one. Usage follows from the request alone: the prompt has one token, and one
    more for every four bytes of its prose; half of them are cached where the request uses `prompt_cache_key`,
    `cache_control` or `cachedContent`; the answer has a token per word. Counting tokens (`/v1/messages/count_tokens`)
    tells the same of the prompt. Embeddings are vectors of 8
    numbers, or as many as `dimensions` says: always the same for a model and a text.

    Args:
        fault: what is wrong from the start.
        seed: of every random draw: shares, and the ids of answers.
        ledger: where to write down what was received and how it ended: a file, or a `Ledger`.
        listen: where to listen.

    Raises:
        FaultSyntaxError: the fault cannot be read.
    """

    def __init__(
        self,
        fault: str | None = None,
        *,
        seed: int = 0,
        ledger: Ledger | Path | str | None = None,
        listen: Listen | None = None,
    ) -> None:
        self._fault = Fault.parse(fault) if fault else None
        self._ledger = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
        self._listen = listen or Listen()
        self._draw = random.Random(seed)
        self._desk = Desk(self._ledger, self._draw, self._refuse)
        self._open: set[Connection] = set()
        self._open_controls: set[Connection] = set()
        self._numbers = count(1)
        self._outage: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        at, serve, control = self._listen, self._desk.serve, Control(self).serve
        with ExitStack() as opened:
            opened.enter_context(self._ledger)
            self._port = Port(at.host, at.port, lambda: Connection(next(self._numbers), serve, self._open))
            opened.callback(self._port.close)
            self._control = Port(at.host, at.control_port, lambda: Connection(0, control, self._open_controls))
            opened.callback(self._control.close)
            self._opened = opened.pop_all()
        self._control.open()
        self.use(self._fault)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_outage()
        self._port.refuse()
        await _reset_all(self._open | self._open_controls)
        self._opened.close()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://{self._listen.host}:{self._port.number}"

    @property
    def openai_base_url(self) -> str:
        """What OpenAI's SDK is given: `url` and `/v1`."""
        return f"{self.url}/v1"

    @property
    def anthropic_base_url(self) -> str:
        """What Anthropic's SDK is given: `url`."""
        return self.url

    @property
    def gemini_base_url(self) -> str:
        """What Google's SDK is given: `url`."""
        return self.url

    @property
    def control_url(self) -> str:
        """Where the control API is reached even while the port is closed."""
        return f"http://{self._listen.host}:{self._control.number}"

    @property
    def requests(self) -> deque[SeenRequest]:
        """The requests for an answer that were read, the last 10,000, oldest first."""
        return self._desk.requests

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the ledger, oldest first."""
        return list(self._ledger.lines)

    @property
    def open_connections(self) -> int:
        """How many connections are open now, the control API's own apart."""
        return len(self._open)

    def use(
        self,
        fault: str | Fault | None,
        *,
        share: float = 1.0,
        match: Mapping[str, Any] | None = None,
        times: int | None = None,
    ) -> None:
        """Let this go wrong from now on, and nothing else; None is healthy.

        Args:
            fault: verbs joined by `+`.
            share: for which share of the requests, from 0 to 1.
            match: `model` and `dialect` as shell patterns, `stream` as a boolean.
            times: for how many requests at most.

        Raises:
            FaultSyntaxError: the fault, or what it is to match, cannot be read.
        """
        fault = Fault.parse(fault) if isinstance(fault, str) else fault
        self.use_rules([Rule(fault, share, match or {}, times)] if fault else [])

    def use_rules(self, rules: list[Rule], *, seed: int | None = None) -> None:
        """Let the first of the rules that takes a request decide what goes wrong with it."""
        self._end_outage()
        if seed is not None:
            self._draw.seed(seed)
        self._desk.rules = rules
        for fault in (rule.fault for rule in rules):
            if (closed_for := fault.find("refuse")) is not None:
                self._refuse(float(closed_for[0]))
            elif fault.flaps_the_port and (spans := fault.find("flap")) is not None:
                self._come_and_go(*map(float, spans))

    def reset(self) -> None:
        """Be healthy, with the port open, and forget the requests and the log (a ledger's file stays as it is)."""
        self.use(None)
        self.requests.clear()
        self._ledger.lines.clear()

    def _refuse(self, seconds: float) -> None:
        self._come_and_go(seconds, math.inf)

    def _come_and_go(self, down: float, up: float) -> None:
        """Close the port now, open it after `down` seconds, and so on."""
        self._end_outage()
        self._close_port()
        self._outage = asyncio.get_running_loop().create_task(self._take_turns(down, up))

    async def _take_turns(self, down: float, up: float) -> None:
        while True:
            await _pass(down)
            self._port.open()
            if up == math.inf:
                self._desk.rules = [rule for rule in self._desk.rules if rule.fault.find("refuse") is None]
            await _pass(up)
            self._close_port()

    def _close_port(self) -> None:
        self._port.refuse()
        for connection in self._open:
            connection.reset()

    def _end_outage(self) -> None:
        if self._outage is not None:
            self._outage.cancel()
            self._outage = None
        self._port.open()


async def _pass(seconds: float) -> None:
    if seconds == math.inf:
        await asyncio.Event().wait()
    await asyncio.sleep(seconds)


async def _reset_all(connections: set[Connection]) -> None:
    for connection in connections:
        connection.reset()
    await asyncio.gather(*(connection.task for connection in connections), return_exceptions=True)
