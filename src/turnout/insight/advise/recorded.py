"""Facts of the ledger."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from turnout.errors import LedgerError
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.evidence import graded, served_well
from turnout.insight.advise.fact import Fact, Facts
from turnout.insight.advise.reckoning import DAYS
from turnout.insight.advise.traffic import gini, growth, part_of_a_day, per_day
from turnout.insight.outages import outages
from turnout.insight.providers import PROVIDER, totals_by
from turnout.insight.query import Filter
from turnout.insight.spend import midnight
from turnout.insight.sums import Summary, series, summary
from turnout.ledger.store import Store

_DAY: Final = timedelta(days=1)
_HOURS: Final = 3_600
_KIND: Final = 0.01
"""The share of the requests from which a rule's are a kind of their own."""
_CALLS: Final = """
SELECT target, sum(attempts), sum(input_tokens + output_tokens), sum(cost) FROM cost_rollups
WHERE part = 'answer' AND start >= ? AND start < ? AND unpriced = 0 GROUP BY 1"""
_BUDGETED: Final = (
    "SELECT count(*) FROM decisions WHERE time >= ? AND time < ? AND record LIKE '%\"latency_budget_s\"%'"
)
_POLICIES: Final = """
SELECT route, count(DISTINCT json_extract(record, '$.policy_version')) FROM decisions
WHERE time >= ? AND time < ? GROUP BY 1"""
_FIRST: Final = "SELECT min(time), max(time) FROM decisions WHERE time >= ? AND time < ?"


class _Seen(NamedTuple):
    """The period that was looked at: since and until, and the whole days among them, first and last excluded."""

    since: datetime
    until: datetime
    total: Summary

    @property
    def months(self) -> float:
        return max((self.until - self.since) / (DAYS * _DAY), 1e-9)

    @property
    def bounds(self) -> tuple[int, int]:
        return round(self.since.timestamp() * 1000), round(self.until.timestamp() * 1000) + 1


def recorded_facts(store: Store, wanted: Filter, taken: Assumptions, *, now: datetime) -> Facts:
    """What the ledger tells of a period.

    Args:
        store: the ledger.
        wanted: since and until when; by default the last 90 days.
        taken: of which `busy_hours` says how much a day is that was only seen in part.
        now: aware.

    Raises:
        LedgerError: the store cannot be read, or has no request of that time.
    """
    since, until = wanted.since or now - 90 * _DAY, wanted.until or now
    first, last = next(store.rows(_FIRST, [round(edge.timestamp() * 1000) for edge in (since, until)]), (None, None))
    if first is None:
        raise LedgerError(f"the ledger has no request between {since:%Y-%m-%d} and {until:%Y-%m-%d}.")
    begin, end = (datetime.fromtimestamp(each / 1000, UTC) for each in (first, last))
    seen = _Seen(begin, end, summary(store, Filter(since=begin, until=until)))
    known = _volume(store, seen, taken) | _costs(seen) | _spread(store, seen) | _providers(store, seen)
    known |= _logic(store, seen) | _quality(store, seen)
    notes = (f"{seen.total.unpriced:,} requests have no known cost.",) if seen.total.unpriced else ()
    source = f"the ledger: {seen.total.decisions:,} requests, {begin:%Y-%m-%d} to {end:%Y-%m-%d}"
    return Facts(known=known, source=source, notes=notes)


