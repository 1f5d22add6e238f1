"""When a target's breaker was open: what had happened, how long it lasted, who answered instead and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from turnout.ledger.entry import stored_decision
from turnout.ledger.store import Store
from turnout.types.decision import Decision

QUIET: Final = timedelta(minutes=5)
"""Without a sign of trouble for so long, the next one is another outage."""
MOST_READ: Final = 20_000
"""So many troubled decisions are looked at, the newest."""

_TROUBLED: Final = """
SELECT record FROM (
    SELECT time, seq FROM decisions WHERE fell_back = 1 AND time >= ? AND time < ?
    UNION
    SELECT time, seq FROM decisions WHERE outcome <> 'answered' AND outcome = 'failed' AND time >= ? AND time < ?
    ORDER BY time DESC LIMIT ?
) AS troubled JOIN decisions USING (seq) ORDER BY troubled.time DESC, seq DESC"""
"""Each half has an index; the second says twice what it wants, since SQLite takes an index of some rows only where the
query has its words."""
_BREAKER_OPEN: Final = "breaker_open"


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which a target's breaker was open for some requests.

    Attributes:
        target: the target's name.
        began, ended: when the first and the last request met the trouble.
        errors: what its calls ran into, by kind.
        failed_calls: calls to it that failed.
        left_out: requests for which it was not even called, its breaker being open.
        requests: requests that met one of the two.
        went_to: who answered them instead, most first; under None those that nobody answered.
        waited_ms: time spent on its failed calls, in all.
        spent_usd: what its failed calls cost.
        instead_usd: what the answers of the others cost.
        drilled: of how many a drill had a call fail on purpose.
        example: the id of the first decision that left it out.
    """

    target: str
    began: datetime
    ended: datetime
    errors: dict[str, int]
    failed_calls: int
    left_out: int
    requests: int
    went_to: dict[str | None, int]
    waited_ms: float
    spent_usd: Decimal
    instead_usd: Decimal
    drilled: int
    example: str

    @property
    def unanswered(self) -> int:
        """Requests that nobody answered."""
        return self.went_to.get(None, 0)


class Outages(NamedTuple):
    """Outages, newest first, and whether there were too many troubled decisions to look at them all."""

    found: list[Outage]
    cut_off: bool


def outages(store: Store, since: datetime, until: datetime) -> Outages:
    """The outages of a period.

    Raises:
        LedgerError: the store cannot be read.
    """
    period = [round(moment.timestamp() * 1000) for moment in (since, until)]
    troubled = [stored_decision(record) for (record,) in store.rows(_TROUBLED, (*period, *period, MOST_READ))]
    by_target: dict[str, list[Decision]] = {}
    for decision in reversed(troubled):
        for target in sorted(_in_trouble(decision)):
            by_target.setdefault(target, []).append(decision)
    found = [
        _outage(target, stretch)
        for target, decisions in by_target.items()
        for stretch in _stretches(decisions)
        if any(_left_out(target, decision) for decision in stretch)
    ]
    return Outages(sorted(found, key=lambda outage: outage.began, reverse=True), len(troubled) == MOST_READ)


def _in_trouble(decision: Decision) -> set[str]:
    failed = {attempt.target for attempt in decision.attempts if attempt.outcome == "failed"}
    return failed | {dropped.target for dropped in decision.dropped if dropped.reason == _BREAKER_OPEN}


def _left_out(target: str, decision: Decision) -> bool:
    return any(dropped.target == target and dropped.reason == _BREAKER_OPEN for dropped in decision.dropped)


def _stretches(decisions: Iterable[Decision]) -> Iterator[list[Decision]]:
    """Decisions in the order of time, parted where it was quiet."""
    stretch: list[Decision] = []
    for decision in decisions:
        if stretch and _time(decision) - _time(stretch[-1]) > QUIET:
            yield stretch
            stretch = []
        stretch.append(decision)
    if stretch:
        yield stretch


def _outage(target: str, stretch: list[Decision]) -> Outage:
    failed = [
        attempt
        for decision in stretch
        for attempt in decision.attempts
        if attempt.target == target and attempt.outcome == "failed"
    ]
    left_out = [decision for decision in stretch if _left_out(target, decision)]
    answers = [
        attempt.cost_usd
        for decision in stretch
        for attempt in decision.attempts
        if attempt.target != target and attempt.target == decision.target and attempt.outcome == "answered"
    ]
    return Outage(
        target=target,
        began=_time(stretch[0]),
        ended=_time(stretch[-1]),
        errors=dict(Counter(attempt.error_class or "unknown" for attempt in failed).most_common()),
        failed_calls=len(failed),
        left_out=len(left_out),
        requests=len(stretch),
        went_to=dict(Counter(decision.target for decision in stretch).most_common()),
        waited_ms=sum(attempt.latency_ms for attempt in failed),
        spent_usd=_sum(attempt.cost_usd for attempt in failed),
        instead_usd=_sum(answers),
        drilled=sum("drill" in decision.tags for decision in stretch),
        example=left_out[0].id,
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def _time(decision: Decision) -> datetime:
    return datetime.fromisoformat(decision.time)
