"""Which share of the requests a cheaper target would serve well, from what the ledger has of its answers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from turnout.insight.advise.fact import Fact
from turnout.insight.advise.figures import percent
from turnout.insight.canary.arm import Arm
from turnout.insight.label_files import GOOD
from turnout.ledger.store import Store

_Z: Final = 1.959964
_ALL: Final = 0.995
"""The share of the requests from which on it is said to be all of them."""
_SHADOWS: Final = """
SELECT s.target, s.tenant || char(0) || coalesce(s.user, s.decision), coalesce(g.score, a.score), s.route
FROM shadows AS s JOIN decisions AS d ON d.id = s.decision
LEFT JOIN (SELECT decision, avg(score) AS score FROM feedback
    WHERE kind <> 'agreement' AND score IS NOT NULL GROUP BY 1) AS g ON g.decision = s.id
LEFT JOIN (SELECT decision, judge, avg(score) AS score FROM feedback
    WHERE kind = 'agreement' AND score IS NOT NULL GROUP BY 1, 2) AS a
    ON a.decision = d.id AND a.judge = s.target AND d.target = ?
WHERE s.purpose = 'shadow' AND d.time >= ? AND d.time < ? AND s.target = ?
    AND coalesce(g.score, a.score) IS NOT NULL"""
_SERVED: Final = """
SELECT d.target, d.tenant || char(0) || coalesce(d.user, d.id),
    coalesce(d.feedback, json_extract(d.record, '$.feedback'), f.score)
FROM decisions AS d LEFT JOIN (SELECT decision, avg(score) AS score FROM feedback
    WHERE kind IN ('judge', 'check', 'outcome') AND score IS NOT NULL GROUP BY 1) AS f ON f.decision = d.id
WHERE d.time >= ? AND d.time < ? AND d.target IS NOT NULL
    AND coalesce(d.feedback, json_extract(d.record, '$.feedback'), f.score) IS NOT NULL"""


class Share(NamedTuple):
    """A share and its interval of 95 %.

    Attributes:
        number: how many were looked at.
    """

    low: float
    value: float
    high: float
    number: int


def wilson(good: Arm) -> Share:
    """A share of ones among ones and zeros, with Wilson's interval for as many as they are worth.

    Requests of one caller resemble each other, so that n of them tell as much as n p (1 − p) / (n v) independent ones,
    v the variance of the mean by callers (Wilson, "Probable inference", JASA 22, 1927; the effective sample size is
    Kish's, "Survey Sampling", 1965, section 5.4).
    """
    share, number = good.mean, float(good.callers)
    spread = share * (1 - share)
    if good.callers > 1 and good.variance > 0 and spread > 0:
        number = min(spread / good.variance, float(good.count))
    number = max(number, 1.0)
    middle = (share + _Z**2 / (2 * number)) / (1 + _Z**2 / number)
    half = _Z / (1 + _Z**2 / number) * math.sqrt(spread / number + _Z**2 / (4 * number**2))
    return Share(max(middle - half, 0.0), share, min(middle + half, 1.0), good.count)


def served_well(
    store: Store, period: tuple[int, int], pair: tuple[str, str], part: float, routes: Mapping[str, float]
) -> Fact | None:
    """The share that the cheaper target of a pair serves well.

    Its answers beside the traffic are of a sample of their routes' requests, and speak for those routes; each counts
    once, by its own grades, else by whether it says what the strong target's said. Answers that callers got speak for
    the requests that it was given. Of all others it is not known, and there it may be anything from none to all.

    Args:
        store: the ledger.
        period: since and until, ms since 1970.
        pair: the cheaper target and the strong one.
        part: the share of the requests that the cheaper one answers.
        routes: the share of each route's requests among all.
    """
    cheap, strong = pair
    rows = [*store.rows(_SHADOWS, (strong, *period, cheap))]
    found = _by_target((target, caller, score) for target, caller, score, _ in rows).get(cheap)
    if found is not None:
        spoken = min(sum(routes.get(route, 0.0) for route in {row[3] for row in rows}), 1.0)
        how = f"{found.number:,} answers of {cheap} beside the traffic, graded or compared with {strong}'s"
        if spoken > _ALL:
            return Fact(value=found.value, low=found.low, high=found.high, how=how)
        how = f"{how}, {percent(found.value)} of them good, on routes with {percent(spoken)} of the requests"
        return _partly(found, spoken, how)
    found = _by_target(store.rows(_SERVED, period)).get(cheap)
    if found is None:
        return None
    how = (
        f"{percent(found.value)} of {found.number:,} graded answers of {cheap} were good, and it answers "
        f"{percent(part)} of the requests"
    )
    return _partly(found, part, how)


def _partly(found: Share, part: float, how: str) -> Fact:
    """What is known of a part of the requests, and of the others nothing."""
    how = f"{how}; of the others nothing is known"
    return Fact(value=part * found.value, low=part * found.low, high=part * found.high + 1 - part, how=how)


def graded(store: Store, period: tuple[int, int]) -> Mapping[str, Share]:
    """How good the answers are that callers got, by target."""
    return _by_target(store.rows(_SERVED, period))


def _by_target(rows: Iterable[tuple[Any, ...]]) -> dict[str, Share]:
    arms: dict[str, Arm] = defaultdict(Arm)
    for target, caller, score in rows:
        arms[target].add(float(score >= GOOD), caller)
    return {target: wilson(arm) for target, arm in arms.items()}
