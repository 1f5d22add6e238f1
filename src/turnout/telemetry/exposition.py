"""The metrics of all processes, as Prometheus reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import Metric as Shown
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from turnout.telemetry.cells import Labels
from turnout.telemetry.shared import Counted
from turnout.telemetry.table import BUILD, CONFIG, METRICS, Metric

Sums = dict[str, dict[Labels, list[float]]]

_INFO: Final = frozenset({BUILD.name, CONFIG.name})
"""Their labels say it all: a series that nobody has any more is not shown."""


def exposition(counted: Iterable[Counted], accept: str) -> tuple[bytes, str]:
    """What a scrape gets.

    Args:
        counted: what each process has counted.
        accept: the scraper's header: which of Prometheus's formats it understands.

    Returns:
        The text and its content type.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(summed(counted)))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def summed(counted: Iterable[Counted]) -> Sums:
    """The numbers of all processes, added; gauges only of those that live."""
    sizes = {metric.name: metric.cells for metric in METRICS}
    gauges = {metric.name for metric in METRICS if metric.kind == "gauge"}
    sums: Sums = defaultdict(dict)
    for process in counted:
        for name, labels, first in process.series:
            if name in gauges and not process.alive:
                continue
            values = process.values[first : first + sizes[name]]
            so_far = sums[name].get(labels)
            sums[name][labels] = [a + b for a, b in zip(so_far, values, strict=True)] if so_far else list(values)
    return sums


class _Counted(Collector):
    """What was counted, in the terms of prometheus_client."""

    def __init__(self, sums: Sums) -> None:
        self._sums = sums

    def collect(self) -> Iterator[Shown]:
        for metric in METRICS:
            yield _shown(metric, self._sums.get(metric.name, {}))


def _shown(metric: Metric, series: dict[Labels, list[float]]) -> Shown:
    if not series and not metric.labels:
        series = {(): [0.0] * metric.cells}
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, values in series.items():
            histogram.add_metric(labels, _cumulated(metric, values), sum_value=values[-1])
        return histogram
    if metric.kind == "counter":
        counter = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, (value,) in series.items():
            counter.add_metric(labels, value * metric.scale)
        return counter
    gauge = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, (value,) in series.items():
        if value or metric.name not in _INFO:
            gauge.add_metric(labels, value)
    return gauge


def _cumulated(metric: Metric, values: Sequence[float]) -> list[tuple[str, float]]:
    bounds = [*map(repr, metric.buckets), "+Inf"]
    return list(zip(bounds, accumulate(values[:-1]), strict=True))
