"""What an outage drill did to real traffic, read from the ledger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from turnout.catalog.cost import cost
from turnout.insight.query import Filter, decisions
from turnout.ledger.store import Store
from turnout.policy.filters import BREAKER_OPEN
from turnout.types.decision import Attempt, Decision
from turnout.types.drill import Drill
from turnout.types.money import Price
from turnout.types.usage import Usage

COMPARED_S: Final = 600.0
"""How long before a drill the traffic is that it is compared with, in seconds, at most."""
_TOLD: Final = frozenset({"answered", "failed", "partial", "interrupted"})
"""Outcomes that tell of availability; a caller's own mistake or departure does not."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """Some requests, and how they were served.

    Attributes:
        requests: how many there were.
        answered: how many got a complete answer.
        failed: how many got none, or a broken one.
        availability: answered / (answered + failed); None without any.
        p50_ms, p99_ms: quantiles of the time to the answered ones' last byte, in ms; None without any.
    """

    requests: int
    answered: int
    failed: int
    availability: float | None
    p50_ms: float | None
    p99_ms: float | None


class DrillVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a drill. Times are in seconds from its begin, or from its end for what follows that.

    Attributes:
        drill: which drill.
        ended: when it was over, in UTC.
        before: requests that asked the targets shortly before it.
        during: requests that would have asked them while it lasted.
        added_p50_ms, added_p99_ms: how much longer those took; None where there is nothing to compare.
        answered_by: who answered them, and how often.
        drilled_attempts: calls that the drill did something to.
        strayed: such calls to other targets; there are none.
        first_fallback_s: when the first caller had another target's answer.
        breaker_opened_s: when the first request found a breaker open; None if none did.
        breaker_closed_s: after the end, when the first request found it closed again.
        recovered_s: after the end, when one of the targets first answered again.
        cost_usd: what these requests cost.
        undisturbed_usd: what the same answers would have cost at the targets; None where a price is unknown.
        detour_usd: the difference.
    """

    drill: Drill
    ended: str
    before: Served
    during: Served
    added_p50_ms: float | None
    added_p99_ms: float | None
    answered_by: dict[str, int]
    drilled_attempts: int
    strayed: int
    first_fallback_s: float | None
    breaker_opened_s: float | None
    breaker_closed_s: float | None
    recovered_s: float | None
    cost_usd: Decimal | None
    undisturbed_usd: Decimal | None
    detour_usd: Decimal | None


def drill_verdict(store: Store, drill: Drill, ended: datetime, prices: Mapping[str, Price | None]) -> DrillVerdict:
    """What came of a drill, as far as the ledger knows by now.

    Args:
        store: the ledger.
        drill: which drill.
        ended: when it was over.
        prices: what its targets charge.

    Raises:
        LedgerError: the store cannot be read.
    """
    began = datetime.fromisoformat(drill.began)
    compared = timedelta(seconds=COMPARED_S)
    earlier = [each for each in decisions(store, Filter(since=began - compared, until=began)) if _asked(each, drill)]
    later = sorted(decisions(store, Filter(since=began)), key=lambda each: each.time)
    end = _stamp(ended)
    during = [each for each in later if each.time < end and _concerned(each, drill)]
    after = [each for each in later if each.time >= end and _concerned(each, drill)]
    before, while_it_lasted = _served(earlier), _served(during)
    opened = next((each for each in during if _found_open(each, drill)), None)
    spent, undisturbed = _spent(during), _undisturbed(during, drill, prices)
    return DrillVerdict(
        drill=drill,
        ended=end,
        before=before,
        during=while_it_lasted,
        added_p50_ms=_less(while_it_lasted.p50_ms, before.p50_ms),
        added_p99_ms=_less(while_it_lasted.p99_ms, before.p99_ms),
        answered_by=dict(Counter(each.target for each in during if each.outcome == "answered" and each.target)),
        drilled_attempts=sum(attempt.drilled == drill.id for each in later for attempt in each.attempts),
        strayed=sum(
            attempt.drilled == drill.id and attempt.target not in drill.targets
            for each in later
            for attempt in each.attempts
        ),
        first_fallback_s=_first_fallback(during, drill, began),
        breaker_opened_s=_since(began, opened.time) if opened else None,
        breaker_closed_s=_first_closed(after, drill, ended) if opened else None,
        recovered_s=_recovered(after, drill, ended),
        cost_usd=spent,
        undisturbed_usd=undisturbed,
        detour_usd=spent - undisturbed if spent is not None and undisturbed is not None else None,
    )


