"""How an evaluation reads: the same in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from turnout.insight.evaluate.bootstrap import Interval
from turnout.insight.evaluate.evaluation import Evaluation, Standing
from turnout.insight.evaluate.verdict import Assumed, Verdict, worth_of

NONE: Final = "–"
THOUSAND: Final = 1_000
COLUMNS: Final = ("", "quality, %", "over {base}", "USD for 1,000", "seconds", "escalated", "answered by")
_SHOWN: Final = 2
_DAY_S: Final = 86_400


Shown = Callable[[Interval, int, str], str]


def rows(found: Evaluation, show: Shown) -> list[tuple[str, ...]]:
    """A row for each contender, in the order of `COLUMNS`; `show` writes figures with their intervals."""
    return [
        (
            title(each, found),
            NONE if _untold(each) else show(each.quality.scaled(100), 1, ""),
            NONE if each.over is None or _untold(each) else show(each.over.scaled(100), 1, "+"),
            NONE if each.cost_usd is None else show(each.cost_usd.scaled(THOUSAND), 3, ""),
            NONE if each.latency_ms is None else show(each.latency_ms.scaled(1 / THOUSAND), 2, ""),
            NONE if each.escalated is None or each.kind != "policy" else f"{each.escalated * 100:.0f} %",
            NONE if each.kind == "target" else _answered(each),
        )
        for each in found.standings
    ]


def columns(found: Evaluation) -> tuple[str, ...]:
    """The headings."""
    return tuple(name.format(base=found.baseline) for name in COLUMNS)


def title(standing: Standing, found: Evaluation) -> str:
    """What a contender is called."""
    if standing.kind == "target":
        return f"always {standing.name}"
    return f"{standing.name} (baseline)" if standing.name == found.baseline else standing.name


def sentences(told: Sequence[Verdict]) -> list[str]:
    """The verdicts, each a sentence."""
    return [f"{each.words[0].upper()}{each.words[1:]}." for each in told]


def about(found: Evaluation) -> str:
    """What was scored, and how."""
    how = {
        "direct": "every choice's answer was observed",
        "doubly robust": "estimated from choices whose probability is on record (doubly robust)",
    }[found.how]
    trained = f"; trained on {found.trained:,} earlier ones" if found.trained else ""
    when = f", {found.since[:10]} to {found.until[:10]}" if found.since else ""
    known = found.users < found.requests
    users, drawn = (f" of {found.users:,} users", "users") if known else ("", "requests")
    return (
        f"{found.requests:,} judged requests{users} out of {found.recorded:,}{when}"
        f"{trained}; {how}. Intervals of 95 %, by {drawn} drawn anew."
    )


def assumptions(found: Evaluation, assumed: Assumed, told: Sequence[Verdict]) -> list[str]:
    """What the verdicts rest on that no traffic tells."""
    worth = worth_of(found, assumed)
    lines = [f"A difference of quality matters from {assumed.margin * 100:g} points on (--margin)."]
    if worth is not None:
        why = "--worth" if assumed.worth_usd is not None else "what the dearest target takes for one more; --worth"
        lines.append(f"An acceptable answer is worth ${worth:.3g} ({why}).")
    if any(each.from_requests for each in told):
        lines.append(f"What learns takes ${assumed.upkeep_usd:g} a month to keep up (--upkeep).")
        if found.since:
            lines.append(f"Recorded were about {per_day(found):,.0f} requests a day.")
    lines += [
        f"Of {each.unknown * 100:.1f} % of the requests nothing tells what {title(each, found)} would have come to: "
        "there its quality may be anything from 0 to 100 %."
        for each in found.standings
        if each.unknown > _NEGLIGIBLE
    ]
    return lines


_NEGLIGIBLE: Final = 0.0005


def _untold(standing: Standing) -> bool:
    """Whether next to nothing tells what it would have come to."""
    return standing.unknown > 1 - _NEGLIGIBLE


def per_day(found: Evaluation) -> float:
    """How many of the scored kind of requests were recorded a day."""
    since, until = (datetime.fromisoformat(each) for each in (found.since, found.until))
    days = max((until - since).total_seconds() / _DAY_S, 1.0)
    return found.recorded / days


def from_to(figure: Interval, digits: int, sign: str) -> str:
    """`81.2 (79.9 to 82.4)`."""
    return f"{figure.value:{sign}.{digits}f} ({figure.low:{sign}.{digits}f} to {figure.high:{sign}.{digits}f})"


def about_as(figure: Interval, digits: int, sign: str) -> str:
    """`81.2 ± 1.3`: half of the interval's width."""
    return f"{figure.value:{sign}.{digits}f} ± {figure.half:.{digits}f}"


def _answered(standing: Standing) -> str:
    shown = list(standing.answered.items())[:_SHOWN]
    return ", ".join(f"{name or 'nobody'} {share * 100:.0f} %" for name, share in shown)
