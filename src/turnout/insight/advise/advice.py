"""Whether to route, and how: facts looked up in the decision table, and the approaches it names weighed in money.

Nothing here reads a file, a clock or a database: the same facts give the same advice.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.fact import DEFINITIONS, Facts
from turnout.insight.advise.figures import dollars, fact_words, percent, written
from turnout.insight.advise.prices import Pair
from turnout.insight.advise.reckoning import Outlook, completed, outlook
from turnout.insight.advise.table import EFFORTS, SITUATIONS, SMALL, Approach, Bound, Situation


class Verdict(StrEnum):
    """Whether to route at all, from the least to the most."""

    UNKNOWN = "unknown"
    NOT_NEEDED = "not needed"
    WORTH_IT = "worth it"
    REQUIRED = "required"


class Finding(NamedTuple):
    """What the facts say of a row of the table.

    Attributes:
        situation: the row.
        holds: whether it does; None where a figure is missing.
        sure: whether the figures' intervals say the same from end to end.
        because: the figures, in words.
        missing: the figures that are not known and would have to be.
    """

    situation: Situation
    holds: bool | None
    sure: bool
    because: str
    missing: tuple[str, ...]


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """An approach, as far as it goes here.

    Attributes:
        approach: which.
        title: what it is called.
        reasons: why it should be taken, a sentence each.
        against: why it should not.
        outlook: what it would come to; None where too little is known.
        needed: whether it is asked for whatever it saves.
    """

    approach: Approach
    title: str
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    outlook: Outlook | None
    needed: bool


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to do.

    Attributes:
        verdict: whether to route.
        recommended: the approach to take.
        on_top: a fallback chain across providers, where it goes on top of that.
        runners_up: the others that the table names or that would pay, the best first.
        declined: what would lose money or what nothing speaks for.
        findings: every row of the table.
        facts: the facts, with what follows from them.
        remarks: what does not follow from what was said, with the arithmetic.
    """

    verdict: Verdict
    recommended: Option
    on_top: tuple[Option, ...]
    runners_up: tuple[Option, ...]
    declined: tuple[Option, ...]
    findings: tuple[Finding, ...]
    facts: Facts
    remarks: tuple[str, ...]

    @property
    def approaches(self) -> tuple[Approach, ...]:
        """What is recommended, and what goes on top of it."""
        return (self.recommended.approach, *(each.approach for each in self.on_top))

    @property
    def title(self) -> str:
        """The same in words."""
        return self.recommended.title + "".join(f", and a {each.title} on top" for each in self.on_top)


_BASES: Final = (Approach.RULES, Approach.COST_AWARE, Approach.CASCADE, Approach.CLASSIFIER, Approach.WEIGHED)


def advise(facts: Facts, taken: Assumptions, pair: Pair) -> Advice:
    """What to do, given the facts."""
    facts = completed(facts, taken, pair)
    findings = tuple(_finding(row, facts) for row in SITUATIONS)
    held = [each for each in findings if each.holds]
    small = (facts.value("tokens_per_day") or 0) < SMALL
    bases = [_option(approach, held, facts, taken, small=small) for approach in _BASES]
    taken_up = sorted((each for each in bases if each.needed or _pays(each, small=small)), key=_rank)
    fallback = _option(Approach.FALLBACK, held, facts, taken, small=small)
    plain = _plain(held, facts, taken, bases)
    if not taken_up and _required(held):
        taken_up = [each for each in bases if each.approach is Approach.RULES]
    recommended = taken_up[0] if taken_up else fallback if fallback.needed else plain
    on_top = (fallback,) if fallback.needed and recommended is not fallback else ()
    left = [each for each in bases if each is not recommended]
    named = [*taken_up[1:], *(each for each in left if each.reasons and each not in taken_up and not _loses(each))]
    if recommended is not plain:
        named.append(plain)
    return Advice(
        verdict=_verdict(held, recommended, facts),
        recommended=recommended,
        on_top=on_top,
        runners_up=tuple(named),
        declined=tuple(each for each in left if each not in named),
        findings=findings,
        facts=facts,
        remarks=tuple(_remarks(facts, recommended)),
    )


def _finding(row: Situation, facts: Facts) -> Finding:
    results = {bound: bound.holds(facts.value(bound.fact)) for bound in row.tests}
    missing = tuple(bound.fact for bound, result in results.items() if result is None)
    holds = False if False in results.values() else None if missing else True
    sure = all(_sure(bound, facts) for bound in row.tests)
    told = ", and ".join(_told(bound, facts) for bound, result in results.items() if result is not None)
    return Finding(row, holds, sure, told, missing)


def _sure(bound: Bound, facts: Facts) -> bool:
    fact = facts.get(bound.fact)
    return fact is None or bound.holds(fact.least) == bound.holds(fact.value) == bound.holds(fact.most)


