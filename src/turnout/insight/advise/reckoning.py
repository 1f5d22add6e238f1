"""What follows from facts and prices: what traffic costs, and what an approach would make of that."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.fact import Fact, Facts
from turnout.insight.advise.figures import dollars, percent, quantity
from turnout.insight.advise.prices import Pair
from turnout.insight.advise.table import EFFORTS, MILLION, Approach

DAYS: Final = 30
"""Days of a month, as in all of turnout's monthly costs."""
_ROUTING: Final = frozenset(
    {Approach.RULES, Approach.COST_AWARE, Approach.CASCADE, Approach.CLASSIFIER, Approach.WEIGHED}
)


class Interval(NamedTuple):
    """A figure between two ends."""

    low: float
    value: float
    high: float

    def times(self, factor: float) -> Interval:
        """It, a number of times; the factor is not negative."""
        return Interval(*(each * factor for each in self))

    @staticmethod
    def of(fact: Fact) -> Interval:
        """A fact's; one without an interval is taken as it is."""
        return Interval(fact.least, fact.value, fact.most)


class Setup(NamedTuple):
    """What an approach takes, one way or the other.

    Attributes:
        days: working days to set it up.
        usd: the same in USD.
        upkeep_usd: in a month.
        payback_months: until it has paid for itself; None if never, or if what it saves is not known.
    """

    days: float
    usd: float
    upkeep_usd: float
    payback_months: float | None


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What an approach would come to; amounts in USD a month.

    Attributes:
        now: what the models cost today.
        then: what they would cost with it.
        later: the same when the months are over within which it has to pay, with growth; and without it.
        saved: how much less that is, today.
        at_risk: the share of requests that it would answer with the cheaper target though that serves them badly.
        net: what is left of the savings of those months when setup and upkeep are paid, with turnout in place.
        built: the effort if one builds it oneself.
        placed: the effort with turnout in place.
        arithmetic: how the figures came about, a line each.
    """

    now: Interval
    then: Interval
    later: tuple[float, float]
    saved: Interval
    at_risk: Interval
    net: Interval
    built: Setup
    placed: Setup
    arithmetic: tuple[str, ...]


class Split(NamedTuple):
    """What an approach does to the requests that may go either way.

    Attributes:
        cheap: the share that the cheaper target answers.
        wrong: the share of them all that it answers and should not.
        saving: the share of the always-strong cost that this saves.
    """

    cheap: Interval
    wrong: Interval
    saving: Interval


def completed(facts: Facts, taken: Assumptions, pair: Pair) -> Facts:
    """The facts, and what follows from them at the prices: costs, their ratio, the use of the budget."""
    facts = _costs(facts, taken, pair)
    if facts.get("cheap_cost") is None:
        share = _input_share(facts, taken)
        strong, cheap = pair.strong.blended(share), pair.cheap.blended(share)
        if strong:
            how = f"${cheap:.4g} / ${strong:.4g} for a million tokens, {percent(share)} of them input"
            facts = facts.but(cheap_cost=Fact(value=cheap / strong, origin="reckoned", how=how))
    cost, budget = facts.value("cost_per_month"), facts.value("budget_per_month")
    if cost is not None and budget:
        how = f"{dollars(cost)} / {dollars(budget)}"
        facts = facts.but(budget_use=Fact(value=cost / budget, origin="reckoned", how=how))
    return facts


def _costs(facts: Facts, taken: Assumptions, pair: Pair) -> Facts:
    tokens, cost = facts.get("tokens_per_day"), facts.get("cost_per_month")
    if facts.get("baseline_per_month") is None and cost is not None:
        how = (
            "what was spent: no baseline is recorded"
            if cost.origin == "measured"
            else "the cost a month: none was told"
        )
        facts = facts.but(baseline_per_month=_as(cost, how))
    if facts.get("baseline_per_month") is None and tokens is not None:
        price = pair.strong.blended(_input_share(facts, taken))
        factor = DAYS * price / MILLION
        how = f"{quantity(tokens.value)} tokens × {DAYS} days × ${price:.4g} a million"
        low, high = (None if end is None else end * factor for end in (tokens.low, tokens.high))
        reckoned = Fact(value=tokens.value * factor, low=low, high=high, origin="reckoned", how=how)
        facts = facts.but(baseline_per_month=reckoned)
    baseline = facts.get("baseline_per_month")
    if cost is None and baseline is not None:
        facts = facts.but(cost_per_month=_as(baseline, "the baseline: nothing says that anything is routed"))
    return facts


def _as(fact: Fact, how: str) -> Fact:
    return msgspec.structs.replace(fact, origin="reckoned", how=how if fact.origin != "reckoned" else fact.how)


def _input_share(facts: Facts, taken: Assumptions) -> float:
    known = facts.value("input_share")
    return taken.input_share if known is None else known


def outlook(approach: Approach, facts: Facts, taken: Assumptions) -> Outlook | None:
    """What an approach would come to; None where too little is known to say.

    Args:
        approach: which.
        facts: as `completed` returns them.
        taken: the assumptions.
    """
    now, baseline = facts.get("cost_per_month"), facts.get("baseline_per_month")
    if now is None or baseline is None:
        return None
    if approach not in _ROUTING:
        return _outlook(approach, _worth(approach, facts), _NOTHING, (), facts, taken)
    parted = split(approach, facts, taken)
    if parted is None:
        return None
    already = 1 - now.value / baseline.value if baseline.value else 0.0
    saved = _spread(Interval.of(baseline), Interval(*(share - already for share in parted.saving)))
    lines = (*explained(approach, facts, taken), *_in_money(baseline.value, now.value, parted, saved))
    return _outlook(approach, saved, parted.wrong, lines, facts, taken)


_NOTHING: Final = Interval(0.0, 0.0, 0.0)


def _worth(approach: Approach, facts: Facts) -> Interval:
    """What an approach saves that is not about the models' cost: a fallback, the hours of outages."""
    hours, cost = facts.get("outage_hours"), facts.value("outage_cost")
    if approach is not Approach.FALLBACK or hours is None or cost is None:
        return _NOTHING
    return Interval.of(hours).times(cost)


