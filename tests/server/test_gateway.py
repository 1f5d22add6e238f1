"""The HTTP surface, from a plain client: what is refused, how fast, and in whose words."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.running import RunningGateway, running_gateway
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider

KEY = "gateway-key-of-the-test"
CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: provider-key}}
targets:
  model: {{provider: chat, model: the-model, price: {{input: 1, output: 2}}}}
routes:
  assistant: {{policy: model, timeouts: {{first_token: 3s, idle: 3s, answer: 5s, total: 10s}}}}
server:
  keys: [{key}]
  limits: {{max_body: 100kB, max_messages: 20, max_in_flight: 2, max_waiting: 0}}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(CONFIG.format(provider=provider, key=KEY), tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def healthy(provider: HostedFaultProvider) -> Iterator[None]:
    yield
    provider.reset()


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "assistant", "messages": [{"role": "user", "content": "Hi"}], **fields}


class Answered:
    """One answer of the gateway."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def post(
    gateway: RunningGateway, body: bytes | dict[str, Any], path: str = "/v1/chat/completions", **headers: str
) -> Answered:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(gateway, "POST", path, raw, given)


def ask(
    gateway: RunningGateway, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answered:
    host = gateway.url.removeprefix("http://")
    with closing(http.client.HTTPConnection(host, timeout=10)) as connection:
        connection.request(method, path, body, headers or {})
        return Answered(connection.getresponse())


def connected(gateway: RunningGateway) -> socket.socket:
    host, port = gateway.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def raw_post(body: dict[str, Any]) -> bytes:
    encoded = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
    return f"{head}content-length: {len(encoded)}\r\n\r\n".encode() + encoded


def test_every_answer_says_how_it_came_about(gateway: RunningGateway) -> None:
    answer = post(gateway, chat())
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == HEALTHY_TEXT
    assert answer.headers["x-turnout-route"] == "assistant"
    assert answer.headers["x-turnout-target"] == "model"
    assert answer.headers["x-turnout-attempts"] == "1"
    assert float(answer.headers["x-turnout-cost"]) > 0
    assert gateway.decision(answer.headers["x-turnout-decision"]).outcome == "answered"


def test_the_callers_headers_are_in_the_record(gateway: RunningGateway) -> None:
    told = {"x_turnout_user": "u-1", "x_turnout_source": "checkout", "x_turnout_tags": "team=growth, run=7"}
    answer = post(gateway, chat(), x_stainless_retry_count="1", **told)
    decision = gateway.decision(answer.headers["x-turnout-decision"])
    assert (decision.user, decision.source, decision.sdk_retry) == ("u-1", "checkout", 1)
    assert decision.tags == {"team": "growth", "run": "7"}


def test_the_dialects_own_field_names_the_user_where_no_header_does(gateway: RunningGateway) -> None:
    answer = post(gateway, chat(user="u-2"))
    assert gateway.decision(answer.headers["x-turnout-decision"]).user == "u-2"


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}])
def test_a_caller_without_a_known_key_is_refused_in_its_own_dialect(
    gateway: RunningGateway, header: dict[str, str]
) -> None:
    body = json.dumps(chat(max_tokens=5)).encode()
    openai = ask(gateway, "POST", "/v1/chat/completions", body, header)
    anthropic = ask(gateway, "POST", "/v1/messages", body, header)
    assert (openai.status, openai.json["error"]["code"]) == (401, "invalid_api_key")
    assert (anthropic.status, anthropic.json["error"]["type"]) == (401, "authentication_error")
    assert ask(gateway, "GET", "/v1/models", None, header).status == 401


def test_a_key_may_come_as_either_sdk_sends_it(gateway: RunningGateway) -> None:
    body = json.dumps(chat()).encode()
    assert ask(gateway, "POST", "/v1/chat/completions", body, {"x-api-key": KEY}).status == 200


