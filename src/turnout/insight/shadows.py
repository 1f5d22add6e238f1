"""What others said to the same requests: each decision beside its shadows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from statistics import fmean, median
from typing import Final, NamedTuple

import msgspec

from turnout.insight.canary.arm import Arm
from turnout.insight.query import Filter
from turnout.ledger.entry import stored_decision
from turnout.ledger.store import Store
from turnout.types.decision import Decision

_PAIRS = """
SELECT d.record, d.feedback, s.record FROM shadows AS s JOIN decisions AS d ON d.id = s.decision
WHERE s.purpose = 'shadow' AND s.time >= ? AND s.time < ? AND (? IS NULL OR s.route = ?)
ORDER BY s.time DESC, s.seq DESC"""
_OF = "SELECT record FROM shadows WHERE decision = ? AND purpose = 'shadow' ORDER BY seq"
_SIDES = """
SELECT s.route, json_extract(s.record, '$.policy_version'), d.target, s.target, s.outcome = 'answered', d.cost, s.cost,
    d.latency_ms, s.latency_ms, d.tenant, d.user,
    (SELECT avg(score) FROM feedback WHERE decision = d.id AND kind = 'judge'),
    (SELECT avg(score) FROM feedback WHERE decision = s.id AND kind = 'judge'),
    (SELECT avg(score) FROM feedback WHERE decision = d.id AND kind = 'agreement' AND judge = s.target)
FROM shadows AS s JOIN decisions AS d ON d.id = s.decision
WHERE s.purpose = 'shadow' AND s.time >= ? AND s.time < ? AND (? IS NULL OR s.route = ?)"""
_EVER = 1 << 62
_PICO: Final = 10**12
_FEWEST: Final = 20
"""Callers whose answers were graded, before an interval is given."""
_NORMAL: Final = 1.96
"""The normal distribution's quantile for an interval of 95 %."""


class Pair(NamedTuple):
    """A request that was asked twice.

    Attributes:
        served: the answer that the caller got.
        shadow: the one beside it.
    """

    served: Decision
    shadow: Decision


def pairs(store: Store, wanted: Filter) -> Iterator[Pair]:
    """Every request that was asked again, newest first.

    Args:
        store: the ledger.
        wanted: since when, until when, and on which route; nothing else of it is looked at.

    Raises:
        LedgerError: the store cannot be read.
    """
    for served, feedback, shadow in store.rows(_PAIRS, _bound(wanted)):
        yield Pair(stored_decision(served, feedback), stored_decision(shadow))


def shadows_of(store: Store, decision_id: str) -> list[Decision]:
    """The shadows of a decision, oldest first.

    Raises:
        LedgerError: the store cannot be read.
    """
    return [stored_decision(record) for (record,) in store.rows(_OF, (decision_id,))]


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The two answers to the same requests, in numbers.

    Attributes:
        route: whose requests.
        served: the targets that served them, the most frequent first.
        shadow: those of the other policy, likewise.
        requests: how many were asked of both.
        failed: how many of them the other policy did not answer.
        served_usd, shadow_usd: what a request costs on average, where both costs are known.
        served_ms, shadow_ms: the median latency, of those that both answered.
        judged: how many pairs a judge has graded.
        served_grade, shadow_grade: its mean grades, 0 to 1.
        gain: by how much the shadow's grades are better on average, with the 95 % interval of one look, by user.
        agreed, compared: how many answers say what the shadow says, and of how many that is known.
    """

    route: str
    served: tuple[str, ...]
    shadow: tuple[str, ...]
    requests: int
    failed: int
    served_usd: float | None
    shadow_usd: float | None
    served_ms: float | None
    shadow_ms: float | None
    judged: int
    served_grade: float | None
    shadow_grade: float | None
    gain: tuple[float, float, float] | None
    agreed: int
    compared: int


class _Row(NamedTuple):
    route: str
    policy: str
    served: str | None
    shadow: str | None
    answered: bool
    served_cost: int | None
    shadow_cost: int | None
    served_ms: float
    shadow_ms: float
    tenant: str
    user: str | None
    served_grade: float | None
    shadow_grade: float | None
    agrees: float | None

    @property
    def caller(self) -> str | None:
        """Whose requests resemble each other; None if nobody's."""
        return None if self.user is None else f"{self.tenant}\0{self.user}"


def compared(store: Store, wanted: Filter) -> list[Sides]:
    """Each route beside each policy that it was compared with, the most frequent first.

    Args:
        store: the ledger.
        wanted: as for `pairs`.

    Raises:
        LedgerError: the store cannot be read.
    """
    groups: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in map(_Row._make, store.rows(_SIDES, _bound(wanted))):
        groups[row.route, row.policy].append(row)
    return sorted(map(_sides, groups.values()), key=lambda each: -each.requests)


def _sides(rows: list[_Row]) -> Sides:
    priced = [(a, b) for row in rows if (a := row.served_cost) is not None and (b := row.shadow_cost) is not None]
    answered = [row for row in rows if row.answered]
    graded = [
        (one, other, row.caller)
        for row in rows
        if (one := row.served_grade) is not None and (other := row.shadow_grade) is not None
    ]
    gains = Arm()
    for served, shadow, caller in graded:
        gains.add(shadow - served, caller)
    return Sides(
        route=rows[0].route,
        served=_names(row.served for row in rows),
        shadow=_names(row.shadow for row in rows),
        requests=len(rows),
        failed=len(rows) - len(answered),
        served_usd=_mean([served / _PICO for served, _ in priced]),
        shadow_usd=_mean([shadow / _PICO for _, shadow in priced]),
        served_ms=median([row.served_ms for row in answered]) if answered else None,
        shadow_ms=median([row.shadow_ms for row in answered]) if answered else None,
        judged=len(graded),
        served_grade=_mean([served for served, _, _ in graded]),
        shadow_grade=_mean([shadow for _, shadow, _ in graded]),
        gain=_interval(gains),
        agreed=sum(row.agrees == 1.0 for row in rows),
        compared=sum(row.agrees is not None for row in rows),
    )


def _interval(gains: Arm) -> tuple[float, float, float] | None:
    if gains.callers < _FEWEST:
        return None
    half = _NORMAL * math.sqrt(gains.variance)
    return gains.mean, gains.mean - half, gains.mean + half


def _names(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(name for name, _ in Counter(name for name in names if name is not None).most_common())


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


def _bound(wanted: Filter) -> tuple[object, ...]:
    since, until = (round(edge.timestamp() * 1000) if edge else None for edge in (wanted.since, wanted.until))
    return since or 0, _EVER if until is None else until, wanted.route, wanted.route
