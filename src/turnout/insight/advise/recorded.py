"""Facts of the ledger."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from turnout.errors import LedgerError
from turnout.insight.advise.alike import Compared, compared
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
_PICO: Final = 10**12
_KIND: Final = 0.01
"""The share of the requests from which a rule's are a kind of their own."""
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
        return round(self.since.timestamp() * 1000), round(self.until.timestamp() * 1000)


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
        raise LedgerError(
            f"the ledger has no request between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M} UTC. Look further "
            "back (--since 365d) or elsewhere (--data DIR); with no traffic yet, say what you know: "
            "turnout advise --interview"
        )
    begin, end = (datetime.fromtimestamp(each / 1000, UTC) for each in (first, last + 1))
    seen = _Seen(begin, end, summary(store, Filter(since=begin, until=until)))
    known = _volume(store, seen, taken) | _costs(seen) | _spread(store, seen) | _providers(store, seen)
    costs = compared(store, seen.bounds)
    known |= _logic(store, seen) | _quality(store, seen, costs) | _cheaper(store, seen, costs)
    if "cost_per_month" in known and "baseline_per_month" not in known:
        known |= _all_strong(seen, costs)
    requests = f"{seen.total.decisions:,} request{'' if seen.total.decisions == 1 else 's'}"
    source = f"the ledger: {requests}, {begin:%Y-%m-%d} to {end:%Y-%m-%d}"
    return Facts(known=known, source=source, notes=tuple(_notes(seen, costs, known)))


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


def _quality(store: Store, seen: _Seen, costs: Compared) -> dict[str, Fact]:
    answering = [target for target, number in costs.answers.items() if number]
    if len(answering) != 1:
        return {}
    only = answering[0]
    share = graded(store, seen.bounds).get(only)
    if share is None:
        return {}
    how = f"{share.number:,} graded answers of {only}, the only target that callers are answered by"
    return {"good_today": Fact(value=share.value, low=share.low, high=share.high, how=how)}


def _cheaper(store: Store, seen: _Seen, costs: Compared) -> dict[str, Fact]:
    """What is known of the cheapest target beside the dearest, where there are two that can be compared."""
    if len(costs.usd) < 2:
        return {}
    cheap, strong = (pick(costs.usd, key=lambda name: costs.usd[name]) for pick in (min, max))
    if costs.usd[cheap] == costs.usd[strong]:
        return {}
    how = f"the same tokens, all that were answered with, at the prices paid to {cheap} and to {strong}"
    ratio = Fact(value=costs.usd[cheap] / costs.usd[strong], how=how)
    part = costs.answers[cheap] / max(sum(costs.answers.values()), 1)
    by = totals_by(store, Filter(since=seen.since, until=seen.until), ("route",))
    total = max(sum(each.decisions for each in by.values()), 1)
    shares = {str(route): each.decisions / total for (route,), each in by.items()}
    share = served_well(store, seen.bounds, (cheap, strong), part, shares)
    cascades = [each for each in by.values() if each.escalations]
    found = {"cheap_cost": ratio} | ({} if share is None else {"cheaper_share": share})
    if cascades:
        escalated = sum(each.escalations for each in cascades) / sum(each.decisions for each in cascades)
        how = "of the requests of routes on which answers were discarded for another target's"
        found["escalation"] = msgspec.structs.replace(ratio, value=escalated, how=how)
    return found


def _all_strong(seen: _Seen, costs: Compared) -> dict[str, Fact]:
    """What the dearest target would have cost alone, where no baseline is recorded and several targets answered."""
    answering = [target for target, number in costs.answers.items() if number]
    if len(answering) < 2 or any(target not in costs.usd for target in answering):
        return {}
    strong = max(answering, key=lambda target: costs.usd[target])
    how = f"no baseline is recorded: the same tokens at the prices paid to {strong}, the dearest target"
    return {"baseline_per_month": Fact(value=costs.usd[strong] / _PICO / seen.months, origin="reckoned", how=how)}


def _notes(seen: _Seen, costs: Compared, known: Mapping[str, Fact]) -> Iterator[str]:
    """What a reader of the figures should know."""
    if seen.total.unpriced:
        yield f"{seen.total.unpriced:,} requests have no known cost."
    if costs.unlike:
        names, one = ", ".join(costs.unlike), len(costs.unlike) == 1
        yield (
            f"What {names} would cost for the others' requests cannot be told: the requests that "
            f"{'it was' if one else 'they were'} given are too few or too unlike in tokens. Shadow a share of the "
            "traffic there, or say it: --answer cheap_cost=25%."
        )
    if "cost_per_month" in known and "baseline_per_month" not in known and sum(map(bool, costs.answers.values())) > 1:
        yield (
            "No baseline is recorded and several targets answered, so what was spent stands for what the strong model "
            "alone would cost: what routing saves already is not known, and what more it would save is too high where "
            "a cheaper target answers already. Give the routes a `baseline:`, or say it: --answer baseline_per_month=N."
        )
