"""What a replay found, for people and machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import zip_longest

import msgspec

from turnout.insight.latency import Quantiles
from turnout.insight.replay.foresight import Usual, mixed, quantiles_of
from turnout.insight.replay.tally import Costs, Example, Kind, Move, RouteTally, Tally
from turnout.ledger.money import to_usd


class Range(msgspec.Struct, frozen=True):
    """A number of requests that lies between two; the bounds are stated ones, no confidence interval."""

    low: int
    high: int


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What requests cost, in USD.

    Attributes:
        before: as recorded.
        low, high: the bounds of what they would cost.
        likely: if answers stay as long as they were; None where some requests might go several ways.
        unpriced: how many requests are left out, before and after, for an unknown price.
    """

    before: Decimal
    low: Decimal
    high: Decimal
    likely: Decimal | None
    unpriced: int = 0


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    """How long requests took, in ms: within 5 %; an upper bound of None may be any."""

    before: Quantiles
    low: Quantiles
    high: Quantiles


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Before and after, of a route or of all.

    Attributes:
        requests: those that were decided again.
        changed: those whose calls or answer would be others.
        unknown: those that might go several ways.
        escalated, fell_back, unanswered: how many requests, before.
        escalated_after, fell_back_after, unanswered_after: the same, after.
        predicted: how many calls of each target would be made that were not.
    """

    requests: int
    changed: int
    unknown: int
    cost: Money
    latency: Waited
    escalated: int
    escalated_after: Range
    fell_back: int
    fell_back_after: Range
    unanswered: int
    unanswered_after: Range
    predicted: Mapping[str, int]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that changed; see `turnout.insight.replay.tally.Example`. Amounts in USD."""

    id: str
    time: str
    before: tuple[str, ...]
    after: tuple[tuple[str, ...], ...]
    rule_before: str | None
    rule_after: str | None
    because: str
    tokens: int
    cost_usd: Decimal | None
    low_usd: Decimal | None
    high_usd: Decimal | None


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """The requests that move from one target to another.

    Attributes:
        route: the route, as the new configuration has it.
        before: whose answer they had; None for nobody's.
        after: whose they would have; several where nobody can say which.
        requests: how many.
        share: of the route's requests.
        examples: the newest of them.
    """

    route: str
    before: str | None
    after: tuple[str | None, ...]
    requests: int
    share: float
    cost: Money
    examples: tuple[Changed, ...]


class Silent(msgspec.Struct, frozen=True):
    """A rule that never decides."""

    route: str
    rule: str


class Known(msgspec.Struct, frozen=True):
    """What the period's calls say of a target that would be called: the ground of what is foreseen of it."""

    target: str
    predicted: int
    calls: int
    failed: int


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found.

    Attributes:
        decisions: how many there were.
        skipped: how many of them were not decided again, by why not (`cached`, `unrecorded`, `no_route`).
        unknown: how many might go several ways, by what is not recorded (`list`, `judgement`, `text`, `header`,
            `language`).
        total: of all routes.
        routes: of each.
        moves: what changed, the most requests first.
        silent: the rules that never decide, of routes that have requests.
        idle: the routes without a request.
        foreseen: the targets whose calls were foreseen.
    """

    decisions: int
    skipped: Mapping[str, int]
    unknown: Mapping[str, int]
    total: Changes
    routes: Mapping[str, Changes]
    moves: tuple[Moved, ...]
    silent: tuple[Silent, ...]
    idle: tuple[str, ...]
    foreseen: tuple[Known, ...]

    def examples(self, most: int) -> list[tuple[str, Changed]]:
        """Some changed decisions with their routes, of each move in turn."""
        turns = zip_longest(*([(move.route, each) for each in move.examples] for move in self.moves))
        return [each for turn in turns for each in turn if each is not None][:most]


def result(tally: Tally, decisions: int, rules: Mapping[str, Iterable[str]], usual: Mapping[str, Usual]) -> Replayed:
    """What the sums say.

    Args:
        tally: the sums over all parts.
        decisions: how many there were.
        rules: the names of each route's rules, in order.
        usual: what the calls of the period say of each target.
    """
    total = RouteTally()
    for each in tally.routes.values():
        total.add(each)
    moves = sorted(tally.moves.items(), key=lambda item: (-item[1].requests, item[0]))
    return Replayed(
        decisions=decisions,
        skipped=dict(tally.skipped),
        unknown=dict(tally.unknown),
        total=_changes(total, tally.latencies, usual),
        routes={name: _changes(each, tally.latencies, usual) for name, each in sorted(tally.routes.items())},
        moves=tuple(_moved(kind, move, tally.routes[kind.route].requests) for kind, move in moves),
        silent=tuple(
            Silent(route, rule)
            for route, names in rules.items()
            if route in tally.routes
            for rule in dict.fromkeys(names)
            if not tally.fired[route, rule]
        ),
        idle=tuple(route for route in rules if route not in tally.routes),
        foreseen=tuple(
            Known(target, number, *((one.calls, one.failed) if (one := usual.get(target)) else (0, 0)))
            for target, number in total.predicted.most_common()
        ),
    )


def _changes(tally: RouteTally, latencies: Mapping[str, Counter[int]], usual: Mapping[str, Usual]) -> Changes:
    before, low, high = tally.before, tally.low, tally.high
    return Changes(
        requests=tally.requests,
        changed=tally.changed,
        unknown=tally.unknown,
        cost=_money(tally.costs, sure=not tally.unknown),
        latency=Waited(
            before=quantiles_of(before.latencies),
            low=quantiles_of(mixed(low.waits, latencies, unknown=False)),
            high=quantiles_of(mixed(high.waits, latencies, unknown=True)),
        ),
        escalated=before.escalated,
        escalated_after=Range(low.escalated, high.escalated),
        fell_back=before.fell_back,
        fell_back_after=Range(low.fell_back, high.fell_back + _failures(tally.predicted, usual)),
        unanswered=before.unanswered,
        unanswered_after=Range(low.unanswered, high.unanswered),
        predicted=dict(tally.predicted.most_common()),
    )


def _failures(predicted: Counter[str], usual: Mapping[str, Usual]) -> int:
    """How many calls that were never made might have failed: as many as those that were; all where none was."""
    share = {name: one.failed / one.calls for name, one in usual.items() if one.calls}
    return round(sum(number * share.get(name, 1.0) for name, number in predicted.items()))


def _money(costs: Costs, *, sure: bool) -> Money:
    return Money(
        before=_usd(costs.before),
        low=_usd(costs.low),
        high=_usd(costs.high),
        likely=_usd(costs.same_low) if sure else None,
        unpriced=costs.unpriced,
    )


def _moved(kind: Kind, move: Move, requests: int) -> Moved:
    return Moved(
        route=kind.route,
        before=kind.before or None,
        after=tuple(name or None for name in kind.after),
        requests=move.requests,
        share=move.requests / requests,
        cost=_money(move.costs, sure=len(kind.after) == 1),
        examples=tuple(map(_changed, move.examples)),
    )


def _changed(example: Example) -> Changed:
    return Changed(
        id=example.id,
        time=example.time,
        before=example.before,
        after=example.after,
        rule_before=example.rule_before,
        rule_after=example.rule_after,
        because=example.because,
        tokens=example.tokens,
        cost_usd=to_usd(example.cost),
        low_usd=to_usd(example.cost_low),
        high_usd=to_usd(example.cost_high),
    )


def _usd(pico: int) -> Decimal:
    return to_usd(pico)