def _told(bound: Bound, facts: Facts) -> str:
    title, fact = DEFINITIONS[bound.fact].title, facts.get(bound.fact)
    if fact is None:
        return f"{title}: unknown"
    return f"{title}: {fact_words(bound.fact, fact)}"


def asked_for(bound: Bound) -> str:
    """What a bound asks for, in words."""
    unit = DEFINITIONS[bound.fact].unit
    if bound.unknown:
        return "unknown"
    if unit == "yes":
        return "yes"
    words = (("at least", bound.least), ("at most", bound.most), ("below", bound.below), ("above", bound.above))
    return ", ".join(f"{word} {written(edge, unit)}" for word, edge in words if edge is not None)


def _option(approach: Approach, held: Sequence[Finding], facts: Facts, taken: Assumptions, *, small: bool) -> Option:
    rows = [each for each in held if each.situation.approach is approach]
    reasons = [_reason(each) for each in rows]
    found = outlook(approach, facts, taken)
    own = [each.situation.says for each in rows if each.situation.drive != "volume"]
    title = "; ".join(dict.fromkeys(own)) or EFFORTS[approach].title
    return Option(
        approach=approach,
        title=title,
        reasons=tuple(reasons),
        against=tuple(_against(approach, found, taken, small=small)),
        outlook=found,
        needed=any(each.situation.drive == "need" for each in rows),
    )


def _reason(finding: Finding) -> str:
    words = finding.situation.words
    doubt = "" if finding.sure else " (its interval reaches across the bound)"
    return f"{words[0].upper()}{words[1:]}: {finding.because}{doubt}."


def _against(approach: Approach, found: Outlook | None, taken: Assumptions, *, small: bool) -> list[str]:
    if approach is Approach.FALLBACK:
        return []
    if found is None:
        return ["What it would save cannot be told: too little is known."]
    told = []
    if found.saved.value <= 0:
        told.append(f"It would lose money: {dollars(-found.saved.value)} a month more than today.")
    elif found.net.value <= 0:
        told.append(f"What it saves does not pay for its setup and upkeep within {taken.months} months.")
    elif found.net.low <= 0:
        told.append("At the lower end of the interval it would not pay.")
    if small:
        told.append("There are fewer than 10 M tokens a day.")
    return told


def _plain(held: Sequence[Finding], facts: Facts, taken: Assumptions, bases: Sequence[Option]) -> Option:
    """No routing at all, observed where nothing is known yet."""
    observe = any(each.situation.approach is Approach.OBSERVE for each in held)
    approach = Approach.OBSERVE if observe else Approach.SINGLE
    reasons = [_reason(each) for each in held if each.situation.approach is approach]
    if not any(each.outlook and each.outlook.net.value > 0 for each in bases) and not observe:
        reasons.append("Nothing that is known says that anything else would pay.")
    return Option(
        approach=approach,
        title="single model + observability" if observe else EFFORTS[approach].title,
        reasons=tuple(reasons),
        against=(),
        outlook=outlook(approach, facts, taken),
        needed=False,
    )


def _pays(option: Option, *, small: bool) -> bool:
    return not small and bool(option.reasons) and option.outlook is not None and option.outlook.net.value > 0


def _loses(option: Option) -> bool:
    return option.outlook is not None and option.outlook.saved.value <= 0


def _rank(option: Option) -> tuple[bool, float]:
    """What is needed stands first, and of two the one that leaves more."""
    return not option.needed, -(option.outlook.net.value if option.outlook else float("-inf"))


def _verdict(held: Sequence[Finding], recommended: Option, facts: Facts) -> Verdict:
    if _required(held):
        return Verdict.REQUIRED
    if recommended.approach in _BASES:
        return Verdict.WORTH_IT
    return Verdict.UNKNOWN if facts.get("tokens_per_day") is None else Verdict.NOT_NEEDED


def _required(held: Sequence[Finding]) -> bool:
    return any(each.situation.drive == "volume" for each in held)


def _remarks(facts: Facts, recommended: Option) -> list[str]:
    claimed, ratio, share = (facts.value(name) for name in ("claimed_saving", "cheap_cost", "cheaper_share"))
    if claimed is None or ratio is None:
        return []
    most = 1 - ratio
    lines = [f"With every request on the cheaper target the saving is 100 % − {percent(ratio)} = {percent(most)}."]
    if share is not None:
        lines.append(
            f"With just the {percent(share)} that it serves well: {percent(share)} × {percent(most)} = "
            f"{percent(share * most)}, if they were recognised for nothing."
        )
    bound = most if share is None else share * most
    follows = "does not follow" if claimed > bound else "is possible"
    there = recommended.outlook
    here = there.saved.value / there.now.value if there and there.now.value else 0.0
    lines.append(f"So the {percent(claimed)} that were claimed: that {follows}; here it would be {percent(here)}.")
    return lines
