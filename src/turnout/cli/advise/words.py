"""How advice reads: the same in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from turnout.insight.advise.advice import Advice, Option, Verdict, asked_for
from turnout.insight.advise.assumptions import MEANINGS, Assumptions, Range
from turnout.insight.advise.change import Change
from turnout.insight.advise.fact import DEFINITIONS
from turnout.insight.advise.figures import dollars, fact_words, percent, quantity, written
from turnout.insight.advise.prices import Pair, Priced
from turnout.insight.advise.reckoning import Interval, Setup
from turnout.insight.advise.table import EFFORTS, Approach

_HEADS: Final = {
    Verdict.UNKNOWN: "Not yet: nobody knows the traffic.",
    Verdict.NOT_NEEDED: "Don't route.",
    Verdict.WORTH_IT: "Route.",
    Verdict.REQUIRED: "Routing is required.",
}
NONE: Final = "–"
_SHARES: Final = ("growth", "input_share", "judge_cost")


def headline(advice: Advice) -> str:
    """The answer in a line."""
    option = advice.recommended
    head = _HEADS[advice.verdict]
    if any(each.situation.drive == "volume" and each.holds and not each.sure for each in advice.findings):
        head = "Routing is probably required."
    if advice.verdict is Verdict.NOT_NEEDED and option.approach is Approach.FALLBACK:
        head = "Don't route by content."
    return f"{head} Recommended: {advice.title}."


def story(advice: Advice) -> list[str]:
    """Why that is recommended, what it would come to, and what speaks against it."""
    taken = (advice.recommended, *advice.on_top)
    return [line for option in taken for line in (*option.reasons, *money(option), *option.against)]


def facts(advice: Advice) -> list[tuple[str, str, str]]:
    """What is known: the figure's name, its value, where it is from."""
    return [
        (DEFINITIONS[name].title, fact_words(name, fact), f"{fact.origin}: {fact.how}" if fact.how else fact.origin)
        for name in DEFINITIONS
        if (fact := advice.facts.get(name)) is not None
    ]


def unknown(advice: Advice) -> list[tuple[str, str, str]]:
    """What is not known: the name to answer it by, the figure's name, and what it decides."""
    return [(name, DEFINITIONS[name].title, DEFINITIONS[name].why) for name in advice.facts.unknown]


def money(option: Option) -> list[str]:
    """What an approach would come to, a line each."""
    found = option.outlook
    if found is None:
        return []
    lines = [f"Now {about(found.now)} a month; with it {about(found.then)}: it saves {about(found.saved)}."]
    if option.approach in {Approach.SINGLE, Approach.OBSERVE, Approach.FALLBACK}:
        lines = [f"The models cost {about(found.now)} a month, now and then."]
        if found.saved.value:
            lines.append(f"Hours of outage that it bridges are worth {about(found.saved)} a month.")
    elif found.later[1] != found.now.value:
        lines.append(
            f"With growth, in the end: {dollars(found.later[0])} a month instead of {dollars(found.later[1])}."
        )
    if found.at_risk.value:
        low, value, high = (percent(each) for each in found.at_risk)
        lines.append(f"Quality at risk: {value} ({low} to {high}) of the requests.")
    return [*lines, *found.arithmetic]


def effort(option: Option) -> list[tuple[str, str, str, str]]:
    """What an approach takes: how, setup, upkeep a month, payback; built by oneself, and with turnout in place."""
    row, found = EFFORTS[option.approach], option.outlook
    built = (row.weeks, row.upkeep) if row.built.most else ("nothing to build", "none")
    placed = f"{row.placed.least:g}–{row.placed.most:g} days"
    kept = f"{row.kept:g} days"
    if found is None:
        return [("self-built", built[0], built[1], NONE), ("with turnout", placed, kept, NONE)]
    return [
        (
            "self-built",
            _costed(built[0], found.built.usd),
            _costed(built[1], found.built.upkeep_usd),
            _payback(found.built),
        ),
        (
            "with turnout",
            _costed(placed, found.placed.usd),
            _costed(kept, found.placed.upkeep_usd),
            _payback(found.placed),
        ),
    ]


