"""What a gateway logs: a line for each change, as text or as JSON, and never a request unless asked to."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ledger import samples
from tests.processes import GatewayProcess, gateway_process, wait_for
from tests.server.test_metrics import ask
from turnout.telemetry.logs import Complaints, JsonLines
from turnout.testing import HostedFaultProvider, running_fault_provider

KEY = "a-key-of-the-provider"
CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: {key}}}
targets:
  down: {{provider: chat, model: "fault:status(500)", price: {{input: 1, output: 2}}}}
  locked: {{provider: chat, model: "fault:status(401)", price: {{input: 1, output: 2}}}}
routes:
  support: {{policy: down}}
"""
QUESTION = "what nobody else may read"


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


def trouble(gateway: GatewayProcess) -> None:
    """Ask until the breaker opens, and change the configuration to one that cannot be used."""
    body = {"model": "support", "messages": [{"role": "user", "content": QUESTION}]}
    for _ in range(6):
        ask(gateway, "/v1/chat/completions", body, authorization="Bearer a-key-of-the-caller")
    wait_for(lambda: "breaker open" in gateway.said, 30)
    gateway.file.write_text("targets: {}")
    wait_for(lambda: "cannot be used" in gateway.said, 30)


def lines(gateway: GatewayProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gateway.said.splitlines()]


def test_as_json_each_line_is_an_object_with_the_decision_where_there_is_one(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    options = ("--workers", "2", "--log-format", "json", "--access-log")
    with gateway_process(CONFIG.format(provider=provider, key=KEY), tmp_path, *options) as gateway:
        trouble(gateway)
        ids = {line["decision"] for line in lines(gateway) if line["logger"] == "turnout.access"}
    assert ids == set(gateway.outcomes())
    logged = lines(gateway)
    assert all({"time", "level", "logger", "message"} <= set(line) for line in logged)
    (access, *_) = [line for line in logged if line["logger"] == "turnout.access"]
    assert (access["level"], access["route"], access["outcome"]) == ("info", "support", "failed")
    assert any(line["level"] == "warning" and "breaker open" in line["message"] for line in logged)
    assert KEY not in gateway.said
    assert "a-key-of-the-caller" not in gateway.said
    assert QUESTION not in gateway.said


def test_as_text_nothing_is_said_of_requests(provider: HostedFaultProvider, tmp_path: Path) -> None:
    with gateway_process(CONFIG.format(provider=provider, key=KEY), tmp_path) as gateway:
        for _ in range(2):
            ask(gateway, "/v1/chat/completions", {"model": "locked", "messages": [{"role": "user", "content": "Hi"}]})
        trouble(gateway)
    said = [line for line in gateway.said.splitlines() if line[:1].isdigit()]
    told = "WARNING calls to locked fail until somebody mends it (authentication at the provider chat)"
    assert f"{told}: turnout decisions show" in said[0]
    assert "WARNING target down: breaker open" in said[1]
    assert "ERROR   the configuration has changed and cannot be used" in said[2]
    assert len(said) == 3


def test_a_complaint_is_told_once_until_the_target_has_answered(caplog: pytest.LogCaptureFixture) -> None:
    complaints, spare = Complaints(), samples.an_attempt(target="spare")
    refused = samples.an_attempt(target="first", outcome="failed", error_class="quota_exhausted")
    drilled = samples.an_attempt(target="other", outcome="failed", error_class="authentication", drilled="refuse")
    busy = samples.an_attempt(target="other", outcome="failed", error_class="overloaded")
    for attempts in ((refused, spare), (refused, spare), (drilled, busy, spare), (spare,)):
        complaints.observe(samples.a_decision(attempts=attempts))
    assert len(caplog.records) == 1
    complaints.observe(samples.a_decision(attempts=(samples.an_attempt(target="first"),)))
    complaints.observe(samples.a_decision(attempts=(refused, spare)))
    assert [record.getMessage().partition(" fail")[0] for record in caplog.records] == ["calls to first"] * 2


def test_a_defect_names_its_decision() -> None:
    lines = JsonLines()
    try:
        raise ValueError("odd \ud800 text")
    except ValueError as error:
        error.add_note("decision 01a20564")
        record = logging.LogRecord("turnout", logging.ERROR, "", 0, "a request %s", ("failed",), sys.exc_info())
    told = json.loads(lines.format(record))
    assert (told["decision"], told["error"], told["message"]) == ("01a20564", "ValueError", "a request failed")
    assert "odd \\ud800 text" in told["traceback"]
