"""What follows from conditions alone, whatever the request: sound, and complete for no more than it says.

Each function may miss a relation (`tokens ≤ 10 or tokens > 10` always holds, and is not seen to); none ever claims
one that is not there. So a rule that the lint calls dead is dead.
"""

from __future__ import annotations

from functools import reduce

from turnout.policy.when import (
    AllOf,
    AnyOf,
    Condition,
    FlagIs,
    Header,
    HourIn,
    Matches,
    Named,
    Not,
    Within,
    glob_matcher,
    is_glob,
)

_INFINITY = float("inf")


def always(condition: Condition, empty: frozenset[str] = frozenset()) -> bool:
    """Whether it holds of every request. `empty` names the phrase lists without phrases."""
    match condition:
        case AllOf(parts):
            return all(always(part, empty) for part in parts)
        case AnyOf(parts):
            return any(always(part, empty) for part in parts)
        case Not(part):
            return never(part, empty)
        case Within(measure, low, high):
            return measure not in {"latency_budget", "budget_left"} and (low is None or low <= 0) and high is None
        case Named("tenant", names):
            return "*" in names
    return False


def never(condition: Condition, empty: frozenset[str] = frozenset()) -> bool:
    """Whether it holds of no request."""
    match condition:
        case AllOf():
            parts = _conjuncts(condition)
            return any(never(part, empty) for part in parts) or any(
                exclusive(one, other) for index, one in enumerate(parts) for other in parts[index + 1 :]
            )
        case AnyOf(parts):
            return all(never(part, empty) for part in parts)
        case Not(part):
            return always(part, empty)
        case Within():
            low, high = _interval(condition)
            return low > high or high < 0
        case Matches(lists):
            return empty.issuperset(lists)
        case Named(_, ()) | Header(_, ()) | FlagIs(_, ()):
            return True
        case HourIn(hours):
            return not hours
    return False


def exclusive(one: Condition, other: Condition) -> bool:
    """Whether the two never hold together."""
    match one, other:
        case Within(measure), Within(also) if measure == also:
            (low, high), (from_, to) = _interval(one), _interval(other)
            return max(low, from_) > min(high, to)
        case Named(subject, names), Named(also, others) if subject == also:
            return _disjoint(names, others)
        case Header(name, values), Header(also, others) if name == also:
            return _disjoint(values, others)
        case FlagIs(flag, variants), FlagIs(also, others) if flag == also:
            return set(variants).isdisjoint(others)
        case HourIn(hours, zone), HourIn(others, also) if zone == also:
            return hours.isdisjoint(others)
    return (isinstance(other, Not) and implies(one, other.part)) or (isinstance(one, Not) and implies(other, one.part))


def implies(one: Condition, other: Condition) -> bool:
    """Whether `other` holds wherever `one` does."""
    if one == other or always(other) or never(one):
        return True
    match one, other:
        case _, AllOf(parts):
            return all(implies(one, part) for part in parts)
        case AnyOf(parts), _:
            return all(implies(part, other) for part in parts)
        case Not(part), Not(excluded):
            return implies(excluded, part)
        case Within(measure), Within(also) if measure == also:
            (low, high), (from_, to) = _interval(one), _interval(other)
            return from_ <= low and high <= to
        case Matches(lists), Matches(others):
            return set(lists) <= set(others)
        case Named(subject, names), Named(also, others) if subject == also:
            return _covers(others, names)
        case Header(name, values), Header(also, others) if name == also:
            return _covers(others, values)
        case FlagIs(flag, variants), FlagIs(also, others) if flag == also:
            return set(variants) <= set(others)
        case HourIn(hours, zone), HourIn(others, also) if zone == also:
            return hours <= others
    return _by_a_part(one, other)


def _by_a_part(one: Condition, other: Condition) -> bool:
    """Implication that one part carries: of what is given (`all`), or of what is to be shown (`any`, `not`)."""
    if isinstance(other, AnyOf) and any(implies(one, part) for part in other.parts):
        return True
    if isinstance(other, Not) and not isinstance(one, (AllOf, Not)) and exclusive(one, other.part):
        return True
    if not isinstance(one, AllOf):
        return False
    parts = _conjuncts(one)
    narrowed = _narrowest(parts)
    return any(implies(part, other) for part in (*parts, *narrowed))


def _conjuncts(condition: AllOf) -> tuple[Condition, ...]:
    """The parts, those of nested `all`s among them."""
    parts: list[Condition] = []
    for part in condition.parts:
        parts.extend(_conjuncts(part) if isinstance(part, AllOf) else (part,))
    return tuple(parts)


def _narrowest(parts: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """For each measure that is bounded several times, the one interval that is left."""
    bounds: dict[str, list[Within]] = {}
    for part in parts:
        if isinstance(part, Within):
            bounds.setdefault(part.measure, []).append(part)
    return tuple(reduce(_intersection, several) for several in bounds.values() if len(several) > 1)


def _intersection(one: Within, other: Within) -> Within:
    (low, high), (from_, to) = _interval(one), _interval(other)
    return Within(one.measure, max(low, from_), min(high, to))


def _interval(within: Within) -> tuple[float, float]:
    low = -_INFINITY if within.low is None else within.low
    return low, _INFINITY if within.high is None else within.high


def _covers(names: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether every text that one of `others` stands for is one that `names` stand for."""
    literal = tuple(name for name in others if not is_glob(name))
    matches = glob_matcher(names)
    return all(name in names or "*" in names or (name in literal and bool(matches(name))) for name in others)


def _disjoint(names: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return not any(map(is_glob, (*names, *others))) and set(names).isdisjoint(others)
