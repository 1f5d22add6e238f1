"""`turnout drill` against a gateway of two workers under real traffic."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.processes import GatewayProcess, gateway_process, wait_for
from turnout.insight.query import Filter, decisions
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision

KEY = "the-key-of-an-admin-of-the-test"
CONFIG = """
providers:
  first:  {{dialect: openai, base_url: "{first}", api_key: key-1}}
  second: {{dialect: openai, base_url: "{second}", api_key: key-2}}
targets:
  primary:   {{provider: first, model: primary-model, price: {{input: 1, output: 2}}}}
  neighbour: {{provider: first, model: neighbour-model, price: {{input: 1, output: 2}}}}
  secondary: {{provider: second, model: secondary-model, price: {{input: 2, output: 4}}}}
routes:
  assistant: {{policy: [primary, secondary]}}
  aside: {{policy: [neighbour, secondary]}}
  alone: {{policy: {{rules: [{{name: all, use: neighbour}}]}}}}
server: {{admin_keys: [{{name: ops, key: {key}, role: admin}}]}}
"""


@dataclass
class Traffic:
    """Callers of both routes, in turn, until they are stopped."""

    port: int
    answers: list[tuple[int, str]] = field(default_factory=list)

    def ask(self, route: str) -> None:
        body = json.dumps({"model": route, "messages": [{"role": "user", "content": "Hi"}]})
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        said = answer["choices"][0]["message"]["content"] if response.status == 200 else str(answer)
        self.answers.append((response.status, said))

    @contextmanager
    def flowing(self) -> Iterator[None]:
        stopped = threading.Event()

        def ask_on() -> None:
            while not stopped.is_set():
                self.ask("assistant")
                self.ask("aside")
                stopped.wait(0.05)

        threads = [threading.Thread(target=ask_on) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopped.set()
            for thread in threads:
                thread.join()


@dataclass
class Scene:
    gateway: GatewayProcess
    first: HostedFaultProvider

    def drill(self, *arguments: str) -> subprocess.Popen[str]:
        where = ["--url", self.gateway.url, "--data", str(self.gateway.data), "--key", KEY]
        command = [sys.executable, "-m", "turnout.cli", "drill", *arguments, *where]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def running(self) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)) as connection:
            connection.request("GET", "/admin/drill", headers={"x-api-key": KEY})
            return json.loads(connection.getresponse().read())["drill"]

    def decisions(self) -> list[Decision]:
        store = SqliteStore(database_file(self.gateway.data))
        return list(decisions(store, Filter()))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running_fault_provider(seed=1) as first, running_fault_provider(seed=2) as second:
        config = CONFIG.format(first=first.openai_base_url, second=second.openai_base_url, key=KEY)
        with gateway_process(config, tmp_path_factory.mktemp("drilled"), "--workers", "2") as gateway:
            yield Scene(gateway, first)


def ended(drill: subprocess.Popen[str], within_s: float = 50) -> tuple[int, Any]:
    out, err = drill.communicate(timeout=within_s)
    assert not err, err
    return drill.returncode, json.loads(out)


def test_a_drill_is_survived_measured_and_touches_nobody_else(scene: Scene) -> None:
    traffic = Traffic(scene.gateway.port)
    with traffic.flowing():
        wait_for(lambda: len(traffic.answers) > 20)
        status, verdict = ended(scene.drill("primary", "--for", "2s", "--settle", "1s", "--json"))
    assert status == 0
    assert set(traffic.answers) == {(200, HEALTHY_TEXT)}
    assert (verdict["during"]["availability"], verdict["strayed"]) == (1.0, 0)
    assert verdict["drilled_attempts"] >= 2
    assert verdict["answered_by"]["secondary"] >= 5
    assert 0 <= verdict["first_fallback_s"] < 2
    assert verdict["breaker_opened_s"] is not None
    assert float(verdict["detour_usd"]) > 0
    wait_for(lambda: len(scene.decisions()) >= len(traffic.answers))
    attempts = [attempt for each in scene.decisions() for attempt in each.attempts]
    assert {attempt.target for attempt in attempts if attempt.drilled} == {"primary"}
    assert {attempt.outcome for attempt in attempts if attempt.target == "neighbour"} == {"answered"}
    asked = [seen for seen in scene.first.requests if seen.body["model"] == "primary-model"]
    assert len(asked) == sum(attempt.target == "primary" and not attempt.drilled for attempt in attempts)


def test_a_drill_whose_command_is_killed_ends_by_itself(scene: Scene) -> None:
    drill = scene.drill("neighbour", "--for", "2s", "--force", "--json")
    wait_for(scene.running, 30)
    drill.kill()
    drill.communicate()
    assert scene.running()["targets"] == ["neighbour"]
    wait_for(lambda: scene.running() is None)
    Traffic(scene.gateway.port).ask("alone")


def test_whoever_would_be_left_alone_is_named_and_spared(scene: Scene) -> None:
    _, err = scene.drill("neighbour").communicate(timeout=50)
    assert "Requests to alone would have nobody left to answer them" in err
    assert scene.running() is None
    _, err = scene.drill("neighbor").communicate(timeout=50)
    assert "There is no target or provider 'neighbor'. There are: first, neighbour" in err


@pytest.mark.slow
def test_after_a_drill_the_target_is_back_as_soon_as_its_breaker_lets_it(scene: Scene) -> None:
    traffic = Traffic(scene.gateway.port)
    with traffic.flowing():
        time.sleep(5)
        status, verdict = ended(scene.drill("first", "--mode", "brown-out", "--for", "20s", "--json", "--force"), 90)
    assert (status, verdict["during"]["availability"]) == (0, 1.0)
    assert verdict["drill"]["targets"] == ["primary", "neighbour"]
    assert verdict["recovered_s"] < 12
