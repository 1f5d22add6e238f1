"""An evaluation as one self-contained page: no script, no font, no request to anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jinja2

from turnout.cli.evaluate import words
from turnout.insight.evaluate.evaluation import Evaluation, Standing
from turnout.insight.evaluate.verdict import Assumed, Verdict
from turnout.insight.what_if import Plot, Point

WIDTH, HEIGHT = 640, 320
_ROOM = 0.08


def as_page(found: Evaluation, told: Sequence[Verdict], assumed: Assumed) -> str:
    """The page as HTML."""
    loader = jinja2.PackageLoader("turnout.cli.evaluate", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    shown: dict[str, Any] = {
        "sentences": words.sentences(told),
        "columns": words.columns(found),
        "rows": list(zip(found.standings, words.rows(found, words.from_to), strict=True)),
        "about": words.about(found),
        "assumptions": words.assumptions(found, assumed, told),
        "plot": plot(found),
        "width": WIDTH,
        "height": HEIGHT,
    }
    return environment.get_template("evaluate.html").render(shown)


def plot(found: Evaluation) -> Plot | None:
    """Where everybody stands; None where costs are not known of two or more."""
    priced = [each for each in found.standings if each.cost_usd is not None]
    if len(priced) < 2:
        return None
    costs = [edge for each in priced if each.cost_usd for edge in each.cost_usd]
    qualities = [edge for each in priced for edge in each.quality]
    across, up = _scale(costs, WIDTH), _scale(qualities, HEIGHT)
    points = [_point(each, found, across, up) for each in priced]
    front = sorted((point.x, point.y) for point, each in zip(points, priced, strict=True) if each.efficient)
    return Plot(
        width=WIDTH,
        height=HEIGHT,
        points=tuple(points),
        front=" ".join(f"{x:.1f},{y:.1f}" for x, y in front),
        left=f"${min(costs) * words.THOUSAND:.3g}",
        right=f"${max(costs) * words.THOUSAND:.3g}",
        bottom=f"{min(qualities) * 100:.1f} %",
        top=f"{max(qualities) * 100:.1f} %",
    )


def _scale(values: Sequence[float], length: int) -> Callable[[float], float]:
    """From a figure to its place on an axis, with some room at both ends."""
    low, span = min(values), (max(values) - min(values)) or 1.0
    return lambda value: length * (_ROOM + (1 - 2 * _ROOM) * (value - low) / span)


def _point(each: Standing, found: Evaluation, across: Callable[[float], float], up: Callable[[float], float]) -> Point:
    cost = each.cost_usd or each.quality
    x, left, right = map(across, cost)
    y, low, high = (HEIGHT - up(edge) for edge in each.quality)
    kind = "baseline" if each.name == found.baseline else each.kind
    name = words.title(each, found)
    return Point(name=name, kind=kind, x=x, y=y, left=left, right=right, low=low, high=high)