def _volume(store: Store, seen: _Seen, taken: Assumptions) -> dict[str, Fact]:
    total = seen.total
    tokens = total.input_tokens + total.output_tokens
    known = {"input_share": Fact(value=total.input_tokens / tokens, how="of the tokens")} if tokens else {}
    whole = Filter(since=midnight(seen.since + _DAY - timedelta(microseconds=1)), until=midnight(seen.until))
    days = series(store, whole, _DAY) if whole.since and whole.until and whole.since < whole.until else {}
    if not days or whole.since is None or whole.until is None:
        hours = max((seen.until - seen.since).total_seconds() / _HOURS, 1.0)
        scaled = {"tokens_per_day": tokens, "requests_per_day": total.decisions}
        return known | {name: part_of_a_day(each, hours, taken.busy_hours) for name, each in scaled.items()}
    places = [whole.since + place * _DAY for place in range((whole.until - whole.since) // _DAY)]
    listed = [days.get(day, Summary()) for day in places]
    used = [float(each.input_tokens + each.output_tokens) for each in listed]
    known["tokens_per_day"] = per_day(used, "mean")
    known["requests_per_day"] = per_day([float(each.decisions) for each in listed], "mean")
    trend = growth(used)
    return known if trend is None else known | {"growth": trend}


def _costs(seen: _Seen) -> dict[str, Fact]:
    """Costs of a month; where a day is not whole, of as many months as were seen."""
    total = seen.total
    if total.unpriced == total.decisions or seen.until - seen.since < _DAY:
        return {}
    how = f"{total.decisions:,} requests at the prices of their days, scaled to {DAYS} days"
    known = {"cost_per_month": Fact(value=float(total.cost_usd) / seen.months, how=how)}
    if total.compared:
        spared = float(total.saved_usd) / seen.months
        how = f"the same tokens at the routes' baselines, known of {total.compared:,} requests"
        known["baseline_per_month"] = Fact(value=known["cost_per_month"].value + spared, how=how)
    return known


def _spread(store: Store, seen: _Seen) -> dict[str, Fact]:
    by = totals_by(store, Filter(since=seen.since, until=seen.until), ("tenant",))
    costs = [float(each.cost_usd) for each in by.values()]
    known = {"tenants": Fact(value=float(len(by)), how="with requests")}
    if len(by) > 1 and any(costs):
        known["tenant_gini"] = Fact(value=gini(costs), how="of the tenants' cost")
        known["top_tenant"] = Fact(value=max(costs) / math.fsum(costs), how="of the cost")
    return known


def _providers(store: Store, seen: _Seen) -> dict[str, Fact]:
    by = totals_by(store, Filter(since=seen.since, until=seen.until, outcome="answered"), (PROVIDER,))
    counts = {name: each.decisions for (name,), each in by.items() if name}
    known: dict[str, Fact] = {}
    if counts:
        known["providers"] = Fact(value=float(len(counts)), how=", ".join(sorted(counts)))
        top = max(counts, key=lambda name: counts[name])
        known["top_provider"] = Fact(value=counts[top] / sum(counts.values()), how=f"answered by {top}")
    met = [each for each in outages(store, seen.since, seen.until).found if not each.drilled]
    hours = sum((each.ended - each.began).total_seconds() for each in met) / _HOURS
    known["outages"] = Fact(value=len(met) / seen.months, how=f"{len(met)} with an open breaker, drills left out")
    known["outage_hours"] = Fact(value=hours / seen.months, how="from the first request that met each to the last")
    return known


def _logic(store: Store, seen: _Seen) -> dict[str, Fact]:
    total = max(seen.total.decisions, 1)
    rules = totals_by(store, Filter(since=seen.since, until=seen.until), ("route", "rule"))
    kinds = sum(each.decisions >= _KIND * total for each in rules.values())
    known = {"categories": Fact(value=float(kinds), how="rules (or routes without any) with 1 % of the requests")}
    versions = sum(number - 1 for _, number in store.rows(_POLICIES, seen.bounds))
    if seen.until - seen.since >= DAYS * _DAY:
        known["rule_changes"] = Fact(value=versions / seen.months, how=f"{versions} changes of a route's policy")
    budgeted = next(store.rows(_BUDGETED, seen.bounds), (0,))[0]
    if budgeted:
        known["latency_share"] = Fact(value=budgeted / total, how="with a latency budget")
    return known


def _quality(store: Store, seen: _Seen) -> dict[str, Fact]:
    answers: dict[str, tuple[int, float]] = {}
    days = (round(midnight(seen.since).timestamp() * 1000), seen.bounds[1])
    for target, calls, tokens, cost in store.rows(_CALLS, days):
        if tokens:
            answers[target] = calls, cost / tokens
    known: dict[str, Fact] = {}
    if len(answers) == 1:
        only = next(iter(answers))
        if share := graded(store, seen.bounds).get(only):
            how = f"{share.number:,} graded answers of {only}, the only target"
            known["good_today"] = Fact(value=share.value, low=share.low, high=share.high, how=how)
    return known | _cheaper(store, seen, answers)


def _cheaper(store: Store, seen: _Seen, answers: dict[str, tuple[int, float]]) -> dict[str, Fact]:
    """What is known of the cheapest target beside the dearest, where there are two."""
    prices = defaultdict(float, {target: price for target, (_, price) in answers.items()})
    if len(prices) < 2:
        return {}
    cheap, strong = (pick(prices, key=lambda name: prices[name]) for pick in (min, max))
    if prices[cheap] == prices[strong]:
        return {}
    ratio = Fact(value=prices[cheap] / prices[strong], how=f"USD a token of {cheap}'s answers, of {strong}'s")
    part = answers[cheap][0] / max(sum(calls for calls, _ in answers.values()), 1)
    share = served_well(store, seen.bounds, cheap, part)
    routes = totals_by(store, Filter(since=seen.since, until=seen.until), ("route",)).values()
    cascades = [each for each in routes if each.escalations]
    found = {"cheap_cost": ratio} | ({} if share is None else {"cheaper_share": share})
    if cascades:
        escalated = sum(each.escalations for each in cascades) / sum(each.decisions for each in cascades)
        how = "of the requests of routes on which answers were discarded for another target's"
        found["escalation"] = msgspec.structs.replace(ratio, value=escalated, how=how)
    return found
