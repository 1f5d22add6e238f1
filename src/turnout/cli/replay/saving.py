"""A replay as it is kept for the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime

from turnout.cli.replay import words
from turnout.cli.report.figures import share
from turnout.insight.amount_words import usd
from turnout.insight.replay.result import Changed, Moved, Replayed
from turnout.insight.what_if import Lines, Result, Table
from turnout.types.clock import timestamp

_MOST_MOVES = 200


def as_result(found: Replayed, config: str, limit: int) -> Result:
    """What a replay found, with so many examples."""
    said = (
        Lines("Rules that never decide", tuple(words.silences(found))),
        Lines("What is not known, and what is foreseen", tuple(words.limits(found))),
    )
    return Result(
        kind="replay",
        of=(config,),
        made=timestamp(datetime.now(UTC)),
        sentences=(words.headline(found), *_in_short(found)),
        tables=tuple(each for each in _tables(found, limit) if each.rows),
        lines=tuple(each for each in said if each.lines),
    )


def _in_short(found: Replayed) -> tuple[str, ...]:
    if not found.total.requests:
        return ()
    if not found.moves:
        return ("Nothing moves: every request goes the way it went.",)
    cost = next(each for each in words.figures(found.total) if each.name == "cost")
    change = f": {cost.change}" if cost.change else ""
    moved = share(found.total.changed, found.total.requests)
    return (f"{moved} go another way; {cost.before} becomes {cost.after}{change}.",)


def _tables(found: Replayed, limit: int) -> tuple[Table, ...]:
    return (
        Table(
            title="Before and after",
            columns=("", "before", "after", "change"),
            rows=tuple(words.figures(found.total)) if found.total.requests else (),
        ),
        Table(
            title="What moves",
            columns=("route", "from", "to", "requests", "of the route", "cost before", "after"),
            rows=tuple(map(_move, found.moves[:_MOST_MOVES])),
            numbers=(3, 4, 5, 6),
        ),
        Table(
            title="For example",
            columns=("decision", "route", "tokens", "from", "to", "cost", "because"),
            rows=tuple(_example(route, each) for route, each in found.examples(limit)),
            numbers=(2,),
        ),
    )


def _move(move: Moved) -> tuple[str, ...]:
    route, before, after = move.route, move.before or words.NOBODY, words.destination(move)
    figures = (f"{move.requests:,}", share(move.share, 1), usd(move.cost.before), words.money(move.cost))
    return (route, before, after, *figures)


def _example(route: str, each: Changed) -> tuple[str, ...]:
    ways = (words.way(each.before), words.ways(each))
    return (each.id[:13], route, f"{each.tokens:,}", *ways, words.example_cost(each), words.why(each))