def _asked(decision: Decision, drill: Drill) -> bool:
    return any(attempt.target in drill.targets for attempt in decision.attempts)


def _concerned(decision: Decision, drill: Drill) -> bool:
    """It asked one of the targets, or would have but for a breaker."""
    return _asked(decision, drill) or any(
        each.target in drill.targets and each.reason == BREAKER_OPEN for each in decision.dropped
    )


def _served(decided: Sequence[Decision]) -> Served:
    told = [each for each in decided if each.outcome in _TOLD]
    answered = sorted(each.latency_ms for each in told if each.outcome == "answered")
    return Served(
        requests=len(decided),
        answered=len(answered),
        failed=len(told) - len(answered),
        availability=len(answered) / len(told) if told else None,
        p50_ms=_quantile(answered, 0.5),
        p99_ms=_quantile(answered, 0.99),
    )


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    """The nearest rank: the smallest value that at least the share `q` does not exceed."""
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None


def _less(value: float | None, other: float | None) -> float | None:
    return round(value - other, 3) if value is not None and other is not None else None


def _first_fallback(decided: Iterable[Decision], drill: Drill, began: datetime) -> float | None:
    """When somebody first had an answer although a call had failed by the drill."""
    done = (
        _since(began, each.time) + each.latency_ms / 1000
        for each in decided
        if each.outcome == "answered" and each.target not in drill.targets
    )
    first = min(done, default=None)
    return None if first is None else round(first, 3)


def _found_open(decision: Decision, drill: Drill) -> bool:
    breakers = decision.conditions.get("breakers")
    found = set(breakers) if isinstance(breakers, Mapping) else set()
    return bool(found & {*drill.targets}) or any(
        each.target in drill.targets and each.reason == BREAKER_OPEN for each in decision.dropped
    )


def _first_closed(after: Iterable[Decision], drill: Drill, ended: datetime) -> float | None:
    return next((_since(ended, each.time) for each in after if not _found_open(each, drill)), None)


def _recovered(after: Iterable[Decision], drill: Drill, ended: datetime) -> float | None:
    answers = (
        _since(ended, attempt.started)
        for each in after
        for attempt in each.attempts
        if attempt.target in drill.targets and attempt.outcome == "answered" and not attempt.drilled
    )
    return min(answers, default=None)


def _spent(decided: Iterable[Decision]) -> Decimal | None:
    total = Decimal(0)
    for each in decided:
        if each.cost_usd is None:
            return None
        total += each.cost_usd
    return total


def _undisturbed(decided: Iterable[Decision], drill: Drill, prices: Mapping[str, Price | None]) -> Decimal | None:
    """What the answers' tokens would have cost at the target that each request would have asked first."""
    total = Decimal(0)
    for each in decided:
        answer = next((attempt for attempt in reversed(each.attempts) if attempt.target == each.target), None)
        if answer is None:
            continue
        wanted = _wanted(each, drill)
        price = prices.get(wanted) if wanted else None
        amount = answer.cost_usd if answer.target in drill.targets else cost(_usage(answer), price)
        if amount is None:
            return None
        total += amount
    return total


def _wanted(decision: Decision, drill: Drill) -> str | None:
    """The first of the drill's targets that the request turned to, or was kept from."""
    turned_to = [*(each.target for each in decision.dropped), *(each.target for each in decision.attempts)]
    return next((target for target in turned_to if target in drill.targets), None)


def _usage(attempt: Attempt) -> Usage:
    return Usage(
        input_tokens=attempt.input_tokens,
        cached_tokens=attempt.cached_tokens,
        cache_write_tokens=attempt.cache_write_tokens,
        output_tokens=attempt.output_tokens,
    )


def _since(moment: datetime, then: str) -> float:
    return round((datetime.fromisoformat(then) - moment) / timedelta(seconds=1), 3)


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
