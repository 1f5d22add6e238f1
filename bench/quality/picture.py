"""Curves as a small SVG file, readable on a light page and on a dark one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

WIDTH: Final = 640
HEIGHT: Final = 400
_LEFT: Final = 60
_RIGHT: Final = 620
_TOP: Final = 20
_BOTTOM: Final = 340
_COLOURS: Final = ("#0b6e4f", "#c2571a", "#7a7a7a", "#3b5bdb", "#a61e4d")
_QUARTERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def write_curves(file: Path, curves: Mapping[str, Sequence[float]], *, across: str, up: str) -> None:
    """Draw curves over [0, 1], whose values are shares.

    Args:
        file: where to.
        curves: by their names, points at equal distances.
        across: what the horizontal axis is.
        up: what the vertical axis is.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/><g font-family="sans-serif" font-size="13">',
        *(_grid(share) for share in _QUARTERS),
        f'<text x="{(_LEFT + _RIGHT) // 2}" y="{_BOTTOM + 44}" text-anchor="middle">{across}</text>',
        f'<text transform="translate(16 {(_TOP + _BOTTOM) // 2}) rotate(-90)" text-anchor="middle">{up}</text>',
    ]
    for place, ((name, points), colour) in enumerate(zip(curves.items(), _COLOURS, strict=False)):
        drawn = " ".join(f"{_x(at / (len(points) - 1)):.0f},{_y(value):.1f}" for at, value in enumerate(points))
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = _BOTTOM - 14 - 20 * (len(curves) - 1 - place)
        parts.append(f'<text x="{_RIGHT - 8}" y="{y}" text-anchor="end" fill="{colour}">{name}</text>')
    file.write_text("\n".join([*parts, "</g></svg>"]) + "\n", encoding="utf-8")


def _grid(share: float) -> str:
    x, y = _x(share), _y(share)
    lines = f"M{x:.0f} {_TOP}V{_BOTTOM}M{_LEFT} {y:.0f}H{_RIGHT}"
    return (
        f'<path d="{lines}" stroke="#dddddd"/>'
        f'<text x="{x:.0f}" y="{_BOTTOM + 20}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{share:.0%}</text>'
    )


def _x(share: float) -> float:
    return _LEFT + share * (_RIGHT - _LEFT)


def _y(share: float) -> float:
    return _BOTTOM - min(share, 1.0) * (_BOTTOM - _TOP)
