"""An evaluation as it is kept for the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from turnout.cli.evaluate import words
from turnout.cli.evaluate.page import plot
from turnout.insight.evaluate.evaluation import Evaluation
from turnout.insight.evaluate.verdict import Assumed, Verdict
from turnout.insight.what_if import Lines, Result, Table
from turnout.types.clock import timestamp


def as_result(found: Evaluation, told: Sequence[Verdict], assumed: Assumed) -> Result:
    """What an evaluation found."""
    columns = words.columns(found)
    everybody = Table(
        title="Everybody",
        columns=columns,
        rows=tuple(words.rows(found, words.from_to)),
        numbers=tuple(range(1, len(columns) - 1)),
        strong=tuple(place for place, each in enumerate(found.standings) if each.efficient),
    )
    return Result(
        kind="evaluation",
        of=tuple(each.name for each in found.policies),
        made=timestamp(datetime.now(UTC)),
        sentences=tuple(words.sentences(told)) or (words.about(found),),
        tables=(everybody,),
        lines=(Lines("What this rests on", (words.about(found), *words.assumptions(found, assumed, told))),),
        plot=plot(found),
    )
