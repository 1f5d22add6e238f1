"""The figures that were promised, and whether what was measured keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.contestants import RELAY, TURNOUT
from bench.spread import Measured, Spread, differences, ratios

Rounds = Callable[[Measured], list[float]]


@dataclass(frozen=True)
class Promise:
    """A figure with its bound.

    Attributes:
        name: what is promised, for the reader.
        unit: of the bound.
        bound: the value to keep.
        at_least: whether the bound is a floor; else it is a ceiling.
        rounds: takes turnout's rounds out of what was measured; raises KeyError where they are missing.
    """

    name: str
    unit: str
    bound: float
    at_least: bool
    rounds: Rounds


@dataclass(frozen=True)
class Verdict:
    """A promise beside what was measured; `spread` is None where it was not."""

    promise: Promise
    spread: Spread | None

    @property
    def kept(self) -> bool | None:
        """Whether the median keeps the bound; None where nothing was measured."""
        if self.spread is None:
            return None
        value, bound = self.spread.median, self.promise.bound
        return value >= bound if self.promise.at_least else value <= bound

    @property
    def text(self) -> str:
        """`met`, or by how much of the bound it is missed."""
        if self.spread is None:
            return "not measured"
        if self.kept:
            return "met"
        gap = abs(self.spread.median - self.promise.bound) / self.promise.bound
        return f"{'short' if self.promise.at_least else 'over'} by {gap:.0%}"


def _floor(name: str, unit: str, bound: float, rounds: Rounds) -> Promise:
    return Promise(name, unit, bound, at_least=True, rounds=rounds)


def _ceiling(name: str, unit: str, bound: float, rounds: Rounds) -> Promise:
    return Promise(name, unit, bound, at_least=False, rounds=rounds)


def _of_turnout(metric: str) -> Rounds:
    return lambda measured: measured[metric][TURNOUT]


def _beside_relay(metric: str, compare: Callable[[list[float], list[float]], list[float]]) -> Rounds:
    return lambda measured: compare(measured[metric][TURNOUT], measured[metric][RELAY])


PROMISES = (
    _floor("unary requests/s, one core, 32 connections", "/s", 5_000, _of_turnout("unary_rps")),
    _floor("... as a share of the bare relay's", "", 0.75, _beside_relay("unary_rps", ratios)),
    _ceiling("latency over the bare relay, p50", "ms", 0.08, _beside_relay("p50_ms", differences)),
    _ceiling("latency over the bare relay, p99", "ms", 0.5, _beside_relay("p99_ms", differences)),
    _floor("SSE events relayed/s, one core", "/s", 100_000, _of_turnout("events_rps")),
    _ceiling("memory at rest, per worker", "MB", 120, _of_turnout("rest_mb")),
    _ceiling("memory growth over the requests", "%", 5, _of_turnout("growth_pct")),
    _ceiling("import turnout", "ms", 150, _of_turnout("import_ms")),
    _ceiling("a rule decision, 3 lists of 200 phrases", "µs", 50, _of_turnout("decision_us")),
    _ceiling("a classifier's decision, 300 characters", "µs", 100, _of_turnout("classifier_us")),
    _ceiling("an answer's confidence, by gain, of five inputs", "µs", 100, _of_turnout("confidence_us")),
)


def judge(measured: Measured) -> list[Verdict]:
    """Every promise with its verdict, in the order of the table."""
    return [Verdict(promise, _spread(promise, measured)) for promise in PROMISES]


def _spread(promise: Promise, measured: Measured) -> Spread | None:
    try:
        return Spread.of(promise.rounds(measured))
    except KeyError:
        return None
