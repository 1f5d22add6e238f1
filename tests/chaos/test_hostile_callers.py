"""Callers that mean no good, through a real gateway: what they send is refused or served, soon, and runs nothing.

Never a 500, a connection that the configuration does not name, a header of the caller's making, or a secret in a place
where it does not belong.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.processes import gateway_process
from tests.running import RunningGateway, running_gateway
from turnout.testing import HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
  claude: {{dialect: anthropic, base_url: "{provider.anthropic_base_url}"}}
targets:
  model: {{provider: chat, model: the-model, price: {{input: 1, output: 2}}}}
  other: {{provider: claude, model: the-model, price: {{input: 1, output: 2}}}}
routes:
  same:       {{policy: model}}
  translated: {{policy: other}}
"""
PATHS = {"/v1/chat/completions": "messages", "/v1/messages": "messages", "/v1/responses": "input"}
SOON_S = 5.0
"""The promise is 100 ms; a machine that runs other tests as well is not held to it here."""


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(CONFIG.format(provider=provider), tmp_path_factory.mktemp("hostile")) as gateway:
        yield gateway


class Answered:
    """One answer of a gateway."""

    def __init__(self, port: int, path: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        began = time.monotonic()
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("POST", path, body, headers or {})
            response = connection.getresponse()
            self.body = response.read()
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.took_s = time.monotonic() - began


def port_of(gateway: RunningGateway) -> int:
    return int(gateway.url.rpartition(":")[2])


def body_of(path: str, fields: bytes = b"", content: bytes = b'"Hi"', model: bytes = b'"same"') -> bytes:
    limit = b"max_output_tokens" if path == "/v1/responses" else b"max_tokens"
    turns = b'"%s":[{"role":"user","content":%s}]' % (PATHS[path].encode(), content)
    return b'{"model":%s,"%s":9,%s%s}' % (model, limit, turns, fields)


TURNS = b",".join([b'{"role":"user","content":"a"}'] * 100_000)
REFUSED: dict[str, tuple[dict[str, bytes], int]] = {
    "lists nested too deeply": ({"fields": b',"x":' + b"[" * 1_000 + b"]" * 1_000}, 400),
    "objects nested far too deeply": ({"fields": b',"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000}, 400),
    "a number of 5,000 digits": ({"fields": b',"seed":' + b"9" * 5_000}, 400),
    "a number past all numbers": ({"fields": b',"temperature":1e999'}, 400),
    "not a number": ({"fields": b',"temperature":NaN'}, 400),
    "half a surrogate pair": ({"content": b'"a\\ud800b"'}, 400),
    "NUL as it is": ({"content": b'"a\x00b"'}, 400),
    "bytes that are no UTF-8": ({"content": b'"a\xffb"'}, 400),
    "a name of a megabyte": ({"model": b'"' + b"a" * 1_000_000 + b'"'}, 400),
    "a name with a line break": ({"model": b'"same\\r\\nX-Evil: 1"'}, 404),
    "a name with NUL": ({"model": b'"same\\u0000"'}, 404),
    "a name in no alphabet": ({"model": '"\U0001f600\u202e"'.encode()}, 404),
    "a name that is SQL": ({"model": b'"same\' OR 1=1; DROP TABLE decisions; --"'}, 404),
    "100,000 messages": ({"content": b'"a"},' + TURNS[:-1]}, 413),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_sends_in_earnest_is_refused_soon(gateway: RunningGateway, name: str, path: str) -> None:
    parts, status = REFUSED[name]
    answer = Answered(port_of(gateway), path, body_of(path, **parts))
    assert (answer.status, answer.headers["x-should-retry"]) == (status, "false"), answer.body[:300]
    assert answer.took_s < SOON_S
    assert len(answer.body) < 2_000, "what was sent is not sent back"
    assert "x-evil" not in answer.headers


SCHEMA = b",".join(b'"p%d":{"$ref":"#/$defs/a"}' % number for number in range(40_000))
TOOL = {
    "/v1/chat/completions": b'{"type":"function","function":{"name":"f","parameters":%s}}',
    "/v1/messages": b'{"name":"f","input_schema":%s}',
    "/v1/responses": b'{"type":"function","name":"f","parameters":%s}',
}
SERVED: dict[str, dict[str, bytes]] = {
    "a field twice": {"fields": b',"model":"same"'},
    "NUL in words": {"content": b'"a\\u0000b"'},
    "a text that some patterns never finish with": {"content": b'"' + b"a" * 200_000 + b'!"'},
    "SQL in words": {"content": b'"\'); DROP TABLE decisions; --"'},
    "a template in words": {"content": b'"{{7*7}} ${jndi:ldap://127.0.0.1/a} {% import os %}"'},
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", SERVED)
def test_what_is_odd_but_sound_is_served_and_recorded(gateway: RunningGateway, name: str, path: str) -> None:
    route = b'"translated"' if path == "/v1/messages" else b'"same"'
    parts = {name: value.replace(b'"same"', route) for name, value in SERVED[name].items()}
    answer = Answered(port_of(gateway), path, body_of(path, model=route, **parts))
    assert (answer.status, answer.took_s < SOON_S) == (200, True), answer.body[:300]
    assert gateway.decision(answer.headers["x-turnout-decision"]).outcome == "answered"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("route", [b'"same"', b'"translated"'])
def test_a_tool_of_a_megabyte_is_no_defect(gateway: RunningGateway, path: str, route: bytes) -> None:
    tool = TOOL[path] % (b'{"type":"object","properties":{%s}}' % SCHEMA)
    answer = Answered(port_of(gateway), path, body_of(path, b',"tools":[%s]' % tool, model=route))
    assert answer.status in {200, 400}
    assert answer.took_s < SOON_S
    assert gateway.decision(answer.headers["x-turnout-decision"]).outcome in {"answered", "refused"}


def test_who_is_named_at_length_is_recorded_in_short(gateway: RunningGateway) -> None:
    path = "/v1/chat/completions"
    answer = Answered(port_of(gateway), path, body_of(path, b',"user":"' + b"u" * 1_000_000 + b'"'))
    user = gateway.decision(answer.headers["x-turnout-decision"]).user
    assert user is not None
    assert set(user) == {"u"}
    assert len(user) <= 256


INJECTIONS = [
    "a\r\nX-Evil: 1",
    "a\u0000b",
    "\u00e9\u202e\U0001f600",
    "' OR 1=1; --",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("injected", INJECTIONS, ids=["lines", "NUL", "letters", "SQL", "HTML", "formula"])
def test_what_a_body_names_makes_no_header_and_no_statement(gateway: RunningGateway, injected: str) -> None:
    asked = {"model": "same", "messages": [{"role": "user", "content": injected}], "user": injected}
    answer = Answered(port_of(gateway), "/v1/chat/completions", json.dumps(asked).encode())
    assert answer.status == 200
    assert "x-evil" not in answer.headers
    assert gateway.decision(answer.headers["x-turnout-decision"]).user == injected


@pytest.mark.parametrize("header", ["x-turnout-user", "x-turnout-source", "x-turnout-tags", "x-request-id"])
@pytest.mark.parametrize("value", ["' OR 1=1; --", "\u00e9", "a=\u00ff,b='; DROP TABLE decisions"])
def test_what_a_header_says_is_a_value_and_nothing_else(gateway: RunningGateway, header: str, value: str) -> None:
    answer = Answered(port_of(gateway), "/v1/chat/completions", body_of("/v1/chat/completions"), {header: value})
    assert answer.status in {200, 400}
    if answer.status == 200:
        decision = gateway.decision(answer.headers["x-turnout-decision"])
        assert decision.outcome == "answered"
        assert answer.headers.get("x-request-id") == decision.id, "an id of ours, not the caller's"


FORWARDING = {"x-forwarded-host": "127.0.0.1", "x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1;host=x"}


def test_no_header_of_a_proxy_decides_who_may_call(provider: HostedFaultProvider, tmp_path: Path) -> None:
    config = f"{CONFIG.format(provider=provider)}server: {{keys: [the-key-of-the-gateway]}}\n"
    with running_gateway(config, tmp_path) as gateway:
        for name, value in {**FORWARDING, "x-original-url": "/health/live", "x-rewrite-url": "/health/live"}.items():
            path = "/v1/chat/completions"
            assert Answered(port_of(gateway), path, body_of(path), {name: value}).status == 401


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "HEAD", "PUT", "DELETE", "PATCH", "FOO"])
def test_no_other_method_runs_anything_and_no_page_of_elsewhere_is_let_in(
    gateway: RunningGateway, provider: HostedFaultProvider, method: str
) -> None:
    before = len(provider.requests)
    told = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    with closing(http.client.HTTPConnection("127.0.0.1", port_of(gateway), timeout=30)) as connection:
        connection.request(method, "/v1/chat/completions", body_of("/v1/chat/completions"), told)
        response = connection.getresponse()
        assert 400 <= response.status < 500
        assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-control")]
    assert len(provider.requests) == before


ELSEWHERE = ("api_base", "base_url", "custom_host", "api_url", "endpoint", "proxy", "organization", "mock_response")
"""Fields by which other gateways have let a caller choose where its request goes."""


@pytest.mark.parametrize("route", ["same", "translated"])
@pytest.mark.parametrize("path", PATHS)
def test_no_field_header_or_picture_makes_us_connect_to_anywhere(
    gateway: RunningGateway, provider: HostedFaultProvider, path: str, route: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        port = canary.getsockname()[1]
        for host in ("127.0.0.1", "2130706433", "[::ffff:7f00:1]", "localhost"):
            url = f"http://{host}:{port}/latest/meta-data"
            asked: dict[str, Any] = {"model": route, "max_tokens": 9, PATHS[path]: _picture(path, url)}
            asked.update(dict.fromkeys(ELSEWHERE, url), extra_headers={"host": url}, extra_body={"api_base": url})
            told = dict.fromkeys(("x-portkey-custom-host", "x-base-url", "x-forwarded-host", "referer"), url)
            answer = Answered(port_of(gateway), path, json.dumps(asked).encode(), told)
            assert answer.status in {200, 400}, answer.body
        with pytest.raises(BlockingIOError):
            canary.accept()


def _picture(path: str, url: str) -> list[dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {
        "/v1/chat/completions": {"type": "image_url", "image_url": {"url": url}},
        "/v1/messages": {"type": "image", "source": {"type": "url", "url": url}},
        "/v1/responses": {"type": "input_image", "image_url": url},
    }
    return [{"role": "user", "content": [parts[path]]}]


SECRETS = {
    "caller": "sk-canary-caller-0123456789abcdefXYZ",
    "wrong": "sk-canary-wrongly-0123456789abcdefQRS",
    "openai": "sk-canary-openai-fedcba9876543210ABC",
    "claude": "sk-canary-claude-0f1e2d3c4b5a6978DEF",
    "gemini": "AIza-canary-gemini-a1b2c3d4e5f60718GHI",
    "admin": "ak-canary-admin-99887766554433221100",
}
SECRETIVE = """
providers:
  openai: {{base_url: "{provider.openai_base_url}", api_key: {openai}}}
  claude: {{dialect: anthropic, base_url: "{provider.anthropic_base_url}", api_key: {claude}}}
  gemini: {{base_url: "{provider.gemini_base_url}", api_key: {gemini}}}
targets:
  one:   {{provider: openai, model: the-model, price: {{input: 1, output: 2}}}}
  two:   {{provider: claude, model: the-model, price: {{input: 1, output: 2}}}}
  three: {{provider: gemini, model: the-model, price: {{input: 1, output: 2}}}}
routes:
  all: {{policy: [one, two, three], timeouts: {{first_token: 1s, idle: 1s, answer: 2s, total: 4s}}}}
server:
  keys: [{caller}]
  admin_keys: [{{name: ops, key: {admin}}}]
"""
FAULTS = ("", "status(401)", "status(500)", "html_200", "rst_after_request", "json_error_200")


def _traces(secret: str) -> Iterator[bytes]:
    """What must be nowhere: a secret, the forms in which it is easily found again, and its ends."""
    raw = secret.encode()
    yield raw
    yield base64.b64encode(raw)
    yield base64.b64encode(raw).rstrip(b"=")[:-1]
    yield hashlib.sha256(raw).hexdigest().encode()
    yield hashlib.sha256(raw).digest()
    yield raw[-8:]


def test_no_secret_is_in_any_place_that_somebody_reads(provider: HostedFaultProvider, tmp_path: Path) -> None:
    said: list[bytes] = []
    config = SECRETIVE.format(provider=provider, **SECRETS)
    with gateway_process(config, tmp_path / "gateway", "--log-level", "debug", "--access-log") as gateway:
        for fault in FAULTS:
            provider.use(fault) if fault else provider.reset()
            for path in PATHS:
                for target in (b'"all"', b'"three"'):
                    for key in ("caller", "wrong"):
                        told = {"authorization": f"Bearer {SECRETS[key]}", "x-api-key": SECRETS[key]}
                        told |= {"cookie": f"session={SECRETS['wrong']}", "x-goog-api-key": SECRETS["wrong"]}
                        answer = Answered(gateway.port, path, body_of(path, model=target), told)
                        said.append(answer.body + repr(answer.headers).encode())
        provider.reset()
        for path in ("/health/ready", "/health/live", "/metrics", "/admin/openapi.json", "/v1/models"):
            with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
                connection.request("GET", path, headers={"authorization": f"Bearer {SECRETS['wrong']}"})
                said.append(connection.getresponse().read())
        time.sleep(0.5)
        data, log = gateway.data, gateway.log
    sinks = {"an answer": b"\n".join(said), "the log": log.read_bytes()}
    sinks |= {str(file.relative_to(data)): file.read_bytes() for file in data.rglob("*") if file.is_file()}
    assert {"ledger.sqlite3", "the log"} <= sinks.keys()
    found = {
        (name, sink)
        for name, secret in SECRETS.items()
        for trace in _traces(secret)
        for sink, text in sinks.items()
        if trace in text
    }
    assert not found
