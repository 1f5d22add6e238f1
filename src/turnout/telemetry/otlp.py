"""Hands decisions to OpenTelemetry: off the path of the request, and never at its expense."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from turnout.errors import MissingExtra
from turnout.telemetry.spans import DecisionSpans, GenAiMetrics
from turnout.types.decision import Decision
from turnout.types.events import Configured, Event

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

MOST_WAITING: Final = 10_000
"""Decisions that wait to be exported; with more, the oldest are given up."""
_NAME: Final = "turnout"
_LOOK_S: Final = 0.5
_LAST_WORDS_S: Final = 3.0
_ENDPOINTS: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Otlp:
    """Where to, by OTLP over HTTP. What is not said is as the variables `OTEL_*` say.

    Attributes:
        endpoint: the collector's address, without `/v1/traces`; None for the environment's.
        headers: sent along; for a collector that wants a key.
        traces, metrics: what is exported.
        version: turnout's own.
    """

    endpoint: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    traces: bool = True
    metrics: bool = True
    version: str = ""


def asked_for_by(env: Mapping[str, str]) -> bool:
    """Whether the environment names a collector, in OpenTelemetry's own variables."""
    return env.get("OTEL_SDK_DISABLED", "").lower() != "true" and any(env.get(name) for name in _ENDPOINTS)


class OpenTelemetry:
    """An observer whose decisions become spans and metrics, in a thread of its own.

    Observing is putting into a queue that has an end: a collector that is slow or gone costs what it would have been
    told, and nothing else.

    Args:
        otlp: where to.

    Raises:
        MissingExtra: the extra `telemetry` is not installed.
    """

    def __init__(self, otlp: Otlp) -> None:
        self._waiting: deque[Decision] = deque(maxlen=MOST_WAITING)
        self._stop = threading.Event()
        self._providers: list[TracerProvider | MeterProvider] = []
        try:
            self._spans = _spans(otlp, self._providers) if otlp.traces else None
            self._metrics = _metrics(otlp, self._providers) if otlp.metrics else None
        except ImportError as error:
            raise MissingExtra("Exporting by OTLP", "telemetry") from error
        self._configured: Configured | None = None
        self._thread = threading.Thread(target=self._run, name="turnout-otlp", daemon=True)
        self._thread.start()

    def observe(self, event: Event) -> None:
        """See `Observer.observe`."""
        if isinstance(event, Decision):
            self._waiting.append(event)
        elif isinstance(event, Configured):
            self._configured = event

    def close(self) -> None:
        """Export what waits, for a few seconds at most."""
        self._stop.set()
        self._thread.join(_LAST_WORDS_S)
        ending = threading.Thread(target=self._shut_down, daemon=True)
        ending.start()
        ending.join(_LAST_WORDS_S)

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_S):
            self._hand_over()
        self._hand_over()

    def _hand_over(self) -> None:
        configured = self._configured
        while self._waiting:
            decision = self._waiting.popleft()
            if self._spans is not None:
                self._spans.configured = configured
                self._spans.emit(decision)
            if self._metrics is not None:
                self._metrics.record(decision, configured)

    def _shut_down(self) -> None:
        for provider in self._providers:
            provider.shutdown()


def _spans(otlp: Otlp, opened: list[TracerProvider | MeterProvider]) -> DecisionSpans:
    """What makes and exports spans; what is to be shut down is added to `opened`."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint=_endpoint(otlp, "traces"), headers=dict(otlp.headers) or None)
    provider = TracerProvider(resource=_resource(otlp), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    opened.append(provider)
    return DecisionSpans(provider.get_tracer(_NAME, otlp.version))


def _metrics(otlp: Otlp, opened: list[TracerProvider | MeterProvider]) -> GenAiMetrics:
    """What makes and exports metrics; what is to be shut down is added to `opened`."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = OTLPMetricExporter(endpoint=_endpoint(otlp, "metrics"), headers=dict(otlp.headers) or None)
    provider = MeterProvider(
        [PeriodicExportingMetricReader(exporter)], resource=_resource(otlp), shutdown_on_exit=False
    )
    opened.append(provider)
    return GenAiMetrics(provider.get_meter(_NAME, otlp.version))


def _endpoint(otlp: Otlp, signal: str) -> str | None:
    return f"{otlp.endpoint.rstrip('/')}/v1/{signal}" if otlp.endpoint else None


def _resource(otlp: Otlp) -> Resource:
    """Who tells: by the environment's name if it has one."""
    from opentelemetry.sdk.resources import Resource

    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({"service.version": otlp.version, **({} if named else {"service.name": _NAME})})
