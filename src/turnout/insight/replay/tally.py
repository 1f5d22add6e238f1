"""Sums over replayed requests, which add up: each part of the traffic is replayed on its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from turnout.insight.replay.foresight import Priced, Usual, Waits, priced, slowest
from turnout.insight.replay.past import Past
from turnout.insight.replay.ways import AS_IT_WAS, Found, Way
from turnout.ledger.money import to_pico
from turnout.ledger.sketch import bin_of
from turnout.types.target import Target

NOBODY = ""
"""The target of a request that nobody answered."""


class Kind(NamedTuple):
    """A move: from the target that answered to each that might now."""

    route: str
    before: str
    after: tuple[str, ...]
    elsewise: bool = False


class Example(NamedTuple):
    """A changed decision.

    Attributes:
        time, id: the decision's.
        before, after: the targets called, in order; of `after` one such path for each way it might have gone.
        rule_before, rule_after: the rules that decided.
        because: what made it so.
        tokens: estimated, of the query.
        cost, cost_low, cost_high: before and after, in pico-USD; None where a price is unknown.
    """

    time: str
    id: str
    before: tuple[str, ...]
    after: tuple[tuple[str, ...], ...]
    rule_before: str | None
    rule_after: str | None
    because: str
    tokens: int
    cost: int | None
    cost_low: int | None
    cost_high: int | None


@dataclass(slots=True)
class Costs:
    """What requests cost, before and after, in pico-USD.

    Two models say what calls that were never made would have cost: `same` takes answers to be as long as the recorded
    ones, `own` as long as the target's are. Of each the lowest and the highest of the ways that a request might go.

    Attributes:
        unpriced: how many are left out, before and after, for an unknown price.
    """

    before: int = 0
    same_low: int = 0
    same_high: int = 0
    own_low: int = 0
    own_high: int = 0
    unpriced: int = 0

    def add(self, other: Costs) -> None:
        """Count others in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def low(self) -> int:
        """The least, by either model."""
        return min(self.same_low, self.own_low)

    @property
    def high(self) -> int:
        """The most, by either model."""
        return max(self.same_high, self.own_high)


@dataclass(slots=True)
class Move:
    """The requests of a move, and some of them, the newest."""

    requests: int = 0
    costs: Costs = field(default_factory=Costs)
    examples: list[Example] = field(default_factory=list)

    def add(self, other: Move, most: int) -> None:
        """Count others in."""
        self.requests += other.requests
        self.costs.add(other.costs)
        self.examples = sorted([*self.examples, *other.examples], reverse=True, key=_newest)[:most]


@dataclass(slots=True)
class Before:
    """How it was."""

    escalated: int = 0
    fell_back: int = 0
    unanswered: int = 0
    latencies: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class After:
    """One bound of how it would be."""

    escalated: int = 0
    fell_back: int = 0
    unanswered: int = 0
    waits: Waits = field(default_factory=Counter)


@dataclass(slots=True)
class RouteTally:
    """One route's requests.

    Attributes:
        requests: those that were decided again.
        changed: those whose calls or answer would be others.
        unknown: those that might go several ways.
        costs: what they cost.
        before: how it was.
        low, high: how it would be.
        predicted: how many calls of each target were never made.
    """

    requests: int = 0
    changed: int = 0
    unknown: int = 0
    costs: Costs = field(default_factory=Costs)
    before: Before = field(default_factory=Before)
    low: After = field(default_factory=After)
    high: After = field(default_factory=After)
    predicted: Counter[str] = field(default_factory=Counter)

    def add(self, other: RouteTally) -> None:
        """Count others in."""
        for name in ("requests", "changed", "unknown"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.costs.add(other.costs)
        for side in ("before", "low", "high"):
            mine, theirs = getattr(self, side), getattr(other, side)
            for name in ("escalated", "fell_back", "unanswered"):
                setattr(mine, name, getattr(mine, name) + getattr(theirs, name))
        self.before.latencies.update(other.before.latencies)
        self.low.waits.update(other.low.waits)
        self.high.waits.update(other.high.waits)
        self.predicted.update(other.predicted)


@dataclass(slots=True)
class Tally:
    """What was found in a part of the traffic.

    Attributes:
        most: so many examples are kept of each move.
        routes: by name.
        moves: what changed.
        fired: how often each rule or branch decided, by route and name.
        skipped: how many were not decided again, by why not.
        unknown: how many might go several ways, by what is not recorded.
        latencies: of each target's recorded answers, by bin.
    """

    most: int = 3
    routes: dict[str, RouteTally] = field(default_factory=dict)
    moves: dict[Kind, Move] = field(default_factory=dict)
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, other: Tally) -> None:
        """Count another part in."""
        for name, route in other.routes.items():
            self.routes.setdefault(name, RouteTally()).add(route)
        for kind, move in other.moves.items():
            self.moves.setdefault(kind, Move()).add(move, self.most)
        for mine, theirs in ((self.fired, other.fired), (self.skipped, other.skipped), (self.unknown, other.unknown)):
            mine.update(theirs)  # type: ignore[arg-type] # of its own kind
        for target, counts in other.latencies.items():
            self.latencies[target].update(counts)


class _Came(NamedTuple):
    """What one way comes to: amounts in pico-USD, None where a price is unknown."""

    cost: Priced | None
    wait: tuple[int, tuple[str, ...]]
    way: Way
    known: bool