def split(approach: Approach, facts: Facts, taken: Assumptions) -> Split | None:
    """How an approach parts the requests; None where nothing says how many a cheaper target would serve well.

    With s the share that a cheaper target serves well, f and l the shares of those and of the others that the approach
    gives to it, and q its cost as a share of the strong one's, the cheap share is k = f s + l (1 − s), the saving
    k (1 − q) where the approach decides before the call, and k − q − j for a cascade, which pays for every cheap answer
    and for judging it (j). A cascade leaves out what is latency-critical: it holds an answer until it is judged.
    """
    share, ratio = facts.get("cheaper_share"), facts.get("cheap_cost")
    if share is None or ratio is None:
        return None
    finds, slips = taken.finds(approach), taken.slips(approach)
    ends = zip(Interval.of(share), finds, slips, strict=True)
    cheap = Interval(*(find * good + slip * (1 - good) for good, find, slip in ends))
    wrong = Interval(*(slip * (1 - good) for good, slip in zip(reversed(Interval.of(share)), slips, strict=True)))
    costs = (ratio.most, ratio.value, ratio.least)
    if approach is not Approach.CASCADE:
        return Split(cheap, wrong, Interval(*(kept * (1 - cost) for kept, cost in zip(cheap, costs, strict=True))))
    measured = facts.get("escalation")
    if measured is not None:
        cheap = Interval(1 - measured.most, 1 - measured.value, 1 - measured.least)
    free = 1 - (facts.value("latency_share") or 0.0)
    saving = Interval(*(free * (kept - cost - taken.judge_cost) for kept, cost in zip(cheap, costs, strict=True)))
    return Split(cheap, wrong.times(free), saving)


