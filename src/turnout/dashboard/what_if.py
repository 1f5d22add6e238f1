"""What if: what other configurations would have come to, as replays and evaluations found and somebody kept."""

from __future__ import annotations

from typing import Final, NamedTuple

from starlette.requests import Request

from turnout.dashboard.house import House
from turnout.dashboard.rendering import Page
from turnout.insight.what_if import Plot, kept, kept_as

_NEAR: Final = 16
"""Points that are no further apart than this, in a plot's units, share a label."""


class Label(NamedTuple):
    """Where the names of points stand that lie on one another."""

    x: float
    y: float
    names: tuple[str, ...]


def show(house: House, _request: Request) -> Page:
    """Everything that is kept, the newest first."""
    found = kept(house.router.data)
    tried = [each for each in found.results if each.kind != "advice"]
    return Page("what_if.html", {"results": tried, "unreadable": found.unreadable})


def show_advice(house: House, _request: Request) -> Page:
    """The advice that was kept last, and the names of those before it."""
    found = [each for each in kept(house.router.data).results if each.kind == "advice"]
    if not found:
        return Page("advice.html", {})
    return Page("result.html", {"result": found[0], "labels": [], "others": [each.name for each in found[1:]]})


def show_one(house: House, request: Request) -> Page:
    """One result."""
    found = kept_as(house.router.data, request.path_params["name"])
    if found is None:
        told = "It was never saved under this name, was removed, or cannot be read."
        return Page("trouble.html", {"title": "There is no such result", "text": told}, 404)
    return Page("result.html", {"result": found, "labels": labels(found.plot) if found.plot else [], "others": []})


def labels(plot: Plot) -> list[Label]:
    """The names of all points, each legible."""
    placed: list[Label] = []
    for point in plot.points:
        near = (at for at, each in enumerate(placed) if abs(each.x - point.x) + abs(each.y - point.y) <= _NEAR)
        at = next(near, None)
        if at is None:
            placed.append(Label(point.x, point.y, (point.name,)))
        else:
            placed[at] = placed[at]._replace(names=(*placed[at].names, point.name))
    return placed
