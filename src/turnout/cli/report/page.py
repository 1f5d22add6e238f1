"""A report as one self-contained page: no script, no font, no request to anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import jinja2

from turnout.cli.report import figures
from turnout.insight.amount_words import milliseconds, usd
from turnout.insight.report import Report
from turnout.insight.sums import Summary

WIDTH: Final = 720
HEIGHT: Final = 180
_GAP: Final = 0.25
"""The share of a step's width that is left between two bars."""
_MOST_LINES: Final = 50


class Bar(NamedTuple):
    """A step of the chart, in the chart's own units.

    Attributes:
        x, width: where it stands.
        spend, baseline: the heights.
        name: the step's name.
        told: what a reader of the screen hears.
        labelled: whether its name is written under it.
    """

    x: float
    width: float
    spend: float
    baseline: float
    name: str
    told: str
    labelled: bool


def as_page(report: Report, due: Sequence[str] = ()) -> str:
    """The page as HTML."""
    loader = jinja2.PackageLoader("turnout.cli.report", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {"usd": usd, "ms": milliseconds, "tokens": figures.tokens}
    shown: dict[str, Any] = {
        "report": report,
        "due": due,
        "figures": figures,
        "lines": report.lines[:_MOST_LINES],
        "bars": chart(report.steps, report),
        "width": WIDTH,
        "height": HEIGHT,
        "most": _most(report.steps),
    }
    return environment.get_template("report.html").render(shown)


def chart(steps: dict[datetime, Summary], report: Report) -> list[Bar]:
    """The bars of spend and baseline through time."""
    most = _most(steps)
    if not most:
        return []
    slot = WIDTH / len(steps)
    every = max(1, -(-len(steps) // 12))
    return [
        Bar(
            x=place * slot + slot * _GAP / 2,
            width=slot * (1 - _GAP),
            spend=HEIGHT * float(each.cost_usd / most),
            baseline=HEIGHT * float(each.baseline_cost_usd / most),
            name=figures.step_name(report, start),
            told=f"spent {figures.spend(each)}, baseline {usd(each.baseline_cost_usd)}",
            labelled=place % every == 0,
        )
        for place, (start, each) in enumerate(steps.items())
    ]


def _most(steps: dict[datetime, Summary]) -> Decimal:
    return max((max(each.cost_usd, each.baseline_cost_usd) for each in steps.values()), default=Decimal(0))
