"""A decision as OpenTelemetry sees it: a span, its attempts as child spans, and the GenAI metrics.

Names follow OpenTelemetry's semantic conventions for generative AI; what they have no word for is under `turnout.`.
Neither user nor tags, hashes or any text goes out: only names of the configuration, models, counts, times and amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from turnout.types.decision import Attempt, Decision
from turnout.types.dialect import DialectName
from turnout.types.events import Configured

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer

_PROVIDERS: Final[Mapping[str, str]] = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""Well-known names that differ from ours."""
_OPERATION: Final = "gen_ai.operation.name"


class DecisionSpans:
    """Turns decisions into spans, with the times that they truly had.

    Attributes:
        configured: which names belong together; None before it is known.
    """

    def __init__(self, tracer: Tracer) -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.configured: Configured | None = None
        self._tracer = tracer
        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()

    def emit(self, decision: Decision) -> None:
        """Make the decision's span, under the caller's if it named one, and its attempts'."""
        began = _nanoseconds(decision.time)
        span = self._tracer.start_span(
            f"route {decision.route}",
            context=self._callers(decision),
            kind=self._trace.SpanKind.SERVER,
            attributes=_present(_of_decision(decision)),
            start_time=began,
        )
        if decision.outcome in {"failed", "partial", "interrupted"}:
            self._fail(span, decision.error)
        within = self._trace.set_span_in_context(span)
        for attempt in decision.attempts:
            self._attempt(decision, attempt, within)
        span.end(began + _duration(decision.latency_ms))

    def _attempt(self, decision: Decision, attempt: Attempt, within: Context) -> None:
        began = _nanoseconds(attempt.started)
        told = {**attempt_labels(decision, attempt, self.configured), **_of_attempt(attempt)}
        span = self._tracer.start_span(
            f"{told[_OPERATION]} {told['gen_ai.request.model']}",
            context=within,
            kind=self._trace.SpanKind.CLIENT,
            attributes=_present(told),
            start_time=began,
        )
        if attempt.first_token_ms is not None:
            span.add_event("first token", timestamp=began + _duration(attempt.first_token_ms))
        if attempt.outcome == "failed":
            self._fail(span, attempt.error_class)
        span.end(began + _duration(attempt.latency_ms))

    def _fail(self, span: Span, why: str | None) -> None:
        span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, why))

    def _callers(self, decision: Decision) -> Context:
        """The span that the caller named, or none."""
        return self._propagator.extract({"traceparent": decision.traceparent} if decision.traceparent else {})


class GenAiMetrics:
    """The conventions' histograms of calls to models."""

    def __init__(self, meter: Meter) -> None:
        from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

        self._duration = gen_ai_metrics.create_gen_ai_client_operation_duration(meter)
        self._tokens = gen_ai_metrics.create_gen_ai_client_token_usage(meter)
        self._first = gen_ai_metrics.create_gen_ai_client_operation_time_to_first_chunk(meter)
        self._cost = meter.create_counter("turnout.cost", "USD", "What attempts cost.")

    def record(self, decision: Decision, configured: Configured | None) -> None:
        """Count the decision's attempts."""
        for attempt in decision.attempts:
            labels = _present(attempt_labels(decision, attempt, configured))
            if attempt.error_class:
                labels["error.type"] = attempt.error_class
            self._duration.record(attempt.latency_ms / 1000, labels)
            if attempt.first_token_ms is not None:
                self._first.record(attempt.first_token_ms / 1000, labels)
            self._tokens.record(attempt.input_tokens, {**labels, "gen_ai.token.type": "input"})
            self._tokens.record(attempt.output_tokens, {**labels, "gen_ai.token.type": "output"})
            if attempt.cost_usd:
                self._cost.add(float(attempt.cost_usd), labels)


def attempt_labels(decision: Decision, attempt: Attempt, configured: Configured | None) -> dict[str, Any]:
    """What an attempt's span and its metrics share. The model asked for is the target's, or the caller's own."""
    provider = configured.providers.get(attempt.target) if configured else None
    model = configured.models.get(attempt.target) if configured else None
    return {
        _OPERATION: _operation(decision),
        "gen_ai.provider.name": _PROVIDERS.get(provider, provider) if provider else None,
        "gen_ai.request.model": model or decision.model,
        "gen_ai.response.model": attempt.model,
        "turnout.target": attempt.target,
    }


def _operation(decision: Decision) -> str:
    return "embeddings" if decision.dialect == DialectName.OPENAI_EMBEDDINGS else "chat"


def _of_decision(decision: Decision) -> dict[str, Any]:
    return {
        _OPERATION: _operation(decision),
        "gen_ai.request.model": decision.model,
        "gen_ai.request.stream": decision.stream,
        "error.type": decision.error,
        "turnout.decision": decision.id,
        "turnout.route": decision.route,
        "turnout.rule": decision.rule,
        "turnout.reason": decision.reason,
        "turnout.target": decision.target,
        "turnout.tenant": decision.tenant,
        "turnout.outcome": decision.outcome,
        "turnout.attempts": len(decision.attempts),
        "turnout.overhead_ms": decision.overhead_ms,
        "turnout.cost_usd": _amount(decision.cost_usd),
        "turnout.baseline_cost_usd": _amount(decision.baseline_cost_usd),
    }


def _of_attempt(attempt: Attempt) -> dict[str, Any]:
    first = attempt.first_token_ms
    return {
        "gen_ai.response.finish_reasons": [attempt.finish] if attempt.finish else None,
        "gen_ai.response.time_to_first_chunk": None if first is None else first / 1000,
        "gen_ai.usage.input_tokens": attempt.input_tokens,
        "gen_ai.usage.output_tokens": attempt.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": attempt.cached_tokens,
        "http.response.status_code": attempt.status,
        "error.type": attempt.error_class,
        "turnout.purpose": attempt.purpose,
        "turnout.outcome": attempt.outcome,
        "turnout.cost_usd": _amount(attempt.cost_usd),
    }


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _amount(usd: Any) -> float | None:
    return None if usd is None else float(usd)


def _nanoseconds(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000) * 1_000_000


def _duration(milliseconds: float) -> int:
    return round(milliseconds * 1_000_000)