def explained(approach: Approach, facts: Facts, taken: Assumptions) -> tuple[str, ...]:
    """The arithmetic of `split`, in words with the figures put in."""
    parted = split(approach, facts, taken)
    share, ratio = facts.value("cheaper_share"), facts.value("cheap_cost")
    if parted is None or share is None or ratio is None:
        return ()
    finds, slips, kept = taken.finds(approach).value, taken.slips(approach).value, parted.cheap.value
    parts = f"{percent(finds)} of {percent(share)} + {percent(slips)} of the other {percent(1 - share)}"
    if approach is not Approach.CASCADE:
        return (
            f"To the cheaper target: {parts} = {percent(kept)} of the requests.",
            (
                f"Each costs {percent(ratio)} there, so it saves {percent(kept)} × (1 − {ratio:.3f}) = "
                f"{percent(parted.saving.value)} of the always-strong cost."
            ),
        )
    escalated = 1 - kept
    told = "as measured" if facts.get("escalation") else f"100 % − ({parts})"
    judged = f" + {percent(taken.judge_cost)} for judging" if taken.judge_cost else ""
    total = ratio + escalated + taken.judge_cost
    least = 1 - ratio - taken.judge_cost
    lines = [
        f"A cascade escalates {percent(escalated)} ({told}).",
        (
            f"Every request costs the cheap answer, {percent(ratio)}{judged}, and {percent(escalated)} cost the strong "
            f"one as well: together {percent(total)} of always-strong. It loses money where more than "
            f"{percent(max(least, 0))} escalate."
        ),
    ]
    if critical := facts.value("latency_share"):
        lines.append(
            f"It leaves out the {percent(critical)} that are latency-critical, and saves {percent(1 - critical)} × "
            f"{percent(1 - total)} = {percent(parted.saving.value)}."
        )
    return tuple(lines)


def _in_money(baseline: float, now: float, parted: Split, saved: Interval) -> tuple[str, ...]:
    saving = parted.saving.value
    line = f"{dollars(baseline)} a month on the strong model × {percent(saving)} = {dollars(baseline * saving)}."
    if abs(baseline - now) < 0.005 * baseline:
        return (line,)
    if saved.value < 0:
        return (line, f"{dollars(baseline - now)} are saved today: {dollars(-saved.value)} more than it would save.")
    return (line, f"{dollars(baseline - now)} of it are saved already: {dollars(saved.value)} more would be.")


def _spread(amount: Interval, share: Interval) -> Interval:
    """An amount's share, where both have intervals; the share may be negative."""
    products = [one * other for one in amount for other in share]
    return Interval(min(products), amount.value * share.value, max(products))


def _outlook(
    approach: Approach,
    saved: Interval,
    at_risk: Interval,
    lines: tuple[str, ...],
    facts: Facts,
    taken: Assumptions,
) -> Outlook:
    effort, now = EFFORTS[approach], Interval.of(facts.known["cost_per_month"])
    built = _setup(effort.built.middle, taken.upkeep_days(effort.load), saved.value, taken)
    placed = _setup(effort.placed.middle, effort.kept, saved.value, taken)
    growth = facts.value("growth")
    growth = taken.growth if growth is None else growth
    over = sum((1 + growth) ** month for month in range(taken.months))
    spent = placed.usd + placed.upkeep_usd * taken.months
    routed = approach in _ROUTING
    then = Interval(*sorted(now.value - each for each in saved)) if routed else now
    factor = (1 + growth) ** taken.months
    return Outlook(
        now=now,
        then=Interval(max(then.low, 0.0), then.value, then.high),
        later=(then.value * factor, now.value * factor),
        saved=saved,
        at_risk=at_risk,
        net=Interval(*(each * over - spent for each in saved)),
        built=built,
        placed=placed,
        arithmetic=lines,
    )


def _setup(days: float, kept: float, saved: float, taken: Assumptions) -> Setup:
    usd, upkeep = days * taken.day_rate, kept * taken.day_rate
    left = saved - upkeep
    return Setup(days, usd, upkeep, usd / left if left > 0 else None)