class Counting:
    """Counts replayed requests.

    Args:
        targets: those of the other configuration.
        usual: what the calls of the period say of each.
        most: so many examples are kept of each move.
    """

    def __init__(self, targets: Mapping[str, Target], usual: Mapping[str, Usual], most: int) -> None:
        self.tally = Tally(most)
        self._targets, self._usual = targets, usual

    def seen(self, past: Past) -> None:
        """A recorded request, be it decided again or not: how long its answers took."""
        for call in past.attempts:
            if call.outcome == "answered" and call.purpose == "answer":
                self.tally.latencies[call.target][bin_of(call.latency_ms)] += 1

    def count(self, route: str, past: Past, found: Found, *, escalated: bool, fell_back: bool) -> None:
        """A request that was decided again; whether it was escalated and fell back the first time."""
        tally = self.tally.routes.get(route) or self.tally.routes.setdefault(route, RouteTally())
        tally.requests += 1
        before = tally.before
        before.latencies[bin_of(past.latency_ms)] += 1
        before.escalated += escalated
        before.fell_back += fell_back
        before.unanswered += past.target is None
        for way in found.ways:
            for name in dict.fromkeys(way.chosen):
                self.tally.fired[route, name] += 1
        self.tally.unknown.update(found.unknown)
        came = [self._come(past, way, escalated=escalated, fell_back=fell_back) for way in found.ways]
        tally.unknown += bool(found.unknown)
        costs = _costs(to_pico(past.cost_usd), came)
        tally.costs.add(costs)
        self._bounds(tally, came)
        if any(not each.known for each in came):
            tally.changed += 1
            self._moved(route, past, came, costs)

    def _come(self, past: Past, way: Way, *, escalated: bool, fell_back: bool) -> _Came:
        path = past.path()
        as_before = way.path == path and way.target == past.target
        judged = any(call.purpose == "judge" for call in past.attempts)
        if as_before and (not judged or way.held or way.because == AS_IT_WAS):
            cost = to_pico(past.cost_usd)
            same = way._replace(escalated=escalated, fell_back=fell_back)
            return _Came(_exactly(cost), (bin_of(past.latency_ms), ()), same, known=True)
        amounts: list[Priced | None] = []
        waited, foreseen = 0.0, []
        for target in way.path:
            if target in path:
                amounts.append(_exactly(to_pico(past.spent(target, held=target in way.held))))
                waited += past.took_ms(target)
            else:
                amounts.append(priced(self._targets[target], past, self._usual.get(target)))
                foreseen.append(target)
        return _Came(_sum(amounts), (bin_of(waited), tuple(foreseen)), way, known=as_before)

    def _bounds(self, tally: RouteTally, came: Sequence[_Came]) -> None:
        for target in {name for each in came for name in each.wait[1]}:
            tally.predicted[target] += 1
        ordered = sorted(came, key=lambda each: (each.wait[0], slowest(each.wait[1], self._usual)))
        for side, pick, wait in ((tally.low, min, ordered[0].wait), (tally.high, max, ordered[-1].wait)):
            side.escalated += pick(each.way.escalated for each in came)
            side.fell_back += pick(each.way.fell_back for each in came)
            side.unanswered += pick(each.way.target is None for each in came)
            side.waits[wait] += 1

    def _moved(self, route: str, past: Past, came: Sequence[_Came], costs: Costs) -> None:
        before = past.target or NOBODY
        after = tuple(sorted({each.way.target or NOBODY for each in came}))
        move = self.tally.moves.setdefault(Kind(route, before, after, after == (before,)), Move())
        move.requests += 1
        move.costs.add(costs)
        most = self.tally.most
        if most and (len(move.examples) < most or past.time > move.examples[-1].time):
            move.examples.append(_example(past, came, costs))
            move.examples.sort(key=_newest, reverse=True)
            del move.examples[most:]


def _newest(example: Example) -> tuple[str, str]:
    return example.time, example.id


def _example(past: Past, came: Sequence[_Came], costs: Costs) -> Example:
    way = next(each.way for each in came if not each.known)
    return Example(
        time=past.time,
        id=past.id,
        before=past.path(),
        after=tuple(each.way.path for each in came),
        rule_before=past.rule,
        rule_after=way.rule,
        because=way.because,
        tokens=past.features.tokens if past.features is not None else 0,
        cost=None if costs.unpriced else costs.before,
        cost_low=None if costs.unpriced else costs.low,
        cost_high=None if costs.unpriced else costs.high,
    )


def _costs(was: int | None, came: Sequence[_Came]) -> Costs:
    """What a request cost and would cost; nothing of it where a price is unknown."""
    priced_ways = [each.cost for each in came if each.cost is not None]
    if was is None or len(priced_ways) < len(came):
        return Costs(unpriced=1)
    same = [each.same for each in priced_ways]
    own = [each.low for each in priced_ways], [each.high for each in priced_ways]
    return Costs(was, min(same), max(same), min(own[0]), max(own[1]))


def _exactly(pico: int | None) -> Priced | None:
    return None if pico is None else Priced(pico, pico, pico)


def _sum(amounts: Sequence[Priced | None]) -> Priced | None:
    known = [each for each in amounts if each is not None]
    if len(known) < len(amounts):
        return None
    return Priced(*(sum(each[place] for each in known) for place in range(3)))
