"""Watches whether the traffic has moved away from what a calibration was fitted on."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from typing import Final

from turnout.confidence.numbers import numpy
from turnout.confidence.shift import Window, drift

_LATEST: Final = 500
"""Answers that are compared with the calibration's."""
_FEWEST: Final = 100
_EVERY: Final = 25
"""How many answers pass between two comparisons."""


class ShiftWatch:
    """The latest answers' signals and features beside those of a calibration. For one thread."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._counts = {name: [0] * len(each.shares) for name, each in window.histograms.items()}
        self._latest: deque[dict[str, int]] = deque()
        self._since = 0
        self.shifted: tuple[str, ...] = ()
        """The inputs that have moved, the furthest first."""

    def note(self, values: Mapping[str, float]) -> None:
        """An answer with these signals and features was judged; what could not be read of it is missing."""
        places = {
            name: bisect_right(each.edges, values[name])
            for name, each in self._window.histograms.items()
            if not math.isnan(values.get(name, math.nan))
        }
        self._latest.append(places)
        self._count(places, 1)
        if len(self._latest) > _LATEST:
            self._count(self._latest.popleft(), -1)
        self._since += 1
        if self._since >= _EVERY and len(self._latest) >= _FEWEST:
            self._since = 0
            counts = {name: numpy().array(each, dtype=float) for name, each in self._counts.items()}
            self.shifted = tuple(drift(self._window, counts).shifted)

    def _count(self, places: Mapping[str, int], by: int) -> None:
        for name, place in places.items():
            self._counts[name][place] += by
