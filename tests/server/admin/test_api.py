"""`/admin` as it is described: who may do what, and what is said to those who may not."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.running import RunningGateway, running_gateway
from turnout.config.reload import InEffect
from turnout.server.admin.access import AdminAccess, Role
from turnout.server.admin.openapi import describe
from turnout.server.admin.operations import operations
from turnout.testing import FrozenClock

CALLER = "a-key-of-a-caller-of-the-test"
KEYS = {"admin": "the-key-of-an-admin-of-the-test", "viewer": "the-key-of-a-viewer-of-the-test"}
CONFIG = f"""
providers:
  nobody: {{dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets:
  primary: {{provider: nobody, model: a-model, price: {{input: 1, output: 2}}}}
server:
  keys: [{CALLER}]
  admin_keys:
    - {{name: ops, key: {KEYS["admin"]}, role: admin}}
    - {{name: product, key: {KEYS["viewer"]}}}
"""
DESCRIBED = describe(
    operations(AdminAccess("127.0.0.1", b"", FrozenClock()), lambda: InEffect("1", "2026-01-01T00:00:00.000+00:00"))
)
OPERATIONS = [
    (method.upper(), path, told) for path, each in DESCRIBED["paths"].items() for method, told in each.items()
]
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


@pytest.mark.parametrize(("method", "path", "told"), OPERATIONS, ids=[" ".join(each[:2]) for each in OPERATIONS])
def test_every_operation_is_for_the_role_that_its_description_names(
    gateway: RunningGateway, method: str, path: str, told: dict[str, Any]
) -> None:
    """The body is always wrong, so that an authorised change is a 400, and changes nothing."""
    needs = told.get("x-needs-role")
    for who, key in WHO.items():
        headers = {"authorization": f"Bearer {key}"} if key else {}
        status, _, answer = ask(gateway, method, path.replace("{id}", "nothing"), b"[]", **headers)
        if needs is None or (who in KEYS and Role(who).covers(Role(needs))):
            assert status not in {401, 403}, (who, answer)
            assert str(status) in told["responses"], (who, answer)
        else:
            assert status == (403 if who in KEYS else 401), (who, answer)
            assert answer["error"]["message"]


def test_a_browser_signs_in_stays_and_signs_out(gateway: RunningGateway) -> None:
    status, headers, answer = ask(gateway, "POST", "/admin/session", json.dumps({"key": KEYS["viewer"]}).encode())
    assert (status, answer) == (200, {"role": "viewer"})
    session = headers["set-cookie"].partition(";")[0]
    assert ask(gateway, "GET", "/admin/session", cookie=session)[2] == {"role": "viewer"}
    assert ask(gateway, "GET", "/admin/config", cookie=session)[2]["error"] is None
    assert "Max-Age=0" in ask(gateway, "DELETE", "/admin/session")[1]["set-cookie"]
    key = json.dumps({"key": KEYS["admin"]}).encode()
    by_https = ask(gateway, "POST", "/admin/session", key, x_forwarded_proto="https")
    assert by_https[1]["set-cookie"].endswith("; Secure")


def test_the_description_is_the_one_that_the_table_makes(gateway: RunningGateway) -> None:
    assert ask(gateway, "GET", "/admin/openapi.json", x_api_key=KEYS["viewer"])[2] == DESCRIBED


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
