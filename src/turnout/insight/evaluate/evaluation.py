"""Scores policies on the same traffic, beside each single target and the oracle."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from typing import Final, Literal

import msgspec

from turnout.errors import LedgerError
from turnout.features.ngrams import numpy
from turnout.insight.evaluate.bootstrap import Bootstrap, Interval
from turnout.insight.evaluate.direct import direct
from turnout.insight.evaluate.driving import Came, Contender, drive, single
from turnout.insight.evaluate.observed import Direct, Estimated, Explored
from turnout.insight.evaluate.traffic import Answer, Asked, Traffic
from turnout.types.target import Target

LEAST: Final = 40
"""Fewer requests say nothing: an interval of theirs would be wider than any difference that there is."""
ORACLE: Final = "oracle"

Kind = Literal["policy", "target", "oracle"]
Tell = Callable[[str, int, int], None]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a contender did.

    Attributes:
        name: of the policy or the target.
        kind: which of the two; or the oracle, which knows every answer beforehand.
        quality: the mean quality of its answers, 0 to 1.
        cost_usd: of a request, in USD; None where costs are not known.
        latency_ms: of a request, in ms; None where that is not known.
        over: its quality above the baseline's; None for the baseline itself.
        cost_over: its cost above the baseline's, in USD for a request.
        check: its quality by the self-normalised inverse propensity estimate, where the other is doubly robust.
        escalated: the share of the requests that took more than one call; None where that is not known.
        answered: the share of the requests that each target answers, or is called first for.
        unknown: the share of the requests for which nothing tells what would have come of it; in the intervals of
            quality it may have been anything.
        efficient: no other contender is better and at most as dear.
    """

    name: str
    kind: Kind
    quality: Interval
    cost_usd: Interval | None = None
    latency_ms: Interval | None = None
    over: Interval | None = None
    cost_over: Interval | None = None
    check: Interval | None = None
    escalated: float | None = None
    answered: Mapping[str, float] = {}
    unknown: float = 0.0
    efficient: bool = False


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation came to.

    Attributes:
        how: `direct` (every choice's outcome was observed) or `doubly robust` (from explored traffic).
        requests: on how many requests.
        recorded: of how many that there are.
        users: by how many users; of a request by nobody in particular, itself.
        since, until: when the first and the last of them was admitted, ISO 8601.
        trained: on how many earlier requests policies that learn were trained; 0 where none were.
        baseline: whom all others are compared with.
        standings: the policies in the order given, then each target, then the oracle where it is known.
    """

    how: str
    requests: int
    recorded: int
    users: int
    since: str
    until: str
    trained: int
    baseline: str
    standings: tuple[Standing, ...]

    def of(self, name: str) -> Standing:
        """How a contender did."""
        return next(each for each in self.standings if each.name == name)

    @property
    def policies(self) -> tuple[Standing, ...]:
        """Those of the policies, the baseline first."""
        return tuple(each for each in self.standings if each.kind == "policy")


def evaluate(
    contenders: Sequence[Contender],
    targets: Sequence[Target],
    traffic: Traffic,
    *,
    trained: int = 0,
    seed: int = 0,
    tell: Tell = lambda _doing, _done, _of: None,
) -> Evaluation:
    """Score policies.

    Where every choice's outcome was observed for enough requests, the estimates are direct; where chance had a part in
    what was done, with known probabilities, they are doubly robust. Where both can be had, those with the narrower
    intervals are given.

    Args:
        contenders: the policies, the baseline first.
        targets: what they choose among; each is scored as well, as a policy that always asks it.
        traffic: recorded requests that nothing was trained on.
        trained: how many others something was trained on.
        seed: of the draws.
        tell: is told of the progress.

    Raises:
        LedgerError: nothing in the traffic tells how good answers are that the contenders would have given.
    """
    singles = [single(target) for target in targets]
    names = {contender.name for contender in contenders}
    everybody = [*contenders, *(each for each in singles if each.name not in names)]
    judged = [asked for asked in traffic if asked.judged]
    came: dict[str, list[Came]] = {}
    for number, contender in enumerate(everybody):
        tell(f"deciding as {contender.name}", number, len(everybody) + 1)
        came[contender.name] = [drive(contender, asked) for asked in judged]
    tell("estimating", len(everybody), len(everybody) + 1)
    grounds = [ground for ground in (Direct(judged, came), Explored(judged, came)) if len(ground.requests) >= LEAST]
    if not grounds:
        raise LedgerError(_too_little(traffic))
    scored = [_Scoring(ground, everybody, len(contenders), seed) for ground in grounds]
    best = min(scored, key=lambda each: each.width)
    requests = best.ground.requests
    tell("done", len(everybody) + 1, len(everybody) + 1)
    return Evaluation(
        how=best.ground.how,
        requests=len(requests),
        recorded=len(traffic),
        users=len({asked.cluster for asked in requests}),
        since=min(asked.time for asked in requests),
        until=max(asked.time for asked in requests),
        trained=trained,
        baseline=contenders[0].name,
        standings=_efficient(best.standings()),
    )


class _Scoring:
    """The estimates of all contenders on the same ground."""

    def __init__(self, ground: Direct | Explored, everybody: Sequence[Contender], policies: int, seed: int) -> None:
        self.ground = ground
        self._policies, self._everybody = policies, everybody
        self._draw = Bootstrap([asked.cluster for asked in ground.requests], seed=seed)
        self._quality = {each.name: ground.of(each, "quality") for each in everybody}
        self._first = everybody[0].name

    @property
    def width(self) -> float:
        """How wide the intervals of the policies' quality are, on average."""
        found = [self._interval(self._quality[each.name]).half for each in self._everybody[: self._policies]]
        return sum(1.0 if isnan(half) else half for half in found) / len(found)

    def standings(self) -> list[Standing]:
        found = [
            self._standing(contender, "policy" if place < self._policies else "target")
            for place, contender in enumerate(self._everybody)
        ]
        return [*found, *self._oracle()]

    def _standing(self, contender: Contender, kind: Kind) -> Standing:
        quality = self._quality[contender.name]
        came = self.ground.came(contender.name)
        calls = [each.calls for each in came if each.answer is not None]
        unknown = quality.unknown
        return Standing(
            name=contender.name,
            kind=kind,
            quality=self._interval(quality),
            cost_usd=self._figure(contender, "cost_usd"),
            latency_ms=self._figure(contender, "latency_ms"),
            over=None if contender.name == self._first else self._over(quality),
            cost_over=None if contender.name == self._first else self._cost_over(contender),
            check=self._draw.of(quality.check, shares=True) if quality.check is not None else None,
            escalated=sum(number > 1 for number in calls) / len(calls) if len(calls) == len(came) else None,
            answered=_answered(came),
            unknown=unknown,
        )

    def _interval(self, estimated: Estimated) -> Interval:
        """Of a quality: what nothing tells of may have been anything."""
        found, unknown = self._draw.of(estimated.parts, shares=True), estimated.unknown
        if not unknown:
            return found
        value, low, high = (0.5 if isnan(each) else each for each in found)
        return Interval(value, (1 - unknown) * low, (1 - unknown) * high + unknown)

    def _over(self, quality: Estimated) -> Interval:
        first = self._quality[self._first]
        found = self._draw.difference(quality.parts, first.parts, shares=True)
        unknown = quality.unknown + first.unknown
        value, low, high = (0.0 if isnan(each) else each for each in found)
        return Interval(value, low - unknown, high + unknown)

    def _figure(self, contender: Contender, outcome: str) -> Interval | None:
        return _known(self._draw.of(self.ground.of(contender, outcome).parts))

    def _cost_over(self, contender: Contender) -> Interval | None:
        first = self._everybody[0]
        one, other = self.ground.of(contender, "cost_usd"), self.ground.of(first, "cost_usd")
        return _known(self._draw.difference(one.parts, other.parts))

    def _oracle(self) -> list[Standing]:
        """The cheapest target whose answer is the best, known beforehand."""
        if not isinstance(self.ground, Direct):
            return []
        targets = [each.name for each in self._everybody[self._policies :]]
        chosen = [_best(asked, targets) for asked in self.ground.requests]
        outcomes = {
            name: direct(numpy().array([getattr(each, name) for _, each in chosen])) for name in Answer._fields[:3]
        }
        figures = {name: _known(self._draw.of(outcomes[name])) for name in ("cost_usd", "latency_ms")}
        first = self._quality[self._first].parts
        counted = Counter(name for name, _ in chosen)
        return [
            Standing(
                name=ORACLE,
                kind="oracle",
                quality=self._draw.of(outcomes["quality"], shares=True),
                cost_usd=figures["cost_usd"],
                latency_ms=figures["latency_ms"],
                over=self._draw.difference(outcomes["quality"], first, shares=True),
                answered={name: number / len(chosen) for name, number in counted.most_common()},
            )
        ]


def _known(found: Interval) -> Interval | None:
    return None if isnan(found.value) else found


def _best(asked: Asked, targets: Sequence[str]) -> tuple[str, Answer]:
    known = [(name, asked.answers[name]) for name in targets if name in asked.answers]
    return min(known, key=lambda each: (-each[1].quality, each[1].cost_usd if not isnan(each[1].cost_usd) else 0.0))


def _answered(came: Sequence[Came]) -> dict[str, float]:
    """The share of the requests that each target answers; where that is not known, is called first for."""
    found: dict[str, float] = defaultdict(float)
    for each in came:
        ways = each.ways if each.target is None else {each.target: 1.0}
        for name, chance in ways.items():
            found[name] += chance
    ordered = sorted(found.items(), key=lambda each: -each[1])
    return {name: share / len(came) for name, share in ordered} if came else {}


def _efficient(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """The same, each knowing whether it is on the front of cost and quality."""
    real = [each for each in standings if each.kind != "oracle" and each.cost_usd is not None]
    told = []
    for each in standings:
        beaten = each not in real or any(_beats(other, each) for other in real)
        told.append(msgspec.structs.replace(each, efficient=not beaten))
    return tuple(told)


def _beats(one: Standing, other: Standing) -> bool:
    cost, than = (each.cost_usd.value if each.cost_usd else nan for each in (one, other))
    better = one.quality.value >= other.quality.value and cost <= than
    return better and (one.quality.value > other.quality.value or cost < than)


def _too_little(traffic: Traffic) -> str:
    answers = sum(any(not isnan(answer.quality) for answer in asked.answers.values()) for asked in traffic)
    several = sum(len(asked.answers) > 1 for asked in traffic)
    explored = sum(asked.logged is not None and not isnan(asked.logged.came.quality) for asked in traffic)
    return (
        f"nothing tells what these policies would have come to: of {len(traffic):,} requests {answers:,} have a judged "
        f"answer, {several:,} were answered by several targets, and {explored:,} were judged and decided with a part "
        f"of chance; it takes {LEAST}. Explore a share of the traffic (explore: {{share: 0.02, ...}}), and have "
        "answers judged."
    )
