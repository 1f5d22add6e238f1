"""A target that one gateway has found to be down is left alone by all that share its state."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes import GatewayProcess, gateway_process, wait_for
from tests.valkeys import valkey_server
from turnout.testing import HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  one: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: k}}
targets:
  down: {{provider: one, model: "fault:status(500)"}}
  well: {{provider: one, model: "fault:tokens(3)"}}
routes:
  ask: {{policy: [down, well]}}
state: {state}
"""


@pytest.fixture
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


def ask(gateway: GatewayProcess) -> None:
    """One request on a connection of its own, so that any worker may get it."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    body = json.dumps({"model": "ask", "messages": [{"role": "user", "content": "Hi"}]})
    connection.request("POST", "/v1/chat/completions", body, {"connection": "close"})
    response = connection.getresponse()
    assert (response.status, bool(response.read())) == (200, True)
    connection.close()


def calls_of_down(provider: HostedFaultProvider) -> int:
    return sum(request.body["model"] == "fault:status(500)" for request in provider.requests)


def known(gateway: GatewayProcess) -> int:
    """How often a process of the gateway has said that the breaker is open."""
    return gateway.said.count("target down: breaker open")


def test_gateways_on_one_valkey_know_of_a_trip_within_seconds(provider: HostedFaultProvider, tmp_path: Path) -> None:
    with ExitStack() as running, valkey_server() as server:
        state = f'{{store: valkey, url: "redis://127.0.0.1:{server.port}/0"}}'
        config = CONFIG.format(provider=provider, state=state)
        first, second = (running.enter_context(gateway_process(config, tmp_path / str(place))) for place in range(2))
        for _ in range(5):
            ask(first)
        wait_for(lambda: known(second) == 1, 30)
        assert "(seen by gateway-" in second.said
        before = calls_of_down(provider)
        for _ in range(5):
            ask(second)
        assert calls_of_down(provider) <= before + 1, "but for one probe"


def test_workers_of_one_gateway_know_of_a_trip_within_seconds(provider: HostedFaultProvider, tmp_path: Path) -> None:
    config = CONFIG.format(provider=provider, state="{}")
    with gateway_process(config, tmp_path, "--workers", "2") as gateway:
        while not known(gateway):
            ask(gateway)
        wait_for(lambda: known(gateway) == 2, 30)
        before = calls_of_down(provider)
        for _ in range(12):
            ask(gateway)
        assert calls_of_down(provider) <= before + 1, "but for one probe"