def _costed(what: str, usd: float) -> str:
    return f"{what}, {dollars(usd)}" if usd else what


def _payback(setup: Setup) -> str:
    return "never, by savings" if setup.payback_months is None else f"{setup.payback_months:.1f} months"


def table(advice: Advice) -> list[tuple[str, str, str, str]]:
    """Every row of the decision table: situation, approach, whether it holds, and by which figures."""
    return [
        (
            each.situation.words,
            each.situation.says,
            {True: "yes", False: "no", None: "unknown"}[each.holds] + ("" if each.sure or not each.holds else "?"),
            each.because if each.holds is not None else f"not known: {', '.join(each.missing)}",
        )
        for each in advice.findings
    ]


def compared(advice: Advice) -> Iterator[tuple[str, str, str, str]]:
    """The other approaches: title, what they would save a month, their payback, and why (not)."""
    for option in (*advice.runners_up, *advice.declined):
        found = option.outlook
        risk = f"Quality at risk: {percent(found.at_risk.value)}." if found and found.at_risk.value else ""
        reasons = option.reasons or ("No row of the decision table asks for it.",)
        why = " ".join(filter(None, (*reasons, *option.against, risk)))
        yield (
            option.title,
            NONE if found is None else dollars(found.saved.value),
            NONE if found is None or not found.saved.value else _payback(found.placed),
            why,
        )


def loses(advice: Advice) -> list[str]:
    """The arithmetic against a cascade, where it would lose money."""
    others = (*advice.runners_up, *advice.declined)
    found = next((each.outlook for each in others if each.approach is Approach.CASCADE), None)
    return ["Don't cascade.", *found.arithmetic] if found and found.saved.value <= 0 else []


def change(each: Change) -> str:
    """A change of mind, in a sentence."""
    title, value = DEFINITIONS[each.fact].title, written(each.value, DEFINITIONS[each.fact].unit)
    if each.rises is None:
        return f"{title}: not known; if {value}, then {each.title} ({each.fact}={value.replace(' ', '')})."
    edge = "if" if DEFINITIONS[each.fact].unit == "yes" else "from" if each.rises else "down to"
    return f"{title}: {edge} {value}, then {each.title}."


def assumptions(taken: Assumptions, pair: Pair) -> list[tuple[str, str, str]]:
    """Every assumption: name, value, meaning."""
    rows = [(name, _assumed(name, value), MEANINGS[name]) for name, value in msgspec.structs.asdict(taken).items()]
    return [
        ("strong", _price(pair.strong), "what answers without routing"),
        ("cheap", _price(pair.cheap), "the cheaper target"),
        *rows,
    ]


def _price(model: Priced) -> str:
    price = model.price
    told = f"${price.input} in, ${price.output} out a million tokens"
    return f"{model.name}: {told} ({price.version})" if model.model else f"{told} ({price.version})"


def _assumed(name: str, value: float | Range) -> str:
    if isinstance(value, Range):
        return f"{percent(value.value)} ({percent(value.low)} to {percent(value.high)})"
    return percent(value) if name in _SHARES else dollars(value) if name == "day_rate" else quantity(value)


def about(figure: Interval) -> str:
    """`$1,200 ($900 to $1,500)`."""
    low, value, high = (dollars(each) for each in figure)
    return value if low == value == high else f"{value} ({low} to {high})"


def asks(advice: Advice) -> list[tuple[str, str]]:
    """What every row of the table asks for, in figures."""
    return [
        (each.situation.words, "; ".join(f"{DEFINITIONS[b.fact].title} {asked_for(b)}" for b in each.situation.tests))
        for each in advice.findings
    ]
