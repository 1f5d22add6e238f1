"""Rate limits: requests and tokens in a minute, and requests under way, of each key and each tenant.

A minute slides: of what was counted in the minute of the clock before, as much counts as would be less than a minute
ago if it had been spread evenly. So nobody has twice the limit where two minutes of the clock meet, and what was used
up comes back little by little. What a request uses is reserved when it begins and settled when it has ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from turnout.state.counters import Account, Counters, Full, Held, Hold, Tally
from turnout.types.clock import Clock
from turnout.types.rate import Allowance, Limited, Standing
from turnout.types.request import Caller
from turnout.types.tenant import RateLimit, Tenant

MINUTE_S: Final = 60.0
SOON_S: Final = 1.0
"""When to try again after what others have under way was in the way."""

_UNLIMITED: Final = RateLimit()
_LOOK_S: Final = 1.0
"""How often the minute before is looked at again, while requests that began in it are under way."""


class Measure(StrEnum):
    """What is limited."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENT = "concurrent"


class Tokens(NamedTuple):
    """How many tokens a request will use.

    Attributes:
        likely: at least; a request is too large for a limit below it.
        worst: with an answer of the length that is to be reckoned with.
    """

    likely: int
    worst: int


class TooFast(NamedTuple):
    """A request may not be served now.

    Attributes:
        why: which limit is in the way, for the caller.
        wait_s: after how many seconds it may be; None where it never may.
        standing: how the caller stands.
    """

    why: str
    wait_s: float | None
    standing: Standing


class _Rule(NamedTuple):
    measure: Measure
    most: int
    whose: str
    account: Account
    before: Account


class _Minute(NamedTuple):
    """The minute of the clock that it is: how long it has been, and what share of the one before counts besides."""

    at: datetime
    elapsed_s: float
    share: float


class Pace:
    """A request that was let in.

    Attributes:
        standing: how its caller stands.
    """

    __slots__ = ("_counters", "_held", "_rules", "standing")

    def __init__(self, counters: Counters, held: Held, rules: Sequence[_Rule], standing: Standing) -> None:
        self._counters = counters
        self._held = held
        self._rules = rules
        self.standing = standing

    def settle(self, tokens: int) -> None:
        """The request has ended, and used so many tokens. Only the first time counts."""
        used = {Measure.REQUESTS: 1, Measure.TOKENS: tokens, Measure.CONCURRENT: 0}
        self._counters.settle(self._held, [used[rule.measure] for rule in self._rules])


class Rates:
    """Every rate limit there is.

    Args:
        counters: where it is counted. While counts that are shared cannot be reached, each process holds to the
            limits by itself.
        clock: wall time tells the minute.
        tenant: finds a tenant as it is known now.
    """

    def __init__(self, counters: Counters, clock: Clock, tenant: Callable[[str], Tenant | None]) -> None:
        self._counters = counters
        self._clock = clock
        self._tenant = tenant
        self._number = 0
        self._rules: dict[Limited, Sequence[_Rule]] = {}
        self._before: dict[Account, tuple[float, int]] = {}

    def limits(self, caller: Caller) -> Sequence[Limited]:
        """The limits that hold for a caller's requests: its key's and its tenant's. Mostly none."""
        tenant = self._tenant(caller.tenant)
        own = () if caller.limited is None else (caller.limited,)
        if tenant is None or tenant.limit == _UNLIMITED:
            return own
        return (*own, Limited(f"tenant {tenant.name}", f"The tenant '{tenant.name}'", tenant.limit))

    async def enter(self, limits: Sequence[Limited], tokens: Tokens) -> Pace | TooFast:
        """Let a request in, if no limit is in the way; `Pace.settle` is to be called once it has ended."""
        minute = self._minute()
        rules = [rule for limited in limits for rule in self._rules_of(limited)]
        too_large = next((rule for rule in rules if rule.measure is Measure.TOKENS and rule.most < tokens.likely), None)
        if too_large is not None:
            return TooFast(_too_large(too_large, tokens), None, Standing(minute.at))
        before = await self._of_before(rules, minute)
        lefts = [_left(rule, before, minute) for rule in rules]
        holds = [_hold(rule, tokens, left) for rule, left in zip(rules, lefts, strict=True)]
        held = await self._counters.reserve(holds)
        if isinstance(held, Full):
            place = next(place for place, hold in enumerate(holds) if hold.account == held.hold.account)
            tallies = await self._counters.read([rule.account for rule in rules])
            standing = _standing(rules, [tallies[rule.account] for rule in rules], lefts, minute)
            wait_s = _wait(rules[place], held, before.get(rules[place].account, 0), minute)
            return TooFast(_too_fast(rules[place], wait_s), wait_s, standing)
        return Pace(self._counters, held, rules, _standing(rules, held.tallies, lefts, minute))

    def _minute(self) -> _Minute:
        at = self._clock.now()
        number, elapsed_s = divmod(at.timestamp(), MINUTE_S)
        if number != self._number:
            self._number = int(number)
            self._rules.clear()
            self._before.clear()
        return _Minute(at, elapsed_s, 1 - elapsed_s / MINUTE_S)

    def _rules_of(self, limited: Limited) -> Sequence[_Rule]:
        """Those of a limit, in the minute that it is."""
        rules = self._rules.get(limited)
        if rules is None:
            rules = self._rules[limited] = tuple(_rules(limited, self._number))
        return rules

    async def _of_before(self, rules: Sequence[_Rule], minute: _Minute) -> dict[Account, int]:
        """What was counted in the minute before, by the account of this one. It is looked up once, and then known."""
        counted = [rule for rule in rules if rule.measure is not Measure.CONCURRENT]
        unknown = [rule for rule in counted if self._before.get(rule.account, (-1.0,))[0] < minute.elapsed_s]
        if unknown:
            tallies = await self._counters.read([rule.before for rule in unknown])
            for rule in unknown:
                tally = tallies[rule.before]
                holds_until = minute.elapsed_s + _LOOK_S if tally.held else MINUTE_S
                self._before[rule.account] = holds_until, tally.spent + tally.held
        return {rule.account: self._before[rule.account][1] for rule in counted if rule.account in self._before}


