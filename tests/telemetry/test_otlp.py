"""Decisions as spans and metrics at a collector that listens on a real socket, or at none."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.ledger import samples
from turnout.config.load import load_config
from turnout.errors import ConfigError
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.sync import SyncRouter
from turnout.telemetry import otlp
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision
from turnout.types.request import Caller

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  down: {{provider: chat, model: "fault:status(500)", price: {{input: 1, output: 2}}}}
  small: {{provider: chat, model: "fault:tokens(5)", price: {{input: 1, output: 2}}}}
routes:
  support: {{policy: [down, small]}}
telemetry: {{otlp: {otlp}}}
"""
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HELLO: Any = [{"role": "user", "content": "what nobody else may read"}]


@dataclass
class Collector:
    """An OpenTelemetry collector's socket, and what came through it."""

    url: str = ""
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/traces"]
        return [span for each in requests for of in each.resource_spans for in_ in of.scope_spans for span in in_.spans]

    def metrics(self) -> dict[str, Any]:
        requests = [ExportMetricsServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/metrics"]
        return {
            metric.name: metric
            for each in requests
            for of in each.resource_metrics
            for in_ in of.scope_metrics
            for metric in in_.metrics
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()

    class Receiving(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            found.keys.add(self.headers["x-key"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiving)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


def asked(config: str, directory: Path, **headers: str) -> Decision:
    """One request of a router that is opened for it, and its record."""
    file = directory / "turnout.yaml"
    file.write_text(config, encoding="utf-8")
    with SyncRouter.from_config(file, data=directory / "data", env={}) as router:
        answer = router.chat(route="support", messages=HELLO, caller=Caller(user="u-1842", headers=headers))
    store = SqliteStore(database_file(directory / "data"))
    found = store.read(answer.decision.id)
    assert found is not None
    return found


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


def test_a_decision_is_a_span_under_the_callers_with_its_attempts_as_children(
    provider: HostedFaultProvider, collector: Collector, tmp_path: Path
) -> None:
    config = CONFIG.format(provider=provider, otlp=f'{{endpoint: "{collector.url}", headers: {{x-key: k}}}}')
    decision = asked(config, tmp_path, traceparent=f"00-{TRACE}-{PARENT}-01")
    assert decision.traceparent == f"00-{TRACE}-{PARENT}-01"
    root, *children = sorted(
        collector.spans(), key=lambda span: (span.kind != Span.SPAN_KIND_SERVER, span.start_time_unix_nano)
    )
    assert (root.name, root.trace_id.hex(), root.parent_span_id.hex()) == ("route support", TRACE, PARENT)
    assert attributes(root)["turnout.decision"] == decision.id
    assert attributes(root)["turnout.cost_usd"] == float(decision.cost_usd or 0)
    assert root.end_time_unix_nano - root.start_time_unix_nano == round(decision.latency_ms * 1_000_000)
    assert len(children) == len(decision.attempts) > 1
    for span, attempt in zip(children, decision.attempts, strict=True):
        told = attributes(span)
        assert (span.parent_span_id, span.trace_id) == (root.span_id, root.trace_id)
        assert (told["turnout.target"], told["gen_ai.provider.name"]) == (attempt.target, "chat")
        assert told["gen_ai.usage.output_tokens"] == attempt.output_tokens
        assert span.end_time_unix_nano - span.start_time_unix_nano == round(attempt.latency_ms * 1_000_000)
    assert children[-1].name == "chat fault:tokens(5)"
    assert attributes(children[0])["error.type"] == decision.attempts[0].error_class
    assert children[0].status.code != children[-1].status.code
    assert collector.keys == {"k"}
    everything = b"".join(body for _, body in collector.bodies)
    assert b"nobody else" not in everything
    assert b"u-1842" not in everything


def test_the_metrics_have_the_names_of_the_conventions(
    provider: HostedFaultProvider, collector: Collector, tmp_path: Path
) -> None:
    config = CONFIG.format(provider=provider, otlp=f'{{endpoint: "{collector.url}", traces: false}}')
    decision = asked(config.replace("[down, small]", "[small, down]"), tmp_path)  # streamed: another may follow
    assert collector.spans() == []
    found = collector.metrics()
    assert {
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.time_to_first_chunk",
        "turnout.cost",
    } <= set(found)
    durations = found["gen_ai.client.operation.duration"].histogram.data_points
    assert sum(point.count for point in durations) == len(decision.attempts)
    tokens = found["gen_ai.client.token.usage"].histogram.data_points
    assert sum(point.sum for point in tokens) == sum(one.input_tokens + one.output_tokens for one in decision.attempts)


def test_a_collector_that_is_gone_costs_the_request_nothing(provider: HostedFaultProvider, tmp_path: Path) -> None:
    decision = asked(CONFIG.format(provider=provider, otlp='{endpoint: "http://127.0.0.1:1"}'), tmp_path)
    assert decision.outcome == "answered"


def test_what_waits_for_a_collector_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = otlp.OpenTelemetry(otlp.Otlp(endpoint="http://127.0.0.1:1", traces=False, metrics=False))
    exporter._stop.set()
    exporter._thread.join()
    for _ in range(otlp.MOST_WAITING + 10):
        exporter.observe(samples.a_decision())
    assert len(exporter._waiting) == otlp.MOST_WAITING
    exporter.close()


@pytest.mark.parametrize("odd", ["", "00-abc-def-01", "ff-" + TRACE + "-" + PARENT + "-01", "x" * 10_000])
def test_a_span_that_cannot_be_understood_is_not_recorded(
    provider: HostedFaultProvider, tmp_path: Path, odd: str
) -> None:
    assert (
        asked(
            CONFIG.format(provider=provider, otlp="null").replace("{otlp: null}", "{}"), tmp_path, traceparent=odd
        ).traceparent
        is None
    )


def test_the_environment_may_name_the_collector(tmp_path: Path) -> None:
    names = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert otlp.asked_for_by(names)
    assert not otlp.asked_for_by({**names, "OTEL_SDK_DISABLED": "true"})
    assert not otlp.asked_for_by({})


WITHOUT = """
import sys
sys.modules["opentelemetry"] = None
from turnout.config.load import load_config
from turnout.config.observing import exporter_of
from turnout.errors import MissingExtra
loaded = load_config(sys.argv[1], {})
if sys.argv[2] == "named":
    assert exporter_of(loaded, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) is None
else:
    try:
        exporter_of(loaded, {})
    except MissingExtra as error:
        print(error)
"""


@pytest.mark.parametrize("who", ["named", "configured"])
def test_without_the_extra_the_configuration_is_refused_and_the_environment_is_told(
    provider: HostedFaultProvider, tmp_path: Path, who: str
) -> None:
    file = tmp_path / "turnout.yaml"
    config = CONFIG.format(provider=provider, otlp="{}")
    file.write_text(config.replace("{otlp: {}}", "{}") if who == "named" else config, encoding="utf-8")
    ran = subprocess.run([sys.executable, "-c", WITHOUT, file, who], capture_output=True, text=True, check=True)
    assert "pip install 'turnout[telemetry]'" in ran.stdout + ran.stderr


def test_an_endpoint_that_is_no_address_is_refused(provider: HostedFaultProvider, tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text(CONFIG.format(provider=provider, otlp="{endpoint: collector}"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"telemetry\.otlp\.endpoint: not an address"):
        load_config(file, {})
