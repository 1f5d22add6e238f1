"""Whether a policy is worth having instead of the one there is: in words, from the intervals."""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

from turnout.insight.evaluate.bootstrap import Interval
from turnout.insight.evaluate.evaluation import Evaluation, Standing

DAYS: Final = 365 / 12
EQUAL_COST: Final = 0.02
"""A difference of cost within this share of the baseline's is none."""

Kind = Literal["worth it", "keep", "trade", "open"]


class Assumed(NamedTuple):
    """What no traffic tells.

    Attributes:
        margin: the least difference of quality that matters, 0 to 1.
        worth_usd: what an acceptable answer is worth beyond an unacceptable one, in USD; None for what the dearest
            target takes for one more than the cheapest gives.
        upkeep_usd: what it costs to keep up a policy that learns, in USD a month.
    """

    margin: float = 0.01
    worth_usd: float | None = None
    upkeep_usd: float = 400.0


class Verdict(NamedTuple):
    """What was found of one policy.

    Attributes:
        policy: which.
        kind: `worth it`; `keep` what there is; `trade`: better and dearer or cheaper and worse; `open`: not enough
            evidence.
        words: the sentence.
        more: how many more judged requests would settle it; 0 where it is settled.
        from_requests: from how many requests a day it is worth its upkeep; None where that is not the question.
    """

    policy: str
    kind: Kind
    words: str
    more: int = 0
    from_requests: int | None = None


class _Pair(NamedTuple):
    """A policy and what it is compared with."""

    one: Standing
    base: Standing
    quality: Interval
    cost: Interval | None

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return f"always asking {self.one.name}" if self.one.kind == "target" else f"'{self.one.name}'"

    @property
    def cheaper(self) -> bool:
        """Surely, and by more than nothing."""
        return self._cost_matters and self.cost is not None and self.cost.high < 0

    @property
    def dearer(self) -> bool:
        return self._cost_matters and self.cost is not None and self.cost.low > 0

    @property
    def share(self) -> Interval:
        """The difference of cost as a share of the baseline's."""
        base = self.base.cost_usd
        return self.cost.scaled(1 / base.value) if self.cost and base and base.value else Interval(0.0, 0.0, 0.0)

    @property
    def _cost_matters(self) -> bool:
        return abs(self.share.value) > EQUAL_COST


def verdicts(evaluation: Evaluation, assumed: Assumed, learns: frozenset[str] = frozenset()) -> list[Verdict]:
    """What is to be said of each policy but the baseline, and of each single target that would do as well.

    Args:
        evaluation: what was found.
        assumed: what it is weighed with.
        learns: the policies that have to be kept up.
    """
    base = evaluation.policies[0]
    worth = worth_of(evaluation, assumed)
    told = []
    for one in evaluation.standings:
        if one.over is None or one.kind == "oracle":
            continue
        pair = _Pair(one, base, one.over, one.cost_over)
        upkeep = assumed.upkeep_usd if one.name in learns else 0.0
        found = _verdict(pair, evaluation, assumed.margin, worth, upkeep)
        would_do = found.kind == "worth it" and not pair.dearer and one.over.low > -assumed.margin
        if one.kind == "policy" or would_do:
            told.append(found)
    return told


def worth_of(evaluation: Evaluation, assumed: Assumed) -> float | None:
    """What an acceptable answer is worth, in USD: as assumed, else what the dearest target takes for one more.

    None where the dearest target is not better.
    """
    if assumed.worth_usd is not None:
        return assumed.worth_usd
    priced = [each for each in evaluation.standings if each.kind == "target" and each.cost_usd is not None]
    if len(priced) < 2:
        return None
    priced.sort(key=lambda each: each.cost_usd.value if each.cost_usd else 0.0)
    cheapest, dearest = priced[0], priced[-1]
    gained = dearest.quality.value - cheapest.quality.value
    paid = (dearest.cost_usd.value if dearest.cost_usd else 0.0) - (cheapest.cost_usd.value if cheapest.cost_usd else 0)
    return paid / gained if gained > 0 else None