def _rules(limited: Limited, number: int) -> Iterator[_Rule]:
    limit = limited.limit
    measures = {
        Measure.REQUESTS: limit.requests_per_minute,
        Measure.TOKENS: limit.tokens_per_minute,
        Measure.CONCURRENT: limit.concurrent,
    }
    for measure, most in measures.items():
        if most is not None:
            name = f"rate:{measure}:{limited.name}"
            if measure is Measure.CONCURRENT:
                yield _Rule(measure, most, limited.whose, Account(name), Account(name))
            else:
                yield _Rule(measure, most, limited.whose, _account(name, number), _account(name, number - 1))


def _account(name: str, number: int) -> Account:
    """Where a minute is counted. It is known for two, since it counts in the next one as well."""
    return Account(name, str(number), (number + 2) * MINUTE_S)


def _left(rule: _Rule, before: dict[Account, int], minute: _Minute) -> int:
    """What may be counted in this minute of the clock up to now."""
    return max(0, math.floor(rule.most - before.get(rule.account, 0) * minute.share))


def _hold(rule: _Rule, tokens: Tokens, left: int) -> Hold:
    """What a request wants. Of places, a process that dies has used none for good."""
    match rule.measure:
        case Measure.REQUESTS:
            return Hold(rule.account, 1, 1, left, rule.most)
        case Measure.TOKENS:
            return Hold(rule.account, tokens.worst, tokens.likely, left, rule.most)
        case _:
            return Hold(rule.account, 1, 0, left, rule.most)


def _wait(rule: _Rule, full: Full, before: int, minute: _Minute) -> float:
    """In how many seconds there is room, if nothing else is counted meanwhile."""
    if rule.measure is Measure.CONCURRENT or (full.busy and rule.measure is Measure.TOKENS):
        return SOON_S
    now = full.tally.spent + full.tally.held
    room = rule.most - full.hold.likely
    if now <= room and before:
        return max(0.0, MINUTE_S * (1 - (room - now) / before) - minute.elapsed_s)
    later = 0.0 if now <= room else MINUTE_S * (1 - room / now)
    return MINUTE_S - minute.elapsed_s + later


def _standing(rules: Sequence[_Rule], tallies: Sequence[Tally], lefts: Sequence[int], minute: _Minute) -> Standing:
    least: dict[Measure, Allowance] = {}
    for rule, tally, left in zip(rules, tallies, lefts, strict=False):
        used, known = tally.spent + tally.held, least.get(rule.measure)
        remaining = max(0, left - used)
        if known is None or remaining < known.remaining:
            minutes = 2 if used else 1 if left < rule.most else 0  # until nothing of it counts any more
            resets_s = minutes * MINUTE_S - minute.elapsed_s if minutes else 0.0
            least[rule.measure] = Allowance(rule.most, remaining, resets_s)
    return Standing(minute.at, least.get(Measure.REQUESTS), least.get(Measure.TOKENS))


def _too_fast(rule: _Rule, wait_s: float) -> str:
    again = f"Try again in {math.ceil(wait_s)} s."
    match rule.measure:
        case Measure.REQUESTS:
            return f"{rule.whose} may send {_requests(rule.most)} a minute. {again}"
        case Measure.TOKENS:
            return f"{rule.whose} may use {rule.most:,} tokens a minute. {again}"
        case _:
            return f"{rule.whose} may have {_requests(rule.most)} under way at a time. Try again when one has ended."


def _requests(number: int) -> str:
    return f"{number:,} request{'' if number == 1 else 's'}"


def _too_large(rule: _Rule, tokens: Tokens) -> str:
    whose = rule.whose[0].lower() + rule.whose[1:]
    return f"This request has about {tokens.likely:,} tokens, and {whose} may use {rule.most:,} a minute. Send less."
