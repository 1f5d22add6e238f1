"""Advice as it is kept for the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from turnout.cli.advise import words
from turnout.cli.advise.page import tables
from turnout.insight.advise.advice import Advice
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.change import Change
from turnout.insight.advise.prices import Pair
from turnout.insight.what_if import Lines, Result, Table
from turnout.types.clock import timestamp


def as_result(advice: Advice, changed: Sequence[Change], taken: Assumptions, pair: Pair) -> Result:
    """What is advised, and what it rests on."""
    remarks = (*words.loses(advice), *advice.remarks)
    changes = tuple(words.change(each) for each in changed) or ("Nothing by itself.",)
    return Result(
        kind="advice",
        of=(advice.facts.source,),
        made=timestamp(datetime.now(UTC)),
        sentences=(words.headline(advice), *words.story(advice)),
        tables=tuple(
            Table(title=title, columns=columns, rows=tuple(rows))
            for title, columns, rows in tables(advice, taken, pair)
        ),
        lines=(*((Lines("Remarks", remarks),) if remarks else ()), Lines("What would change the answer", changes)),
    )
