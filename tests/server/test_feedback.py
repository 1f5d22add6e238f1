"""Feedback from a caller: over HTTP, from the library, and where it is seen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.processes import GatewayProcess, gateway_process, wait_for
from tests.server.test_metrics import ask
from tests.telemetry.happenings import samples, value
from turnout.errors import InvalidRequest, Overloaded, UnknownDecision
from turnout.insight.feedback import said_of
from turnout.ledger.ids import new_decision_id
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.sync import SyncRouter
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.clock import SystemClock
from turnout.types.request import Caller

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  small: {{provider: chat, model: "fault:tokens(5)", price: {{input: 1, output: 2}}}}
routes:
  support: {{policy: small}}
"""
HELLO: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    directory = tmp_path_factory.mktemp("feedback")
    with gateway_process(CONFIG.format(provider=provider), directory) as gateway:
        yield gateway


@pytest.fixture
def decision(gateway: GatewayProcess) -> str:
    """The id of a request that has just been answered, and is hardly in the ledger yet."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps({"model": "support", "messages": HELLO}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.headers["x-turnout-decision"]


def say(gateway: GatewayProcess, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
    status, raw, _ = ask(gateway, "/v1/feedback", body, **headers)
    return status, json.loads(raw)


def shown(gateway: GatewayProcess, decision: str, *options: str) -> str:
    command = [sys.executable, "-m", "turnout.cli", "decisions", "--data", str(gateway.data), "show", decision]
    return subprocess.run([*command, *options], check=True, capture_output=True, text=True).stdout


def test_thumbs_scores_and_labels_are_kept_and_the_latest_of_each_user_counts(
    gateway: GatewayProcess, decision: str
) -> None:
    status, told = say(gateway, {"decision_id": decision, "label": "down"}, **{"x-turnout-user": "ann"})
    assert (status, told["score"], told["user"], told["decision_id"]) == (201, 0.0, "ann", decision)
    assert say(gateway, {"decision_id": decision, "score": 1, "label": "helpful", "user": "ann"})[0] == 201
    assert say(gateway, {"decision_id": decision, "score": 0.5, "comment": "a bit long", "user": "bob"})[0] == 201
    assert say(gateway, {"decision_id": decision, "label": "off topic"})[1]["score"] is None
    store = SqliteStore(database_file(gateway.data))
    wait_for(lambda: len(said_of(store, decision)) == 4)
    assert json.loads(shown(gateway, decision, "--json"))["feedback"] == 0.75
    story = shown(gateway, decision)
    assert "Feedback: 0.75" in story
    assert "score 0.5, by bob: a bit long" in story
    assert "label off topic" in story


def test_what_came_of_an_answer_is_sent_later_and_makes_no_score(gateway: GatewayProcess, decision: str) -> None:
    status, told = say(gateway, {"decision_id": decision, "kind": "outcome", "score": 0, "label": "reopened"})
    assert (status, told["kind"]) == (201, "outcome")
    store = SqliteStore(database_file(gateway.data))
    wait_for(lambda: said_of(store, decision))
    assert "kind outcome, score 0, label reopened" in shown(gateway, decision)
    assert json.loads(shown(gateway, decision, "--json"))["feedback"] is None


def test_it_is_counted_for_prometheus(gateway: GatewayProcess, decision: str) -> None:
    def count() -> float:
        return value(samples(ask(gateway, "/metrics")[1].decode()), "turnout_feedback_total", route="support")

    before = count()
    assert say(gateway, {"decision_id": decision, "label": "up"})[0] == 201
    assert count() == before + 1


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({}, "decision_id", "x-turnout-decision"),
        ({"decision_id": "ID"}, None, "`score`"),
        ({"decision_id": "ID", "score": 2}, "score", "from 0 to 1"),
        ({"decision_id": "ID", "score": True}, "score", "from 0 to 1"),
        ({"decision_id": "ID", "score": "up"}, "score", "from 0 to 1"),
        ({"decision_id": "ID", "label": ""}, "label", "1 to 64"),
        ({"decision_id": "ID", "label": "up", "comment": "x" * 4001}, "comment", "at most 4000"),
        ({"decision_id": "ID", "label": "up", "kind": "rumour"}, "kind", "feedback, outcome, judge"),
        ({"decision_id": "ID", "label": "up", "user": 7}, "user", "a text"),
        ({"decision_id": "ID", "stars": 5}, "stars", "decision_id, score, label"),
        ([], None, "JSON object"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_field(
    gateway: GatewayProcess, decision: str, body: Any, param: str | None, said: str
) -> None:
    sent = {**body, "decision_id": decision} if body and body["decision_id"] == "ID" else body
    status, told = say(gateway, sent)
    assert (status, told["error"]["param"]) == (400, param)
    assert said in told["error"]["message"]


@pytest.mark.parametrize("unknown", ["no id", "0190163d-8694-739b-aea5-966c26f8ad91", "NEW"])
def test_a_decision_that_there_is_not_is_not_found(gateway: GatewayProcess, unknown: str) -> None:
    asked = new_decision_id(SystemClock().now()) if unknown == "NEW" else unknown
    status, told = say(gateway, {"decision_id": asked, "label": "up"})
    assert (status, told["error"]["code"]) == (404, "unknown_decision")
    assert asked in told["error"]["message"]


def test_another_method_is_told_which_one_to_use(gateway: GatewayProcess) -> None:
    status, raw, _ = ask(gateway, "/v1/feedback")
    assert (status, json.loads(raw)["error"]["message"]) == (400, "Send /v1/feedback by POST.")


def test_the_library_gives_it_too_and_to_its_own_tenant_only(provider: HostedFaultProvider, tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text(CONFIG.format(provider=provider), encoding="utf-8")
    data = tmp_path / "data"
    with SyncRouter.from_config(file, data=data, env={}) as router:
        answer = router.chat(route="support", messages=HELLO)
        said = router.feedback(answer.decision.id, label="up", comment="right", caller=Caller(user="ann"))
        assert (said.score, said.user, said.decision) == (1.0, "ann", answer.decision.id)
        with pytest.raises(UnknownDecision):
            router.feedback(answer.decision.id, score=0, caller=Caller(tenant="another"))
        with pytest.raises(InvalidRequest):
            router.feedback(answer.decision.id, comment="without a verdict")
    store = SqliteStore(database_file(data))
    assert said_of(store, answer.decision.id) == [said]


def test_while_the_ledger_cannot_be_read_feedback_is_to_be_sent_again(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text(CONFIG.format(provider=provider), encoding="utf-8")
    with SyncRouter.from_config(file, data=tmp_path / "data", env={}) as router:
        answer = router.chat(route="support", messages=HELLO)
        database_file(tmp_path / "data").unlink(missing_ok=True)
        database_file(tmp_path / "data").mkdir(exist_ok=True)
        with pytest.raises(Overloaded, match="cannot be recorded"):
            router.feedback(answer.decision.id, score=1)
        database_file(tmp_path / "data").rmdir()


def test_an_answer_that_was_just_given_is_found_though_the_clock_was_set_back(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    new_decision_id(SystemClock().now() + timedelta(hours=1))  # as if that had been the time until now
    file = tmp_path / "turnout.yaml"
    file.write_text(CONFIG.format(provider=provider), encoding="utf-8")
    with SyncRouter.from_config(file, data=tmp_path / "data", env={}) as router:
        answer = router.chat(route="support", messages=HELLO)
        assert router.feedback(answer.decision.id, score=1).decision == answer.decision.id
