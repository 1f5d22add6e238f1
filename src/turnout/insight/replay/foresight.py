"""What a call that was never made would probably have cost and taken.

**Cost.** The request's own input tokens, as the target that answered counted them, at the new target's price; nothing
of them cached. The answer is as long as the recorded one, or, as the other bound, as long as that target's answers are
on average. Of a target without a recorded call the other bounds are half and twice the recorded length.

**Latency.** Any of the target's recorded answers, each as probable as the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from turnout.catalog.cost import cost
from turnout.insight.latency import Quantiles, calls
from turnout.insight.replay.past import Past
from turnout.ledger.money import to_pico
from turnout.ledger.sketch import bin_of, middle_of, quantile
from turnout.ledger.store import Store
from turnout.policy.expected_cost import ASSUMED_TOKENS
from turnout.types.health import TargetHealth
from turnout.types.target import Target
from turnout.types.usage import Usage

UNTRIED: Final = 2
"""By how much the length of an answer may differ from the recorded one, where the target has no recorded call."""
NEVER: Final = 10_000.0
"""Seconds that stand for a latency of which nothing is known, where it may be any."""

_UNKNOWN_BIN: Final = bin_of(NEVER * 1000)
_RESOLVED: Final = 0.5


class Usual(NamedTuple):
    """What the recorded calls of a period say of a target.

    Attributes:
        calls: how many there were.
        failed: how many of them had no answer.
        output_tokens: how long its answers are on average, in tokens; None without any.
        latency_ms: half of the answers take no longer, in ms; None without any.
        health: the same as policies read it.
    """

    calls: int = 0
    failed: int = 0
    output_tokens: float | None = None
    latency_ms: float | None = None
    health: TargetHealth = TargetHealth()


class Priced(NamedTuple):
    """What a call would cost, in pico-USD.

    Attributes:
        same: if its answer is as long as the recorded one.
        low, high: if it is as long as that target's answers are; alike, unless nothing is recorded of them.
    """

    same: int
    low: int
    high: int


def usual_of(store: Store, since: datetime | None, until: datetime | None) -> dict[str, Usual]:
    """What the calls of a period say of each target.

    Raises:
        LedgerError: the store cannot be read.
    """
    found: dict[str, Usual] = {}
    for (_, target), each in calls(store, since, until).items():
        complete = sum(each.outcomes.get(name, 0) for name in ("answered", "discarded"))
        output = each.output_tokens / complete if complete else None
        failed = each.outcomes.get("failed", 0)
        health = TargetHealth(
            first_token_ms=each.first_token.p95,
            total_ms=each.total.p95,
            output_tokens=output,
            error_rate=failed / each.number if each.number else None,
            peak_ms=each.total.p50,
        )
        found[target] = Usual(each.number, failed, output, each.total.p50, health)
    return found


def priced(target: Target, past: Past, usual: Usual | None) -> Priced | None:
    """What the answer of `target` to a recorded request would cost; None where its price is unknown."""
    answer, features = past.answer(), past.features
    taken = answer.input_tokens if answer is not None else features.context_tokens if features is not None else 0
    own = usual.output_tokens if usual is not None else None
    same = answer.output_tokens if answer is not None else own if own is not None else ASSUMED_TOKENS
    others = [own] if own is not None else [same / UNTRIED, same * UNTRIED]
    most = features.max_tokens if features is not None else None
    lengths = [round(each if most is None else min(each, most)) for each in (same, *others)]
    amounts = [to_pico(cost(Usage(input_tokens=taken, output_tokens=each), target.price)) for each in lengths]
    known = [amount for amount in amounts if amount is not None]
    return Priced(known[0], min(known[1:]), max(known[1:])) if len(known) == len(amounts) else None


Waits = Counter[tuple[int, tuple[str, ...]]]
"""How many requests waited so long (the bin of it) for recorded calls, and besides for a call of each of some targets
that was never made."""


def mixed(waits: Waits, latencies: Mapping[str, Counter[int]], *, unknown: bool) -> Counter[int]:
    """How long requests would have waited, in thousandths of requests by bin.

    Args:
        waits: what they would have waited for.
        latencies: of each target, how long its recorded answers took, by bin.
        unknown: whether a target of which nothing is recorded takes for ever; else no time at all.
    """
    found: Counter[int] = Counter()
    for (place, targets), number in waits.items():
        spread: dict[int, float] = {place: 1000.0 * number}
        for target in targets:
            spread = _after(spread, latencies.get(target), unknown=unknown)
        for bin_, weight in spread.items():
            found[bin_] += round(weight)
    return found


def quantiles_of(counts: Counter[int]) -> Quantiles:
    """The quantiles in ms; None where it may be any."""
    bounds = [quantile(counts, share) for share in (0.5, 0.95, 0.99)]
    return Quantiles(*(None if each is None or bin_of(each) >= _UNKNOWN_BIN else each for each in bounds))


def _after(spread: Mapping[int, float], further: Counter[int] | None, *, unknown: bool) -> dict[int, float]:
    """The sum of two independent waits."""
    if not further:
        return {_UNKNOWN_BIN: sum(spread.values())} if unknown else dict(spread)
    total, found = further.total(), dict[int, float]()
    for place, weight in spread.items():
        begun = middle_of(place) if place > bin_of(_RESOLVED) else 0.0
        for more, number in further.items():
            ends = bin_of(begun + middle_of(more))
            found[ends] = found.get(ends, 0.0) + weight * number / total
    return found


def slowest(targets: Iterable[str], usual: Mapping[str, Usual]) -> float:
    """How long calls of these targets take together, in ms; those that are not known take long."""
    return sum(
        NEVER if (one := usual.get(name)) is None or one.latency_ms is None else one.latency_ms for name in targets
    )
