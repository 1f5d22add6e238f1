"""What a replay found, in words that the terminal and the page share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from turnout.cli.report.figures import share, signed_percent
from turnout.insight.amount_words import milliseconds, usd
from turnout.insight.latency import Quantiles
from turnout.insight.replay.result import Changed, Changes, Money, Moved, Range, Replayed
from turnout.insight.replay.run import CACHED, NO_ROUTE, UNRECORDED

NOBODY: Final = "nobody"
_ANY: Final = "any"
_SKIPPED: Final = {
    CACHED: "an answer of before was given again",
    UNRECORDED: "no policy decided them, or what it read is not in the record",
    NO_ROUTE: "there is no route of that name any more: their callers would get an error",
}
_UNKNOWN: Final = {
    "list": "a phrase list asks for phrases that nobody looked for then, and the text was not kept or is gone "
    "(give the configuration of then by --current, or keep texts: privacy.mode)",
    "judgement": "an answer would be judged that nobody judged then",
    "text": "a classifier reads the text, which was not kept or is gone",
    "header": "a rule asks for a header of the caller, which no record has",
    "budget": "a policy asks how a budget stands, of which records have not all",
    "language": "a rule asks for the language, which was not identified then",
}


class Figure(NamedTuple):
    """A line: what it is of, before, after, and how much changes."""

    name: str
    before: str
    after: str
    change: str = ""


def headline(found: Replayed) -> str:
    """What was replayed."""
    total, skipped = found.total, sum(found.skipped.values())
    told = f"{found.decisions:,} decisions, {total.requests:,} of them decided again; no model was called"
    return told + (f". {skipped:,} were left as they are." if skipped else ".")


def figures(changes: Changes) -> list[Figure]:
    """Before and after."""
    cost, latency, of = changes.cost, changes.latency, changes.requests
    return [
        Figure("requests", f"{of:,}", f"{changes.changed:,} go another way", share(changes.changed, of)),
        Figure("cost", usd(cost.before), money(cost), _less(cost)),
        Figure("latency, half", milliseconds(latency.before.p50), waited(latency.low, latency.high, lambda q: q.p50)),
        Figure("latency, 95 %", milliseconds(latency.before.p95), waited(latency.low, latency.high, lambda q: q.p95)),
        Figure("escalated", share(changes.escalated, of), rate(changes.escalated_after, of)),
        Figure("fell back", share(changes.fell_back, of), rate(changes.fell_back_after, of)),
        Figure("without an answer", share(changes.unanswered, of), rate(changes.unanswered_after, of)),
    ]


def money(cost: Money) -> str:
    """`$9.80 ($9.61 to $10.02)`; without a likely amount, the bounds alone."""
    if usd(cost.low) == usd(cost.high):
        return usd(cost.low if cost.likely is None else cost.likely)
    bounds = f"{usd(cost.low)} to {usd(cost.high)}"
    return bounds if cost.likely is None else f"{usd(cost.likely)} ({bounds})"


def waited(low: Quantiles, high: Quantiles, pick: Callable[[Quantiles], float | None]) -> str:
    """`640 ms`, `2.8 s to 3.3 s`, `2.8 s or more`."""
    least, most = pick(low), pick(high)
    if least is None:
        return _ANY
    if most is None:
        return f"{milliseconds(least)} or more"
    return milliseconds(least) if least == most else f"{milliseconds(least)} to {milliseconds(most)}"


def rate(number: Range, of: int) -> str:
    """`1.2 %`, `1.2 % to 4.0 %`."""
    if number.low == number.high:
        return share(number.low, of)
    return f"{share(number.low, of)} to {share(number.high, of)}"


def destination(move: Moved) -> str:
    """Where a move leads."""
    told = " or ".join(name or NOBODY for name in move.after)
    return f"{told}, by another way" if move.after == (move.before,) else told


def way(path: tuple[str, ...]) -> str:
    """The targets that are called, in order."""
    return " → ".join(path) or NOBODY


def ways(example: Changed) -> str:
    """Where an example goes."""
    return " or ".join(map(way, example.after))


def why(example: Changed) -> str:
    """Which rules decided, and because of what."""
    rules = ""
    if example.rule_before != example.rule_after:
        rules = f"{example.rule_before or 'no rule'} → {example.rule_after or 'no rule'}"
    elif example.rule_after:
        rules = example.rule_after
    return ": ".join(filter(None, (rules, example.because)))


def example_cost(example: Changed) -> str:
    """`$0.0031 → $0.0009`."""
    if example.cost_usd is None:
        return "its price is unknown"
    after = usd(example.low_usd)
    after = after if example.low_usd == example.high_usd else f"{after} to {usd(example.high_usd)}"
    return f"{usd(example.cost_usd)} → {after}"


def silences(found: Replayed) -> list[str]:
    """The rules that never decide, and the routes that nobody asked for."""
    told = [f"{each.route}: {each.rule}" for each in found.silent]
    return told + [f"{route}: no request in this period" for route in found.idle]


def limits(found: Replayed) -> list[str]:
    """What the ledger cannot know, and what is foreseen on which ground."""
    told = [f"{number:,} left as they are: {_SKIPPED[why]}." for why, number in found.skipped.items()]
    told += [
        f"{number:,} may go several ways, and are counted by the best and the worst: {_UNKNOWN.get(what, what)}."
        for what, number in found.unknown.items()
    ]
    if found.total.cost.unpriced:
        told.append(f"{found.total.cost.unpriced:,} are in no cost, before or after: a price is unknown.")
    told += map(_foreseen, found.foreseen)
    if found.foreseen:
        told.append(
            "What was never called is foreseen: it costs the recorded tokens at its price (bounds: its own usual "
            "length), nothing of them cached; it takes as long as its recorded calls; it fails no more often."
        )
    return told


def _foreseen(known: object) -> str:
    target, predicted, calls, failed = (getattr(known, name) for name in ("target", "predicted", "calls", "failed"))
    foreseen = f"{predicted:,} calls of {target} are foreseen" if predicted != 1 else f"1 call of {target} is foreseen"
    if not calls:
        unknown = "its latency and failures may be any, its answers half or twice as long"
        return f"{foreseen}, which has no recorded call: {unknown}."
    return f"{foreseen}; of its {calls:,} recorded ones {share(failed, calls)} failed."


def _less(cost: Money) -> str:
    if not cost.before:
        return ""
    low, high = (signed_percent((each - cost.before) / cost.before) for each in (cost.low, cost.high))
    if cost.likely is not None:
        return signed_percent((cost.likely - cost.before) / cost.before)
    return low if low == high else f"{low} to {high}"
