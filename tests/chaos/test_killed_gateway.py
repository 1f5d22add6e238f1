"""A gateway that is killed under load: what a caller has received in full is in the record after the restart."""

from __future__ import annotations

import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ports import lasting_port
from turnout.insight.query import Filter, decisions
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  model: {{provider: chat, model: "fault:tokens(20)+drip(2)", price: {{input: 1, output: 2}}}}
routes:
  assistant: {{policy: model}}
"""
CALLERS = 8
END = {False: b"}", True: b"data: [DONE]\n\n"}


@dataclass
class Callers:
    """Callers that note the id of every answer that they have received to its last byte."""

    port: int
    received: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def call_until_over(self, seed: int) -> None:
        draw = random.Random(seed)
        while not self.over.is_set():
            with suppress(OSError, http.client.HTTPException):
                self.call(stream=draw.random() < 0.5)

    def call(self, *, stream: bool) -> None:
        body = {"model": "assistant", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body))
            response = connection.getresponse()
            answer = response.read()
            if response.status == 200 and answer.endswith(END[stream]):
                self.received.add(response.headers["x-turnout-decision"])
        finally:
            connection.close()


@contextmanager
def gateway(config: Path, data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    options = ["--config", str(config), "--data", str(data), "--port", str(port)]
    log = (data.parent / "gateway.log").open("ab")
    child = subprocess.Popen([sys.executable, "-m", "turnout.cli", "serve", *options], stdout=log, stderr=log)
    try:
        wait_until_ready(port)
        yield child
    finally:
        log.close()
        child.kill()
        child.wait()


def wait_until_ready(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        assert time.monotonic() < end, "the gateway did not start"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


def everything(data: Path, wanted: set[str], within_s: float = 10.0) -> dict[str, Decision]:
    """All records by id, once those wanted are there or time is up."""
    store = SqliteStore(database_file(data))
    try:
        end = time.monotonic() + within_s
        while True:
            missing = [each for each in wanted if store.read(each) is None]
            if not missing or time.monotonic() > end:
                break
            time.sleep(0.1)
        ids = [row[0] for row in store.rows("SELECT id FROM decisions")]
        assert len(ids) == len(set(ids))
        return {each: found for each in ids if (found := store.read(each)) is not None}
    finally:
        store.close()


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_no_answer_that_a_caller_has_in_full_is_lost_by_kill_9(
    provider: HostedFaultProvider, tmp_path: Path, rounds: int
) -> None:
    draw = random.Random(rounds)
    config, data, port = tmp_path / "turnout.yaml", tmp_path / "data", lasting_port()
    config.write_text(CONFIG.format(provider=provider), encoding="utf-8")
    data.mkdir()
    provider.reset()
    callers = Callers(port)
    threads = [threading.Thread(target=callers.call_until_over, args=(seed,)) for seed in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(rounds):
            with gateway(config, data, port) as child:
                time.sleep(draw.uniform(0.3, 1.2))
                child.send_signal(signal.SIGKILL)
                child.wait()
    finally:
        callers.over.set()
        for thread in threads:
            thread.join()
    seen = {request.headers["x-turnout-decision"] for request in provider.requests}
    with gateway(config, data, port):
        records = everything(data, callers.received | seen)
    assert len(callers.received) > 10 * rounds
    assert callers.received <= records.keys(), "an answer that its caller has is not in the record"
    assert seen <= records.keys(), "a request that the provider has is not in the record"
    assert {records[each].outcome for each in callers.received} == {"answered"}
    assert {records[each].outcome for each in seen - callers.received} <= {"interrupted", "answered", "cancelled"}
    assert all(record.cost_usd for record in records.values() if record.id in seen), "what was sent has no cost"


@pytest.fixture(scope="module")
def killed(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is left of processes that were killed at each point of a request."""
    root = tmp_path_factory.mktemp("killed")
    (root / "turnout.yaml").write_text(CONFIG.format(provider=provider), encoding="utf-8")
    provider.reset()
    command = [sys.executable, "-m", "tests.chaos.killed_at", str(root / "turnout.yaml"), str(root)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return root


AT = {
    "before the intent": (0, None),
    "after the intent": (0, "interrupted"),
    "mid-stream": (1, "interrupted"),
    "before the outcome": (1, "interrupted"),
    "after the outcome": (1, "answered"),
}


@pytest.mark.parametrize(
    ("point", "how"),
    [(point, how) for point in AT for how in ("streamed", "whole") if (point, how) != ("mid-stream", "whole")],
)
def test_wherever_a_process_is_killed_the_record_knows_what_was_sent(
    killed: Path, provider: HostedFaultProvider, point: str, how: str
) -> None:
    sent, outcome = AT[point]
    data = killed / f"{point}, {how}"
    ledger = EmbeddedLedger(data, worker="successor")
    ledger.start()
    ledger.close(timeout_s=30)
    store = SqliteStore(database_file(data))
    records = list(decisions(store, Filter()))
    store.close()
    seen = [each for each in provider.requests if each.body["messages"][-1]["content"] == data.name]
    assert len(seen) == sent
    assert [each.outcome for each in records] == ([outcome] if outcome else [])
    assert {each.headers["x-turnout-decision"] for each in seen} <= {each.id for each in records}
    assert all(each.cost_usd for each in records)
    received = (data / "received").read_text("utf-8")
    assert HEALTHY_TEXT.startswith(received)
    assert received != HEALTHY_TEXT, "the caller has it all, and the process died before"
