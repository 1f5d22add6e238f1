"""What is to be done with a canary: go on, grow, promote, hold, or roll back. By rule, and with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from turnout.insight.canary.judging import Found, Standing, overall
from turnout.insight.canary.measure import MEASURES, QUALITY, Stretch
from turnout.types.canary import Canary, CanaryStatus, Walked
from turnout.types.clock import timestamp


def advanced(canary: Canary, stretches: Sequence[Stretch], found: Sequence[Found], now: datetime) -> Canary:
    """The canary after a look at what is known of it; itself where there is nothing to do yet.

    It is rolled back as soon as anything is certainly worse than is tolerated. It grows while nothing is, and promotes
    itself only from the last step, so that the load of a large share has been seen: where something is certainly
    better, and everything certainly not worse. Where all is certainly the same, or cannot be told, it is held there,
    and somebody decides.

    Args:
        canary: as it stands.
        stretches: its traffic, one for each change of the share.
        found: what `judge` says of them.
        now: the moment, aware.
    """
    if canary.status is not CanaryStatus.RUNNING:
        return canary
    standing = overall(found)
    if standing is Standing.WORSE:
        return _moved(canary, 0.0, f"rolled back: {_words(found, Standing.WORSE)}", now, CanaryStatus.ROLLED_BACK)
    last = canary.share >= canary.steps[-1]
    if not last:
        if stretches[-1].requests[1] < canary.enough:
            return canary
        share = next(each for each in canary.steps if each > canary.share)
        told = f"nothing is worse after {stretches[-1].requests[1]:,} requests at {canary.share * 100:g} %"
        return _moved(canary, share, told, now)
    if standing is Standing.BETTER:
        return _moved(canary, 1.0, f"promoted: {_words(found, Standing.BETTER)}", now, CanaryStatus.PROMOTED)
    if standing is Standing.SAME:
        return _moved(canary, canary.share, "held: no difference that matters", now, CanaryStatus.HELD)
    taken = sum(each.requests[1] for each in stretches)
    if taken >= canary.most:
        told = f"held: {taken:,} requests, and no measurable gain"
        return _moved(canary, canary.share, told, now, CanaryStatus.HELD)
    return canary


def waits_for(canary: Canary, stretches: Sequence[Stretch], found: Sequence[Found]) -> str:
    """What a running canary waits for, in words."""
    if canary.share < canary.steps[-1]:
        left = max(canary.enough - stretches[-1].requests[1], 0)
        return f"{left:,} more requests of '{canary.variant}' at {canary.share * 100:g} %" if left else "the next step"
    unclear = [each.measure for each in found if each.standing in {Standing.UNCLEAR, Standing.UNKNOWN}]
    unclear = [name for name in unclear if name != QUALITY or any(_of(found, name).values)]
    if unclear:
        return f"more evidence on {', '.join(unclear)}"
    return "a gain that is certain, or that none is to be had"


def percent(name: str, harm: float) -> str:
    """A harm in words: `+12.3 %` of cost or latency, `+1.2 points` of errors or quality lost."""
    amount = round(harm * 100, 1) + 0.0  # no minus before nothing
    return f"{amount:+.1f} {'%' if MEASURES[name].relative else 'points'}"


def _words(found: Sequence[Found], standing: Standing) -> str:
    told = []
    for each in found:
        if each.standing is standing and None not in (each.harm, each.low, each.high):
            sign = -1 if each.measure == QUALITY else 1
            ends = sorted(sign * (edge or 0.0) for edge in (each.low, each.high))
            low, high = (percent(each.measure, edge) for edge in ends)
            told.append(f"{each.measure} {percent(each.measure, sign * (each.harm or 0.0))} ({low} to {high})")
    return ", ".join(told)


def _of(found: Sequence[Found], name: str) -> Found:
    return next(each for each in found if each.measure == name)


def _moved(
    canary: Canary, share: float, because: str, now: datetime, status: CanaryStatus = CanaryStatus.RUNNING
) -> Canary:
    walked = (*canary.walked, Walked(timestamp(now), share, because))
    return msgspec.structs.replace(canary, walked=walked, status=status)
