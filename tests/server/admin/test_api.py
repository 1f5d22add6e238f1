"""`/admin` as it is described: who may do what, and what is said to those who may not."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.running import RunningGateway, running_gateway
from turnout.server.admin.access import Role

CALLER = "a-key-of-a-caller-of-the-test"
KEYS = {"admin": "the-key-of-an-admin-of-the-test", "viewer": "the-key-of-a-viewer-of-the-test"}
CONFIG = f"""
providers:
  nobody: {{dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets:
  primary: {{provider: nobody, model: a-model, price: {{input: 1, output: 2}}}}
  secondary: {{provider: nobody, model: a-model, price: {{input: 1, output: 2}}}}
routes:
  lonely:
    policy:
      rules:
        - {{name: hard, when: {{tokens: {{min: 9}}}}, use: primary}}
        - {{name: rest, use: [primary, secondary]}}
  split: {{policy: {{weighted: [{{use: [primary, secondary], weight: 1}}, {{use: secondary, weight: 0}}]}}}}
server:
  keys: [{CALLER}]
  admin_keys:
    - {{name: ops, key: {KEYS["admin"]}, role: admin}}
    - {{name: product, key: {KEYS["viewer"]}}}
"""
WHO: dict[str, str | None] = {"nobody": None, "a caller": CALLER, "a stranger": "nobodys-key-at-all-here", **KEYS}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(CONFIG, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


def ask(
    gateway: RunningGateway, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
        connection.request(method, path, body, {"content-type": "application/json", **named})
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return response.status, told, json.loads(response.read() or b"null")


def described(gateway: RunningGateway) -> dict[str, Any]:
    return dict(ask(gateway, "GET", "/admin/openapi.json", x_api_key=KEYS["viewer"])[2])


def test_every_operation_is_for_the_role_that_its_description_names(gateway: RunningGateway) -> None:
    """The body is always wrong, so that an authorised change is a 400, and changes nothing."""
    paths = described(gateway)["paths"]
    operations = [(path, method, told) for path, each in paths.items() for method, told in each.items()]
    for path, method, told in operations:
        needs = told.get("x-needs-role")
        for who, key in WHO.items():
            headers = {"authorization": f"Bearer {key}"} if key else {}
            status, _, answer = ask(gateway, method.upper(), path, b"[]", **headers)
            if needs is None or (who in KEYS and Role(who).covers(Role(needs))):
                assert status not in {401, 403}, (path, method, who, answer)
                assert str(status) in told["responses"], (path, method, who, answer)
            else:
                assert status == (403 if who in KEYS else 401), (path, method, who, answer)
                assert answer["error"]["message"]
    changes = {path: told.get("x-needs-role") for path, method, told in operations if method != "get"}
    assert changes.pop("/admin/session") is None
    assert changes
    assert set(changes.values()) == {"admin"}


def test_a_browser_signs_in_stays_and_signs_out(gateway: RunningGateway) -> None:
    status, headers, answer = ask(gateway, "POST", "/admin/session", json.dumps({"key": KEYS["viewer"]}).encode())
    assert (status, answer) == (200, {"role": "viewer", "tenant": None})
    session = headers["set-cookie"].partition(";")[0]
    assert ask(gateway, "GET", "/admin/session", cookie=session)[2] == {"role": "viewer", "tenant": None}
    assert ask(gateway, "GET", "/admin/config", cookie=session)[2]["error"] is None
    assert "Max-Age=0" in ask(gateway, "DELETE", "/admin/session")[1]["set-cookie"]
    key = json.dumps({"key": KEYS["admin"]}).encode()
    by_https = ask(gateway, "POST", "/admin/session", key, x_forwarded_proto="https")
    assert by_https[1]["set-cookie"].endswith("; Secure")


def test_the_description_holds_for_its_own_standard(gateway: RunningGateway) -> None:
    api = described(gateway)
    assert api["openapi"] == "3.1.0"
    for schema in api["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_a_drill_is_begun_shown_and_ended(gateway: RunningGateway) -> None:
    def drill(method: str, body: object = None, key: str = KEYS["admin"]) -> tuple[int, Any]:
        raw = None if body is None else json.dumps(body).encode()
        status, _, answer = ask(gateway, method, "/admin/drill", raw, x_api_key=key)
        return status, answer

    targets = ask(gateway, "GET", "/admin/targets", x_api_key=KEYS["viewer"])[2]
    assert [(each["name"], each["price"]["input"], each["alone"]) for each in targets] == [
        ("primary", "1", ["lonely"]),
        ("secondary", "1", []),
    ]
    assert drill("GET") == (200, {"drill": None})
    assert drill("POST", {"target": "primary", "mode": "refuse"})[0] == 409
    status, begun = drill("POST", {"target": "nobody", "mode": "stall", "share": 0.5, "seconds": 30, "force": True})
    assert status == 200
    assert begun["drill"]["targets"] == ["primary", "secondary"]
    assert drill("GET", key=KEYS["viewer"]) == (200, begun)
    status, refused = drill("POST", {"target": "secondary", "mode": "refuse"})
    assert status == 409
    assert refused["error"]["message"].startswith("A drill of primary, secondary is under way until ")
    assert drill("DELETE") == (200, begun)
    assert drill("GET") == (200, {"drill": None})
    for wrong in (
        {"target": "nobody"},
        {"target": "primary", "mode": "burn"},
        {"target": "primary", "mode": "refuse", "share": 0},
        {"target": "primary", "mode": "refuse", "seconds": 86_400},
    ):
        assert drill("POST", wrong)[0] == 400
    assert drill("POST", {"target": "x", "mode": "refuse"})[0] == 404


def test_what_cannot_be_understood_is_told(gateway: RunningGateway) -> None:
    def refused(method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        status, _, answer = ask(gateway, method, path, body, **headers)
        return status, answer["error"]["message"]

    status, message = refused("GET", "/admin/nothing")
    assert (status, message.partition(".")[0]) == (404, "There is nothing at /admin/nothing")
    assert refused("PUT", "/admin/session") == (405, "/admin/session takes POST, GET, DELETE, not PUT.")
    assert refused("POST", "/admin/session", b"{}")[1].endswith("missing required field `key`.")
    assert refused("POST", "/admin/session", b'{"key": "x", "role": "admin"}')[1].endswith("unknown field `role`.")
    assert refused("POST", "/admin/session", b'{"key": "\xff"}')[0] == 400
    assert refused("POST", "/admin/session", b'{"key": "x"}', **{"content-type": "text/plain"})[0] == 400
    assert refused("POST", "/admin/session", b" " * 70_000)[0] == 413
