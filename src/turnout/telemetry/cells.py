"""The numbers behind the metrics: one flat array, so that counting is an addition and sharing is a write."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from turnout.telemetry.table import METRICS, Metric

Labels = tuple[str, ...]


class Series(NamedTuple):
    """Where a series has its numbers.

    Attributes:
        metric: the metric's name.
        labels: the values of its labels.
        first: the first of its cells.
    """

    metric: str
    labels: Labels
    first: int


_series = msgspec.json.Decoder(Series)


class Family:
    """All series of one metric, by their labels. Made by `Cells`, which guards what changes it."""

    __slots__ = ("_buckets", "_cells", "_first", "_metric", "_values")

    def __init__(self, metric: Metric, cells: Cells) -> None:
        self._metric = metric
        self._buckets = metric.buckets
        self._cells = cells
        self._values = cells.values
        self._first: dict[Labels, int] = {}

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        """Count."""
        first = self._first.get(labels)
        self._values[self._new(labels) if first is None else first] += amount

    def put(self, labels: Labels, value: float) -> None:
        """Set a gauge."""
        first = self._first.get(labels)
        self._values[self._new(labels) if first is None else first] = value

    def observe(self, labels: Labels, value: float) -> None:
        """Count a value into its bucket."""
        found = self._first.get(labels)
        first = self._new(labels) if found is None else found
        values, buckets = self._values, self._buckets
        values[first + bisect_left(buckets, value)] += 1.0
        values[first + len(buckets) + 1] += value

    def clear(self) -> None:
        """Set every series of a gauge to 0."""
        for first in self._first.values():
            self._values[first] = 0.0

    def known(self, labels: Labels, first: int) -> None:
        """A series has its numbers there already."""
        self._first[labels] = first

    def _new(self, labels: Labels) -> int:
        first = self._first[labels] = self._cells.allocate(self._metric, labels)
        return first


class Cells:
    """Numbers, and the series that they belong to. For one thread at a time.

    Args:
        series, values: what an earlier process counted, to go on from; its gauges begin at 0.

    Attributes:
        values: the numbers.
        series: every series, in the order of its numbers.
    """

    def __init__(self, series: Iterable[Series] = (), values: array[float] | None = None) -> None:
        self.values = array("d") if values is None else values
        self.series: list[Series] = []
        self._families = {metric.name: Family(metric, self) for metric in METRICS}
        for one in series:
            self.series.append(one)
            self._families[one.metric].known(one.labels, one.first)
        for metric in METRICS:
            if metric.kind == "gauge":
                self._families[metric.name].clear()

    def family(self, metric: Metric) -> Family:
        """The series of one metric."""
        return self._families[metric.name]

    def allocate(self, metric: Metric, labels: Labels) -> int:
        """Room for a new series; its first cell."""
        first = len(self.values)
        self.values.extend([0.0] * metric.cells)
        self.series.append(Series(metric.name, labels, first))
        return first


def encode_series(series: Iterable[Series]) -> bytes:
    """One JSON array to a line."""
    return b"".join(msgspec.json.encode(one) + b"\n" for one in series)


def decode_series(data: bytes) -> list[Series]:
    """What `encode_series` wrote; a last line without its end is left out."""
    return [_series.decode(line) for line in data.split(b"\n")[:-1]]
