"""What chance chooses, and what else it might have chosen."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from math import prod
from typing import Final

import msgspec

from turnout.policy.base import Context, Policy
from turnout.types.candidate import Candidate, Chances, Drew, Outcome
from turnout.types.conditions import Conditions

_UNIT: Final = 2.0**-53
HELD: Final = " (held)"
"""What is added to the name of a target whose answer is held."""


def own_draw(draw: float, at: str) -> float:
    """A number in [0, 1) that is fixed by `draw` and `at`, and uniform and independent between different `at`."""
    digest = blake2b(struct.pack(">d", draw) + at.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) * _UNIT


def draw_one(conditions: Conditions, at: str, shares: tuple[float, ...]) -> Drew:
    """Let chance choose, with probabilities of which at least one is above 0.

    Each place makes its own number of the one draw, so that a choice within a choice, or after another in a chain, is
    independent of it.
    """
    number = own_draw(conditions.draw, at)
    laid_down = conditions.drawn.get(at)
    return Drew(at=at, shares=shares, chosen=_place(number, shares) if laid_down is None else laid_down, number=number)


def _place(number: float, shares: tuple[float, ...]) -> int:
    for place, bound in enumerate(accumulate(shares)):
        if number < bound:
            return place
    # The last bound is 1.0 but for rounding, which must not choose what has no chance.
    return shares.index(max(shares))


def way(candidate: Candidate) -> str:
    """What calling a candidate first is called."""
    return f"{candidate.target}{HELD}" if candidate.hold else candidate.target


def chances(
    policy: Policy, context: Context, drew: Sequence[Drew], first: str, unfit: Mapping[str, str] | None = None
) -> Chances:
    """With which probability each target is called first, all choices of chance taken together.

    Every other way that chance might have gone is walked to its first call, which costs one walk for each: policies
    are pure.

    Args:
        policy: what decides.
        context: for this request.
        drew: what chance has chosen so far.
        first: what is called first for it.
        unfit: the targets that cannot be called.
    """
    found: dict[str, float] = defaultdict(float)
    found[first] = _share(drew)
    left = _others({}, drew)
    while left:
        laid_down = left.pop()
        conditions = msgspec.structs.replace(context.conditions, drawn=laid_down)
        other, path = _walk_to_first(policy, msgspec.structs.replace(context, conditions=conditions), unfit or {})
        if other is not None:
            found[other] += _share(path)
        left += _others(laid_down, path)
    return Chances(first=first, of=dict(found))


def _share(drew: Sequence[Drew]) -> float:
    return prod(each.shares[each.chosen] for each in drew)


def _others(laid_down: Mapping[str, int], drew: Sequence[Drew]) -> list[dict[str, int]]:
    """The other ways that begin as this one does: at each choice that was not laid down, each that was not chosen."""
    known, found = dict(laid_down), []
    for each in drew:
        if each.at in known:
            continue
        found += [
            {**known, each.at: place} for place, share in enumerate(each.shares) if share > 0 and place != each.chosen
        ]
        known[each.at] = each.chosen
    return found


def _walk_to_first(policy: Policy, context: Context, unfit: Mapping[str, str]) -> tuple[str | None, list[Drew]]:
    """What is called first, None for nobody, and what chance chose on the way."""
    drew: list[Drew] = []
    plan = policy.decide(context)
    reply: Outcome | None = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration:
            return None, drew
        reply = None
        if isinstance(step, Drew):
            drew.append(step)
        elif isinstance(step, Candidate):
            if step.target not in unfit:
                plan.close()
                return way(step), drew
            reply = Outcome(target=step.target, dropped=unfit[step.target])
