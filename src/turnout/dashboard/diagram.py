"""A policy's tree, placed on a plane: boxes in columns by depth, lines as wide as their share of the traffic."""

from __future__ import annotations

from typing import Final, NamedTuple

from turnout.dashboard.policy_tree import Node

_ROW: Final = 58
_BOX: Final = 44
_GAP: Final = 84
_CHAR: Final = 7.1
_NARROWEST: Final = 96
_WIDEST: Final = 400
_WIDEST_LINE: Final = 9.0


class Box(NamedTuple):
    """A box: its node, its place and size in pixels, and its share of the route's requests (0 to 1)."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    share: float


class Line(NamedTuple):
    """A line from one box to another.

    Attributes:
        path: as SVG draws it.
        width: in pixels.
        used: whether any request went along it.
    """

    path: str
    width: float
    used: bool


class Drawing(NamedTuple):
    """Boxes and lines, and the size of the whole in pixels."""

    boxes: list[Box]
    lines: list[Line]
    width: float
    height: float


def draw(tree: Node) -> Drawing:
    """The drawing of a tree."""
    columns: list[float] = []
    _measure(tree, 0, columns)
    starts = [sum(columns[:depth]) + _GAP * depth for depth in range(len(columns))]
    boxes: list[Box] = []
    lines: list[Line] = []
    _Placing(starts, columns, max(1, tree.requests), boxes, lines).place(tree, 0, 0)
    return Drawing(boxes, lines, starts[-1] + columns[-1] + 2, max(box.y + box.height for box in boxes) + 2)


def _measure(node: Node, depth: int, columns: list[float]) -> None:
    text = max(len(node.label) + (2 if node.kind == "route" else 9), len(node.note))
    width = min(_WIDEST, max(_NARROWEST, text * _CHAR + 24))
    if depth == len(columns):
        columns.append(width)
    columns[depth] = max(columns[depth], width)
    for child in node.children:
        _measure(child, depth + 1, columns)


class _Placing(NamedTuple):
    starts: list[float]
    columns: list[float]
    requests: int
    boxes: list[Box]
    lines: list[Line]

    def place(self, node: Node, depth: int, row: int) -> tuple[Box, int]:
        """Place a node and what it leads to, from a row on; its box, and the first row that is free after it."""
        after, children = row, []
        for child in node.children:
            box, after = self.place(child, depth + 1, after)
            children.append(box)
        after = max(after, row + 1)
        y = (children[0].y + children[-1].y) / 2 if children else row * _ROW + 1
        share = node.requests / self.requests
        placed = Box(node, self.starts[depth] + 1, y, self.columns[depth], _BOX, share)
        self.boxes.append(placed)
        self.lines.extend(_line(placed, child) for child in children)
        return placed, after


def _line(start: Box, end: Box) -> Line:
    x1, y1 = start.x + start.width, start.y + start.height / 2
    x2, y2 = end.x, end.y + end.height / 2
    bend = (x1 + x2) / 2
    path = f"M{x1:.1f} {y1:.1f} C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return Line(path, max(1.5, end.share * _WIDEST_LINE), end.node.requests > 0)