MALFORMED = {
    "not JSON": b"{",
    "not an object": b"[]",
    "empty": b"",
    "no model": b'{"messages": []}',
    "model of another type": b'{"model": 3, "messages": []}',
    "stream of another type": b'{"model": "assistant", "stream": "yes", "messages": []}',
    "no messages": b'{"model": "assistant"}',
    "nested too deeply": b'{"model": "assistant", "messages": ' + b"[" * 40_000 + b"]" * 40_000 + b"}",
    "not UTF-8": b'{"model": "assistant", "messages": "\xff"}',
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_malformed_body_is_a_400_that_says_what_to_mend(gateway: RunningGateway, name: str, path: str) -> None:
    answer = post(gateway, MALFORMED[name], path)
    assert answer.status == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert len(answer.json["error"]["message"]) > 10
    assert answer.headers["x-should-retry"] == "false"


def test_what_is_over_a_limit_is_413(gateway: RunningGateway) -> None:
    assert post(gateway, b" " * 100_001).status == 413
    many = [{"role": "user", "content": "Hi"}] * 21
    assert post(gateway, chat(messages=many)).status == 413


def test_a_compressed_body_is_refused_unread(gateway: RunningGateway) -> None:
    assert post(gateway, chat(), content_encoding="gzip").status == 400


def test_a_header_that_cannot_be_understood_is_named(gateway: RunningGateway) -> None:
    for header, value in {"x_turnout_latency_budget": "soon", "x_turnout_tags": "nothing"}.items():
        answer = post(gateway, chat(), **{header: value})
        assert answer.status == 400
        assert header.replace("_", "-") in answer.json["error"]["message"]


@pytest.mark.parametrize("sent", ["Zoë".encode(), "Zoë".encode("latin-1")])
def test_a_name_is_recorded_as_it_is_written_whichever_way_it_was_sent(gateway: RunningGateway, sent: bytes) -> None:
    answer = post(gateway, chat(), x_turnout_user=sent.decode("latin-1"))
    assert gateway.decision(answer.headers["x-turnout-decision"]).user == "Zoë"


def test_health_and_unknown_paths_answer_without_a_key(gateway: RunningGateway) -> None:
    assert ask(gateway, "GET", "/health/live").status == 200
    assert ask(gateway, "GET", "/health/ready").status == 200
    unknown = ask(gateway, "GET", "/v1/nothing")
    assert (unknown.status, unknown.json["error"]["code"]) == (404, "unknown_path")
    assert "/v1/chat/completions" in unknown.json["error"]["message"]


@pytest.mark.parametrize(
    ("asked", "meant"), [("/chat/completions", "/v1/chat/completions"), ("/v1/v1/messages", "/v1/messages")]
)
def test_a_base_url_with_a_v1_too_few_or_too_many_is_told_in_the_callers_dialect(
    gateway: RunningGateway, asked: str, meant: str
) -> None:
    error = ask(gateway, "POST", asked).json
    assert f"Did you mean {meant}? The base_url of OpenAI's SDK ends with /v1" in error["error"]["message"]
    assert (error.get("type") == "error") == ("messages" in asked)


def test_a_path_of_anthropic_s_that_there_is_not_is_told_in_its_dialect(gateway: RunningGateway) -> None:
    unknown = ask(gateway, "GET", "/v1/messages/batches")
    assert (unknown.status, unknown.json["type"]) == (404, "error")
    assert unknown.json["error"]["type"] == "not_found_error"


def test_a_body_never_chooses_the_host_the_key_or_a_header(
    gateway: RunningGateway, provider: HostedFaultProvider
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}"
        named = ("api_base", "base_url", "custom_host", "api_key", "extra_headers", "mock_response", "organization")
        post(gateway, chat(**dict.fromkeys(named, url)))
        with pytest.raises(TimeoutError):
            canary.accept()
    assert provider.requests[-1].headers["authorization"] == "Bearer provider-key"


def test_the_callers_key_never_reaches_the_provider(gateway: RunningGateway, provider: HostedFaultProvider) -> None:
    post(gateway, chat(), x_api_key=KEY, cookie="session=1")
    assert KEY not in str(provider.requests[-1].headers)
    assert "session=1" not in str(provider.requests[-1].headers)


def test_over_the_limit_of_requests_under_way_is_a_503_at_once(
    gateway: RunningGateway, provider: HostedFaultProvider
) -> None:
    provider.use("delay_headers(2)")
    with connected(gateway) as one, connected(gateway) as two:
        one.sendall(raw_post(chat()))
        two.sendall(raw_post(chat()))
        time.sleep(0.2)
        began = time.monotonic()
        refused = post(gateway, chat())
        assert time.monotonic() - began < 1.5
        assert one.recv(12) == two.recv(12) == b"HTTP/1.1 200"
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) >= 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", ["hang_headers", "delay_first_token(8)", "stall_after(3,8)"])
def test_a_caller_who_leaves_closes_the_providers_connection_and_is_booked(
    gateway: RunningGateway, provider: HostedFaultProvider, fault: str, stream: bool
) -> None:
    provider.use(fault)
    before = len(provider.requests)
    with connected(gateway) as caller:
        caller.sendall(raw_post(chat(stream=stream, user="leaver")))
        wait_for(lambda: len(provider.requests) > before)
        time.sleep(0.3)
    left = time.monotonic()
    wait_for(lambda: provider.log[-1].get("aborted") is not None or provider.log[-1]["event"] == "ended")
    assert time.monotonic() - left < 5
    decision = gateway.decision(provider.requests[-1].headers["x-turnout-decision"])
    assert decision.outcome == "cancelled"
    (attempt,) = decision.attempts
    assert attempt.outcome == "cancelled"
    assert attempt.estimated
    assert attempt.cost_usd


def wait_for(true: Any, within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)


def test_a_public_address_without_keys_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text(
        "providers: {own: {dialect: openai, base_url: 'http://127.0.0.1:1/v1'}}\ntargets: {m: {provider: own}}\n"
    )
    command = [sys.executable, "-m", "turnout.cli", "serve", "--config", str(file), "--host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "server.keys" in done.stderr