def _verdict(pair: _Pair, evaluation: Evaluation, margin: float, worth: float | None, upkeep: float) -> Verdict:
    one, name, quality = pair.one.name, pair.name, pair.quality
    base = f"'{pair.base.name}'"
    keep = f"keep {base}"
    if quality.low > 0:
        return _gains(pair, worth, upkeep)
    if quality.high < 0 and quality.low <= -margin:
        if pair.cheaper:
            return _saves_and_loses(pair, worth, upkeep)
        more = f" and costs {_percent(pair.share)} more" if pair.dearer else ""
        return Verdict(one, "keep", f"{name} loses {_points(quality.scaled(-1))}{more} against {base}: {keep}")
    if quality.low > -margin and pair.cheaper and pair.cost is not None:
        told = f"{name} costs {_percent(pair.share)} less at equal quality ({_from_to(quality)} points) than {base}"
        return _worth_it(one, told, -pair.cost.value, upkeep)
    if pair.cheaper and pair.cost is not None and worth is not None and quality.low * worth > pair.cost.high:
        told = f"{name} costs {_percent(pair.share)} less than {base}, at {_points(quality, signed=True)}"
        return _worth_it(one, told, quality.value * worth - pair.cost.value, upkeep)
    if quality.high < margin:
        dearer = f", and it costs {_percent(pair.share)} more" if pair.dearer else ""
        return Verdict(one, "keep", f"no measurable gain of {name} over {base}{dearer}: {keep}")
    untried = pair.one.unknown + pair.base.unknown
    if untried > margin:  # no number of such requests would settle it
        told = f"this traffic does not tell what {name} would have come to on {untried * 100:.0f} % of the requests"
        return Verdict(one, "open", f"{told}: ask its targets in the shadow, or explore them")
    wanted = _more(quality, margin, evaluation.requests)
    told = f"not enough evidence on {name}, {_points(quality, signed=True)} over {base}"
    return Verdict(one, "open", f"{told}: {wanted:,} more judged requests would settle it", wanted)


def _gains(pair: _Pair, worth: float | None, upkeep: float) -> Verdict:
    one, name, quality, cost = pair.one.name, pair.name, pair.quality, pair.cost
    at = "at equal cost"
    if pair.cheaper or pair.dearer:
        at = f"at {_percent(pair.share)} {'less' if pair.cheaper else 'more'} cost"
    told = f"{name} gains {_points(quality)} {at} over '{pair.base.name}'"
    paid = cost.value if cost is not None and (pair.cheaper or pair.dearer) else 0.0
    if worth is None:
        return Verdict(one, "worth it" if paid <= 0 else "trade", told)
    gained = quality.value * worth - paid
    if gained <= 0:
        price = f"${paid / quality.value:.3g} for each further acceptable answer, which is worth ${worth:.3g}"
        return Verdict(one, "trade", f"{told}: {price}: keep '{pair.base.name}'")
    return _worth_it(one, told, gained, upkeep)


def _saves_and_loses(pair: _Pair, worth: float | None, upkeep: float) -> Verdict:
    one, saved = pair.one.name, -pair.cost.value if pair.cost is not None else 0.0
    lost = _points(pair.quality.scaled(-1))
    told = f"{pair.name} costs {_percent(pair.share)} less than '{pair.base.name}' and loses {lost}"
    price = saved / -pair.quality.value
    if worth is None or saved <= -pair.quality.value * worth:
        return Verdict(
            one, "trade", f"{told}: worth it only where an acceptable answer is worth less than ${price:.3g}"
        )
    return _worth_it(one, told, saved + pair.quality.value * worth, upkeep)


def _worth_it(one: str, told: str, gained_usd: float, upkeep_usd: float) -> Verdict:
    """From how many requests a day what is gained by each pays for the upkeep."""
    least = math.ceil(upkeep_usd / DAYS / gained_usd) if upkeep_usd else 0
    above = f" above {_round(least):,} requests a day" if least else ""
    return Verdict(one, "worth it", f"{told}: worth it{above}", from_requests=_round(least))


def _more(quality: Interval, margin: float, seen: int) -> int:
    """So many more that the interval leaves out either nothing or the margin: its width goes with the square root."""
    wanted = max(quality.value, margin - quality.value, margin / 2)
    return _round(max(1, math.ceil(seen * ((quality.half / wanted) ** 2 - 1))))


def _round(number: int) -> int:
    """Upwards, to two figures."""
    if number < 100:
        return number
    unit: int = 10 ** (len(str(number)) - 2)
    return math.ceil(number / unit) * unit


def _points(quality: Interval, *, signed: bool = False) -> str:
    """`1.1 points (0.4 to 1.8)`."""
    value = f"{quality.value * 100:+.1f}" if signed else f"{quality.value * 100:.1f}"
    return f"{value} points ({_from_to(quality)})"


def _from_to(quality: Interval) -> str:
    low, high = sorted((quality.low, quality.high))
    return f"{low * 100:.1f} to {high * 100:.1f}"


def _percent(share: Interval) -> str:
    """`31 % (28 to 34)`, whatever its sign."""
    low, high = sorted(abs(each) for each in (share.low, share.high))
    return f"{abs(share.value) * 100:.0f} % ({low * 100:.0f} to {high * 100:.0f})"
