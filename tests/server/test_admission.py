"""Admission as callers meet it: one room for all endpoints of a worker, shared fairly by those who hold keys."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.processes import wait_for
from tests.running import RunningGateway, running_gateway
from turnout.testing import HostedFaultProvider, running_fault_provider

BATCH, CHAT = "key-of-the-batch-programs", "key-of-the-people-who-wait"
CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  model: {{provider: chat, model: the-model, price: {{input: 1, output: 2}}}}
routes:
  assistant: {{policy: model}}
server:
  keys: [{batch}, {chat}]
  limits: {{max_in_flight: 2, max_waiting: 4, max_wait: 30s}}
"""
TURNS: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": TURNS,
    "/v1/messages": {"max_tokens": 5, **TURNS},
    "/v1/responses": {"input": "Hi"},
}
PATHS = tuple(BODIES)


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    config = CONFIG.format(provider=provider, batch=BATCH, chat=CHAT)
    with running_gateway(config, tmp_path_factory.mktemp("admission")) as gateway:
        yield gateway


class Asking:
    """A request under way in a thread of its own."""

    def __init__(self, gateway: RunningGateway, key: str, path: str = PATHS[0]) -> None:
        self.key = key
        self.status = 0
        self.headers: dict[str, str] = {}
        self.ended_at = self.took_s = 0.0
        self._host = gateway.url.removeprefix("http://")
        self._path = path
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def done(self) -> Asking:
        self._thread.join(60)
        return self

    def _ask(self) -> None:
        began = time.monotonic()
        with closing(http.client.HTTPConnection(self._host, timeout=60)) as connection:
            body = json.dumps({"model": "assistant", **BODIES[self._path]}).encode()
            connection.request("POST", self._path, body, {"authorization": f"Bearer {self.key}"})
            response = connection.getresponse()
            response.read()
            self.status = response.status
            self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.ended_at = time.monotonic()
        self.took_s = self.ended_at - began


def test_all_endpoints_share_one_room_and_whoever_has_least_of_it_is_next(
    gateway: RunningGateway, provider: HostedFaultProvider
) -> None:
    provider.use("delay_headers(0.6)")
    before = len(provider.requests)
    batch = [Asking(gateway, BATCH, path) for path in PATHS[:2]]
    wait_for(lambda: len(provider.requests) == before + 2, 30)
    batch += [Asking(gateway, BATCH, PATHS[2]) for _ in range(4)]
    time.sleep(0.3)  # they are in line
    assert len(provider.requests) == before + 2, "two endpoints have filled the room of the third"
    chat = Asking(gateway, CHAT).done()
    for each in batch:
        each.done()
    assert chat.status == 200
    refused = [each for each in batch if each.status in {503, 529}]
    assert len(refused) == 1, "the longest line has made place"
    assert refused[0].headers["x-should-retry"] == "true"
    assert int(refused[0].headers["retry-after"]) >= 1
    later = [each for each in batch if each.status == 200 and each.ended_at > chat.ended_at]
    assert later, "the one who came last of all was served before those in line"
    provider.reset()


def test_health_is_told_whatever_is_under_way(gateway: RunningGateway, provider: HostedFaultProvider) -> None:
    provider.use("delay_headers(0.6)")
    before = len(provider.requests)
    busy = [Asking(gateway, BATCH) for _ in range(8)]
    wait_for(lambda: len(provider.requests) >= before + 2, 30)
    for path in ("/health/live", "/health/ready"):
        with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
            connection.request("GET", path)
            assert connection.getresponse().status == 200
    assert {each.done().status for each in busy} == {200, 503}
    provider.reset()
