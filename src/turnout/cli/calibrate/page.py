"""What was calibrated as one self-contained page: no script, no font, no request to anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jinja2

from turnout.cli.calibrate import words
from turnout.insight.aims import Point
from turnout.insight.calibrate import Calibrated

WIDTH, HEIGHT = 330, 200


class Curve(NamedTuple):
    """A curve, in its drawing's own units.

    Attributes:
        title, across, up: what it shows.
        points: its corners, as SVG has them.
        x, y: where the chosen threshold lies.
        left, right: what the ends of the lower axis mean.
        top: what its upper end means.
    """

    title: str
    across: str
    up: str
    points: str
    x: float
    y: float
    left: str
    right: str
    top: str


def as_page(found: Calibrated, route: str) -> str:
    """The page as HTML."""
    loader = jinja2.PackageLoader("turnout.cli.calibrate", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    shown: dict[str, Any] = {
        "found": found,
        "route": route,
        "figures": words.figures(found, found.calibration.quality.labels),
        "caveats": words.caveats(found),
        "curves": curves(found),
        "width": WIDTH,
        "height": HEIGHT,
    }
    return environment.get_template("calibrate.html").render(shown)


def curves(found: Calibrated) -> list[Curve]:
    """Risk over coverage; and quality over cost, where both are known."""
    kept = [point for point in found.curve if point.kept]
    drawn = [_curve(kept, found.chosen, "Risk and coverage", ("kept", _kept), ("wrong of the kept", _error))]
    priced = [point for point in found.curve if point.cost_usd is not None and point.quality is not None]
    if priced:
        across, up = ("USD of a request", _cost), ("acceptable in all", _quality)
        drawn.append(_curve(priced, found.chosen, "Quality and cost", across, up))
    return [curve for curve in drawn if curve is not None]


Axis = tuple[str, Callable[[Point], float]]


def _curve(points: list[Point], chosen: Point, title: str, across: Axis, up: Axis) -> Curve | None:
    (across_name, x_of), (up_name, y_of) = across, up
    if len(points) < 2:
        return None
    xs, ys = sorted(map(x_of, points)), sorted(map(y_of, points))
    wide, high = (xs[-1] - xs[0]) or 1.0, (ys[-1] - ys[0]) or 1.0

    def place(point: Point) -> tuple[float, float]:
        return WIDTH * (x_of(point) - xs[0]) / wide, HEIGHT * (1 - (y_of(point) - ys[0]) / high)

    x, y = place(chosen)
    tell = words.usd_of if across_name.startswith("USD") else words.percent
    return Curve(
        title=title,
        across=across_name,
        up=up_name,
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points)),
        x=min(max(x, 0.0), WIDTH),
        y=min(max(y, 0.0), HEIGHT),
        left=tell(xs[0]),
        right=tell(xs[-1]),
        top=words.percent(ys[-1], 1),
    )


def _kept(point: Point) -> float:
    return point.kept


def _error(point: Point) -> float:
    return point.error


def _cost(point: Point) -> float:
    return point.cost_usd or 0.0


def _quality(point: Point) -> float:
    return point.quality or 0.0
