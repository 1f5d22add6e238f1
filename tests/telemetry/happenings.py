"""What the tests of telemetry let happen, and how they read what came of it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from turnout.telemetry.exposition import exposition
from turnout.telemetry.metrics import Metrics
from turnout.types.events import Configured

CONFIGURED = Configured(
    version="v1",
    routes=frozenset({"support", "haiku"}),
    providers={"haiku": "anthropic", "sonnet": "anthropic"},
    tenants=frozenset({"default"}),
    first=True,
)

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Every sample of an exposition, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def shown(metrics: Metrics) -> Samples:
    return samples(exposition(metrics.counted(), "")[0].decode())


def value(found: Samples, name: str, **labels: str) -> float:
    """One sample; 0 where there is none."""
    return found.get((name, frozenset(labels.items())), 0.0)


def total(found: Samples, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels, among others."""
    wanted = set(labels.items())
    return sum(value for (each, has), value in found.items() if each == name and wanted <= has)
