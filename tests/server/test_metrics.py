"""`GET /metrics` of a gateway of two processes, under load: what is scraped equals what is recorded."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import GatewayProcess, gateway_process, wait_for
from tests.telemetry.happenings import Samples, samples, total, value
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision, fell_back

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  small: {{provider: chat, model: "fault:tokens(5)", price: {{input: 1, output: 2}}}}
  large: {{provider: chat, model: "fault:tokens(9)", price: {{input: 3, output: 7}}}}
  broken: {{provider: chat, model: "fault:status(400)", price: {{input: 1, output: 2}}}}
  down: {{provider: chat, model: "fault:status(500)", price: {{input: 1, output: 2}}}}
routes:
  plain: {{policy: small, baseline: large}}
  rescued: {{policy: [down, small], baseline: large}}
  hopeless: {{policy: down}}
  refused: {{policy: broken}}
"""
MODELS = ("plain", "rescued", "hopeless", "refused", "large", "nobody-knows-this")
CALLERS, EACH = 6, 18


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    directory = tmp_path_factory.mktemp("metrics")
    with gateway_process(CONFIG.format(provider=provider), directory, "--workers", "2") as gateway:
        yield gateway


def ask(gateway: GatewayProcess, path: str, body: object = None, **headers: str) -> tuple[int, bytes, str]:
    """One request on a connection of its own, so that either worker may get it."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        method, raw = ("GET", None) if body is None else ("POST", json.dumps(body))
        connection.request(method, path, raw, {"connection": "close", **headers})
        response = connection.getresponse()
        return response.status, response.read(), response.headers["content-type"]
    finally:
        connection.close()


def scraped(gateway: GatewayProcess) -> Samples:
    status, body, _ = ask(gateway, "/metrics")
    assert status == 200
    return samples(body.decode())


def recorded(data: Path) -> list[Decision]:
    from turnout.insight.query import Filter, decisions

    store = SqliteStore(database_file(data))
    try:
        return list(decisions(store, Filter()))
    finally:
        store.close()


def load(gateway: GatewayProcess) -> None:
    def call(seed: int) -> None:
        for number in range(EACH):
            model = MODELS[(seed + number) % len(MODELS)]
            body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": number % 2 == 0}
            ask(gateway, "/v1/chat/completions", body)

    callers = [threading.Thread(target=call, args=(seed,)) for seed in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()


def differences(found: Samples, decisions: list[Decision]) -> list[str]:
    """Every sum of the ledger that the scraped counters do not equal."""
    attempts = [attempt for decision in decisions for attempt in decision.attempts]
    known = {*MODELS, "small", "broken", "down"} - {"nobody-knows-this"}
    expected: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()

    def expect(name: str, amount: float = 1.0, **labels: str) -> None:
        expected[name, tuple(labels.items())] += amount  # type: ignore[assignment]

    for decision in decisions:
        route = decision.route if decision.route in known else "other"
        expect("requests", route=route, target=decision.target or "", outcome=decision.outcome)
        expect("fallbacks", fell_back(decision), route=route)
        expect("tenant_cost_usd", float((decision.cost_usd or 0) * 10**12), tenant="default")
        if decision.baseline_cost_usd is not None:
            expect("baseline_cost_usd", float(decision.baseline_cost_usd * 10**12), route=route)
    for attempt in attempts:
        expect("attempts", target=attempt.target, outcome=attempt.outcome, error=attempt.error_class or "")
        expect("tokens", attempt.input_tokens, target=attempt.target, kind="input")
        expect("tokens", attempt.output_tokens, target=attempt.target, kind="output")
        expect("cost_usd", float((attempt.cost_usd or 0) * 10**12), target=attempt.target)
    return [
        f"{name} {labels}: scraped {sum_}, recorded {amount}"
        for (name, labels), amount in expected.items()
        if (sum_ := total(found, f"turnout_{name}_total", **dict(labels)) * (1e12 if "usd" in name else 1))
        != pytest.approx(amount, rel=1e-12)
    ]


def test_counters_of_two_workers_equal_the_ledger(gateway: GatewayProcess) -> None:
    assert len(gateway.workers()) == 2
    while_loading: list[float] = []
    loading = threading.Thread(target=load, args=(gateway,))
    loading.start()
    while loading.is_alive():
        while_loading.append(total(scraped(gateway), "turnout_requests_total"))
    assert while_loading[-1] <= CALLERS * EACH
    wait_for(lambda: len(recorded(gateway.data)) == CALLERS * EACH, 30)
    decisions = recorded(gateway.data)
    wait_for(lambda: not any(differences(scraped(gateway), decisions) for _ in range(4)), 30)
    found = scraped(gateway)
    assert total(found, "turnout_requests_total") == CALLERS * EACH
    assert value(found, "turnout_request_duration_seconds_count", route="other") == CALLERS * EACH / len(MODELS)
    assert value(found, "turnout_processes") == 2
    assert value(found, "turnout_requests_in_flight") == 0
    wait_for(lambda: value(scraped(gateway), "turnout_ledger_behind_bytes") == 0, 30)
    assert value(found, "turnout_breaker_open", target="small") == 0
    assert value(found, "turnout_breaker_open", target="down") >= 1
    assert total(found, "turnout_breaker_transitions_total", target="down", state="open") >= 1
    assert "nobody-knows-this" not in str(found)


def test_a_request_that_never_became_a_decision_is_counted_as_turned_away(gateway: GatewayProcess) -> None:
    before = total(scraped(gateway), "turnout_turned_away_total", error="invalid_request")
    assert ask(gateway, "/v1/chat/completions", {"messages": []})[0] == 400
    wait_for(lambda: total(scraped(gateway), "turnout_turned_away_total", error="invalid_request") == before + 1)


def test_a_scraper_gets_the_format_that_it_asks_for(gateway: GatewayProcess) -> None:
    _, plain, kind = ask(gateway, "/metrics")
    assert kind.startswith("text/plain; version=")
    assert b"# TYPE turnout_requests_total counter" in plain
    _, open_metrics, kind = ask(gateway, "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert open_metrics.endswith(b"# EOF\n")


def test_a_request_that_a_proxy_relayed_gets_no_metrics(gateway: GatewayProcess) -> None:
    status, body, _ = ask(gateway, "/metrics", **{"x-forwarded-for": "192.0.2.7"})
    assert status == 403
    assert b"admin_keys" in body
