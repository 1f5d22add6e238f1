"""The measurements. Contestants take turns (A B C, A B C, ...), so that a slow spell meets all of them.

Every function returns `Measured`.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import load
from bench.contestants import RELAY, TURNOUT, Contestant, body
from bench.exchange import Stopwatch
from bench.payloads import GUARDED, STREAM_EVENTS
from bench.spread import Measured, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.machine import Stage

CONNECTIONS = 32
PACED_STREAMS = 100
_BLOCK = 100
_COLD = 5
_WARM_UP_REQUESTS = 10_000


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes:
        rounds: turns that each contestant takes.
        seconds: length of a turn under load.
        asks: timed requests in a turn at one connection.
        requests: requests over which memory may grow.
    """

    rounds: int
    seconds: float
    asks: int
    requests: int


QUICK = Plan(rounds=3, seconds=3, asks=2_000, requests=50_000)
FULL = Plan(rounds=7, seconds=5, asks=5_000, requests=1_000_000)


@dataclass(frozen=True)
class Field:
    """The contestants, where they run, how long, and whom to tell what is being done."""

    stage: Stage
    contestants: list[Contestant]
    plan: Plan
    say: Callable[[str], None]

    def turns(self, what: str) -> Iterator[Contestant]:
        """Each contestant once a round, announced."""
        for number in range(1, self.plan.rounds + 1):
            for contestant in self.contestants:
                self.say(f"{what}, round {number} of {self.plan.rounds}: {contestant.name}")
                yield contestant

    def drive(self, contestant: Contestant, workload: str, seconds: float) -> tuple[load.Load, float]:
        """Load one contestant; also returns the processor seconds that its processes used."""
        before = _cpu(contestant)
        url = contestant.url(workload)
        seen = load.drive(url, body(workload), self.stage.directory, connections=CONNECTIONS, seconds=seconds)
        return seen, _cpu(contestant) - before


def unary(field: Field) -> Measured:
    """Requests a second over 32 connections, and processor time for each."""
    measured: Measured = {"unary_rps": {}, "unary_cpu_us": {}}
    for contestant in field.contestants:
        field.drive(contestant, "unary", 1)  # to warm up
    for contestant in field.turns("unary requests"):
        seen, cpu = field.drive(contestant, "unary", field.plan.seconds)
        _add(measured, "unary_rps", contestant, seen.rate)
        _add_cpu(measured, "unary_cpu_us", contestant, cpu / seen.requests)
    return measured


def stream(field: Field) -> Measured:
    """Events relayed a second over 32 connections, from a provider that sends as fast as it is read."""
    measured: Measured = {"events_rps": {}, "event_cpu_us": {}}
    for contestant in field.turns("streams"):
        seen, cpu = field.drive(contestant, "stream", field.plan.seconds)
        _add(measured, "events_rps", contestant, seen.rate * STREAM_EVENTS)
        _add_cpu(measured, "event_cpu_us", contestant, cpu / (seen.requests * STREAM_EVENTS))
    return measured


def paced(field: Field) -> Measured:
    """Processor time for each event when every event comes alone: 100 streams of 100 events a second."""
    measured: Measured = {"paced_event_cpu_us": {}}
    for contestant in field.turns("paced streams"):
        before = _cpu(contestant)
        asyncio.run(load.once(contestant.url("paced"), body("paced"), PACED_STREAMS))
        cpu = _cpu(contestant) - before
        _add_cpu(measured, "paced_event_cpu_us", contestant, cpu / (PACED_STREAMS * STREAM_EVENTS))
    return measured


def guarded(field: Field) -> Measured:
    """As `unary`, with somewhere to fall back to: each answer is a stream of `STREAM_EVENTS` events put together."""
    measured: Measured = {"guarded_rps": {}, "guarded_cpu_us": {}}
    for contestant in field.turns("guarded requests"):
        if GUARDED in contestant.urls:
            seen, cpu = field.drive(contestant, GUARDED, field.plan.seconds)
            _add(measured, "guarded_rps", contestant, seen.rate)
            _add_cpu(measured, "guarded_cpu_us", contestant, cpu / seen.requests)
    return measured


def latency(field: Field) -> Measured:
    """Milliseconds at one connection, p50 and p99, in blocks of 100 requests; contestants alternate.

    The first five of each block are not counted: the contestant before has just emptied the core's caches.
    """
    measured: Measured = {"p50_ms": {}, "p99_ms": {}}
    watches = {c.name: Stopwatch(c.url("unary"), body("unary")) for c in field.contestants}
    gc.disable()
    for number in range(1, field.plan.rounds + 1):
        field.say(f"one connection, round {number} of {field.plan.rounds}")
        times: dict[str, list[float]] = {name: [] for name in watches}
        for _ in range(field.plan.asks // (_BLOCK - _COLD)):
            for name, watch in watches.items():
                times[name] += [watch.milliseconds() for _ in range(_BLOCK)][_COLD:]
        for contestant in field.contestants:
            _add(measured, "p50_ms", contestant, percentile(times[contestant.name], 0.50))
            _add(measured, "p99_ms", contestant, percentile(times[contestant.name], 0.99))
    gc.enable()
    for watch in watches.values():
        watch.close()
    return measured


def memory_at_rest(field: Field) -> Measured:
    """Resident MB of a worker that has answered the two requests of the check and no more."""
    measured: Measured = {"rest_mb": {}}
    for contestant in field.contestants:
        if contestant.server is not None:
            _add(measured, "rest_mb", contestant, contestant.server.rss_mb())
    return measured


def memory_growth(field: Field) -> Measured:
    """Growth of resident memory in % over `plan.requests`, after 10,000 to warm up; not of nginx."""
    measured: Measured = {"growth_pct": {}, "warm_mb": {}}
    for contestant in field.contestants:
        if contestant.server is None or contestant.name not in {RELAY, TURNOUT}:
            continue
        _drive_requests(field, contestant, _WARM_UP_REQUESTS)
        before = contestant.server.rss_mb()
        _drive_requests(field, contestant, field.plan.requests)
        growth = (contestant.server.rss_mb() - before) / before * 100
        _add(measured, "warm_mb", contestant, before)
        _add(measured, "growth_pct", contestant, growth)
    return measured


def _drive_requests(field: Field, contestant: Contestant, requests: int) -> None:
    done = 0
    while done < requests:
        field.say(f"memory: {contestant.name}, {done:,} of {requests:,} requests")
        seen, _ = field.drive(contestant, "unary", min(10.0, max(1.0, (requests - done) / 8_000)))
        done += seen.requests
    time.sleep(1)  # whatever is drained behind the answers comes to rest


def _cpu(contestant: Contestant) -> float:
    return contestant.server.cpu_seconds() if contestant.server else 0.0


def _add(measured: Measured, metric: str, contestant: Contestant, value: float) -> None:
    measured[metric].setdefault(contestant.name, []).append(value)


def _add_cpu(measured: Measured, metric: str, contestant: Contestant, seconds: float) -> None:
    if contestant.server is not None:
        _add(measured, metric, contestant, seconds * 1e6)
