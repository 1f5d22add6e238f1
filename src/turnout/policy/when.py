"""Conditions of rules: what `when` may say, and the words in which each tells its verdict.

A verdict's words state the fact that it rests on ("tokens 240 > max 200"), so they read the same under a `not`. They
are made only for the one part that settled a verdict of no, and for every part of a verdict of yes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from turnout.policy.base import Context
from turnout.types.flag import FlagValue
from turnout.types.spend import least_left

Verdict = tuple[bool, str]


class Condition(Protocol):
    """Something that holds of a request or does not. Conditions are values: equal ones hold of the same requests."""

    def judge(self, context: Context) -> Verdict:
        """Whether it holds, and because of what."""
        ...


MEASURES: Final[Mapping[str, Callable[[Context], float | None]]] = {
    "tokens": lambda context: context.features.tokens,
    "chars": lambda context: context.features.chars,
    "turns": lambda context: context.features.turns,
    "context_tokens": lambda context: context.features.context_tokens,
    "tools": lambda context: context.features.tools,
    "images": lambda context: context.features.images,
    "latency_budget": lambda context: context.caller.latency_budget_s,
    "budget_left": lambda context: least_left(context.conditions.budgets.values()),
}
"""What can be bounded. Two may be None: a latency budget, in seconds, where the caller gave none, and the share that is
left of a budget, where the request falls under none."""

NAMES: Final[Mapping[str, Callable[[Context], str | None]]] = {
    "source": lambda context: context.caller.source,
    "user": lambda context: context.caller.user,
    "tenant": lambda context: context.caller.tenant,
    "tier": lambda context: context.caller.tier,
    "project": lambda context: context.caller.project,
    "language": lambda context: context.features.language,
}
"""What can be compared with names and globs."""


@dataclass(frozen=True, slots=True)
class Within:
    """A measure lies between two bounds, both included; None is no bound."""

    measure: str
    low: float | None = None
    high: float | None = None
    _read: Callable[[Context], float | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_read", MEASURES[self.measure])

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        value = self._read(context)
        if value is None:
            return False, f"no {self.measure}"
        if self.high is not None and value > self.high:
            return False, f"{self.measure} {value:g} > max {self.high:g}"
        if self.low is not None and value < self.low:
            return False, f"{self.measure} {value:g} < min {self.low:g}"
        bound = f"≤ max {self.high:g}" if self.high is not None else f"≥ min {self.low or 0:g}"
        return True, f"{self.measure} {value:g} {bound}"


@dataclass(frozen=True, slots=True)
class Matches:
    """The query holds a phrase of one of the lists."""

    lists: tuple[str, ...]
    _none: Verdict = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_none", (False, f"matches no phrase of {' or '.join(self.lists)}"))

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        matches = context.features.matches
        for name in self.lists:
            if name in matches:
                return True, f"matches {name}: '{matches[name]}'"
        return self._none


@dataclass(frozen=True, slots=True)
class Named:
    """One of `NAMES` is one of some names; `*`, `?` and `[...]` stand for what a shell would."""

    subject: str
    names: tuple[str, ...]
    _matches: Callable[[str], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matches", glob_matcher(self.names))

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        value = NAMES[self.subject](context)
        if value is None:
            return False, f"no {self.subject}"
        if self._matches(value):
            return True, f"{self.subject} is {value}"
        return False, f"{self.subject} {value} is not {' or '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the request has one of some values (or globs). Its value is never repeated: it may be private."""

    name: str
    values: tuple[str, ...]
    _matches: Callable[[str], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_matches", glob_matcher(self.values))

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        value = context.caller.headers.get(self.name)
        if value is None:
            return False, f"no header {self.name}"
        holds = bool(self._matches(value))
        return holds, f"header {self.name} is {'' if holds else 'not '}{' or '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class HourIn:
    """The hour of the day, 0 to 23, is one of some hours in a time zone; `said` is how those were written."""

    hours: frozenset[int]
    timezone: str = "UTC"
    said: str = field(default="these hours", compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", ZoneInfo(self.timezone))

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        hour = context.conditions.now.astimezone(self._zone).hour
        holds = hour in self.hours
        return holds, f"hour {hour} {self.timezone} is {'' if holds else 'not '}in {self.said}"


@dataclass(frozen=True, slots=True)
class FlagIs:
    """A feature flag is one of some variants for this request."""

    flag: str
    variants: tuple[str, ...]

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        value = context.conditions.flags[self.flag]
        return value.variant in self.variants, flag_words(self.flag, value)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; so it holds if there is none."""

    parts: tuple[Condition, ...]

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        reasons = []
        for part in self.parts:
            holds, because = part.judge(context)
            if not holds:
                return False, because
            reasons.append(because)
        return True, "; ".join(reasons) or "no condition"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; so it never holds if there is none."""

    parts: tuple[Condition, ...]

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        reasons = []
        for part in self.parts:
            holds, because = part.judge(context)
            if holds:
                return True, because
            reasons.append(because)
        return False, "; ".join(reasons) or "none of nothing"


@dataclass(frozen=True, slots=True)
class Not:
    """Its part does not hold."""

    part: Condition

    def judge(self, context: Context) -> Verdict:
        """See `Condition`."""
        holds, because = self.part.judge(context)
        return not holds, because


def flag_words(flag: str, value: FlagValue) -> str:
    """What a flag is, in words: `flag haiku-first is on (in share)`."""
    why = value.reason.replace("_", " ")
    if value.observed:
        return f"flag {flag} would be {value.seen} ({why}), and is only observed"
    return f"flag {flag} is {value.variant} ({why})"


ALWAYS: Final = AllOf(())
"""The condition of a rule without `when`."""


def is_glob(name: str) -> bool:
    """Whether `name` stands for more than itself."""
    return any(char in name for char in "*?[")


def glob_matcher(names: tuple[str, ...]) -> Callable[[str], object]:
    """What is truthy for a text that is one of `names`, or that one of them stands for."""
    if not any(map(is_glob, names)):
        return frozenset(names).__contains__
    return re.compile("|".join(map(translate, names))).match
