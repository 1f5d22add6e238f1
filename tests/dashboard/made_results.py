"""A result as `turnout evaluate --save` keeps it, with what somebody hostile might have named things."""

from __future__ import annotations

from typing import Final

from turnout.insight.what_if import Lines, Plot, Point, Result, Table

_HOSTILE: Final = "\"><img src=x onerror=alert(1)></script><script>alert(2)</script>'{{ 7 * 7 }}"


def _point(name: str, kind: str, x: float, y: float) -> Point:
    return Point(name=name, kind=kind, x=x, y=y, left=x - 10, right=x + 10, low=y + 12, high=y - 12)


EVALUATED: Final = Result(
    kind="evaluation",
    of=("rules", "classifier"),
    made="2026-03-01T09:30:00.000Z",
    sentences=("No measurable gain over the rules: keep the rules.",),
    tables=(
        Table(
            title="Everybody",
            columns=("", "quality, %", "answered by"),
            rows=(("rules (baseline)", "81.2 (79.9 to 82.4)", "cheap 60 %"), (_HOSTILE, "82.0 (80.1 to 83.9)", "–")),
            numbers=(1,),
            strong=(0,),
        ),
    ),
    lines=(Lines("What this rests on", ("600 judged requests.",)),),
    plot=Plot(
        width=640,
        height=320,
        points=(
            _point("rules (baseline)", "baseline", 100, 200),
            _point("classifier", "policy", 300, 120),
            _point("always strong", "target", 580, 60),
            _point("strong-first", "policy", 582, 60),
        ),
        front="100.0,200.0 300.0,120.0 580.0,60.0",
        left="$0.1",
        right="$0.5",
        bottom="70.0 %",
        top="90.0 %",
    ),
)
