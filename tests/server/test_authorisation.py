"""Who may ask for what: every path, asked with every kind of key."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.running import RunningGateway, running_gateway
from turnout.server.app import CONVERSATIONS
from turnout.tenancy.desk import Desk
from turnout.tenancy.keys import Key, new_id, new_secret, written
from turnout.tenancy.store import TenancyStore
from turnout.types.clock import SystemClock
from turnout.types.tenant import Tenant

CONFIG = """
providers:
  nobody: {{dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets:
  primary: {{provider: nobody, model: a-model, price: {{input: 1, output: 2}}}}
tenants: {{from: store}}
server:
  keys: [{configured}]
  admin_keys:
    - {{name: ops, key: {admin}, role: admin}}
    - {{name: product, key: {viewer}}}
    - {{name: acme-it, key: {acme_admin}, role: admin, tenant: acme}}
    - {{name: acme-finance, key: {acme_viewer}, tenant: acme}}
    - {{name: globex-it, key: {globex_admin}, role: admin, tenant: globex}}
"""
ADMINS = {"admin": ("admin", None), "viewer": ("viewer", None)}
BOUND = {"acme_admin": ("admin", "acme"), "acme_viewer": ("viewer", "acme"), "globex_admin": ("admin", "globex")}
CALLERS = ("configured", "virtual")
OUTDATED = ("revoked", "expired", "rotated", "unknown")
EVERYBODY = (*ADMINS, *BOUND, *CALLERS, *OUTDATED, "nobody")


@dataclass(frozen=True)
class Setting:
    """A gateway with the tenants `acme` and `globex`.

    Attributes:
        keys: one of every kind.
        revoked: the id of a revoked key of acme's, for operations on one.
    """

    gateway: RunningGateway
    keys: dict[str, str]
    revoked: str

    def ask(self, method: str, path: str, who: str, body: bytes | None = None) -> tuple[int, Any]:
        headers = {"content-type": "application/json"}
        if who != "nobody":
            headers["authorization"] = f"Bearer {self.keys[who]}"
        with closing(http.client.HTTPConnection(self.gateway.url.removeprefix("http://"), timeout=30)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            raw = response.read()
            told = json.loads(raw) if "json" in (response.getheader("content-type") or "") else raw
            return response.status, told


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    directory = tmp_path_factory.mktemp("gateway")
    desk = Desk(TenancyStore(directory / "data"), SystemClock())
    for name in ("acme", "globex"):
        desk.create_tenant(Tenant(name=name))
    wanted = Key(id="", created=0, tenant="acme")
    made = {name: desk.create_key(wanted) for name in ("virtual", "revoked", "rotated")}
    made["expired"] = desk.create_key(wanted, timedelta(milliseconds=1))
    desk.revoke_key(made["revoked"].key.id)
    desk.rotate_key(made["rotated"].key.id, timedelta(0))
    time.sleep(0.01)
    keys = {name: f"the-key-of-{name}-{new_secret()}" for name in (*ADMINS, *BOUND, "configured")}
    keys |= {name: each.presented for name, each in made.items()}
    keys["unknown"] = written(new_id(), new_secret())
    with running_gateway(CONFIG.format(**keys), directory) as gateway:
        yield Setting(gateway, keys, made["revoked"].key.id)


def caller_paths() -> list[tuple[str, str]]:
    asked = [("POST", path) for path in (*CONVERSATIONS, "/v1/messages/count_tokens", "/v1/feedback")]
    return [*asked, ("GET", "/v1/models"), ("GET", "/v1/models/primary")]


@pytest.mark.parametrize("who", EVERYBODY)
def test_a_caller_needs_a_key_that_works(setting: Setting, who: str) -> None:
    """The body is always wrong, so that whoever may ask gets a 400, and nothing is called."""
    for method, path in caller_paths():
        status, told = setting.ask(method, path, who, b"[]" if method == "POST" else None)
        expected = ({400} if method == "POST" else {200}) if who in CALLERS else {401}
        assert status in expected, (method, path, who, told)


def may(who: str, described: dict[str, Any], path: str) -> bool:
    """What the description says of it."""
    needs, of_tenants = described.get("x-needs-role"), described.get("x-may-be-bound", False)
    if needs is None:
        return True
    if who not in (*ADMINS, *BOUND):
        return False
    role, tenant = (ADMINS | BOUND)[who]
    if role == "viewer" and needs == "admin":
        return False
    return tenant is None or (of_tenants and (tenant == "acme" or "{" not in path))


@pytest.mark.parametrize("who", EVERYBODY)
def test_an_operation_is_for_those_whom_its_description_names(setting: Setting, who: str) -> None:
    paths = setting.ask("GET", "/admin/openapi.json", "viewer")[1]["paths"]
    operations = [(path, method.upper(), told) for path, each in paths.items() for method, told in each.items()]
    assert len(operations) >= 19
    for path, method, told in operations:
        understood = path.startswith("/admin/keys/{key}")  # whose key it is comes after whether the body is one
        body = None if "requestBody" not in told else b"{}" if understood else b"[]"
        removes = (path, method) == ("/admin/tenants/{tenant}", "DELETE")
        named = path.replace("{tenant}", "nobody" if removes else "acme").replace("{key}", setting.revoked)
        status, answer = setting.ask(method, named, who, body)
        if may(who, told, path):
            assert status not in {401, 403}, (method, path, who, answer)
            assert str(status) in told["responses"], (method, path, who, answer)
        else:
            assert status == (403 if who in (*ADMINS, *BOUND) else 401), (method, path, who, answer)
            assert answer["error"]["message"]
    assert (setting.ask("GET", "/metrics", who)[0] == 200) is (who in ADMINS)


def test_who_is_bound_to_a_tenant_makes_keys_for_that_one_only(setting: Setting) -> None:
    own = json.dumps({"tenant": "acme", "project": "web"}).encode()
    status, made = setting.ask("POST", "/admin/keys", "acme_admin", own)
    assert status == 201
    assert made["details"]["project"] == "web"
    new = Setting(setting.gateway, {"made": made["key"]}, "")
    assert new.ask("GET", "/v1/models", "made")[0] == 200
    assert setting.ask("POST", "/admin/keys", "globex_admin", own)[0] == 403
    for who, tenants in (("globex_admin", set()), ("acme_viewer", {"acme"}), ("viewer", {"acme"})):
        status, keys = setting.ask("GET", "/admin/keys", who)
        assert {each["tenant"] for each in keys} == tenants
    assert setting.ask("GET", f"/admin/keys/{new_id()}", "globex_admin")[0] == 403
    status, revoked = setting.ask("DELETE", f"/admin/keys/{made['details']['id']}", "acme_admin")
    assert (status, revoked["state"]) == (200, "revoked")
    assert new.ask("GET", "/v1/models", "made")[0] == 401


def test_limits_and_budgets_are_set_and_taken_away(setting: Setting) -> None:
    def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
        return setting.ask(method, path, "admin", None if body is None else json.dumps(body).encode())

    wanted = {"name": "initech", "budgets": [{"usd": "50", "per": "day"}], "limit": {"concurrent": 4}}
    status, tenant = ask("POST", "/admin/tenants", wanted)
    assert (status, tenant["budgets"][0]["name"], tenant["limit"]["concurrent"]) == (201, "initech/tenant-day", 4)
    path = "/admin/tenants/initech"
    status, tenant = ask("PATCH", path, {"limit": {"requests_per_minute": 60.0, "concurrent": None}, "budgets": []})
    assert (status, tenant["budgets"]) == (200, [])
    assert tenant["limit"] == {"requests_per_minute": 60, "tokens_per_minute": None, "concurrent": None}
    for budgets in ([{"usd": "1", "timezone": "Nowhere"}], [{"usd": "1"}, {"usd": "2"}]):
        status, told = ask("PATCH", path, {"budgets": budgets})
        assert (status, told["error"]["param"]) == (409, "budgets")
    assert ask("PATCH", path, {"limit": {"concurrent": 0}})[0] == 400
    made = ask("POST", "/admin/keys", {"tenant": "initech", "limit": {"tokens_per_minute": 1000}})[1]["details"]
    assert made["limit"]["tokens_per_minute"] == 1000
    change = {"name": "web", "routes": ["primary"], "limit": {"concurrent": 2}}
    status, key = ask("PATCH", f"/admin/keys/{made['id']}", change)
    assert (status, key["name"], key["routes"]) == (200, "web", ["primary"])
    assert key["limit"] == {"requests_per_minute": None, "tokens_per_minute": 1000, "concurrent": 2}
    assert ask("PATCH", f"/admin/keys/{new_id()}", {})[0] == 404
    assert ask("DELETE", path)[1]["keys"] == 1


@pytest.mark.parametrize("field", ["role", "secrets", "id", "allowed_routes", "max_budget"])
def test_nobody_gives_themselves_what_is_not_asked_for(setting: Setting, field: str) -> None:
    wanted = json.dumps({"tenant": "acme", field: "admin"}).encode()
    status, told = setting.ask("POST", "/admin/keys", "acme_admin", wanted)
    assert (status, field in told["error"]["message"]) == (400, True)


def test_nothing_that_is_shown_of_a_key_helps_to_present_it(setting: Setting) -> None:
    status, shown = setting.ask("GET", "/admin/keys", "admin")
    assert status == 200
    assert not {field for key in shown for field in key} & {"secrets", "digest", "hash", "key"}
    assert not [key for key in setting.keys.values() if key[-43:] in json.dumps(shown)]


def test_tenants_are_added_changed_and_removed(setting: Setting) -> None:
    def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
        return setting.ask(method, path, "admin", None if body is None else json.dumps(body).encode())

    status, tenant = ask("POST", "/admin/tenants", {"name": "hooli", "tier": "gold", "revenue_usd": "499.5"})
    assert (status, tenant["tier"], tenant["revenue_usd"]) == (201, "gold", "499.5")
    assert ask("POST", "/admin/tenants", {"name": "hooli"})[0] == 409
    assert ask("POST", "/admin/tenants", {"name": "broke", "revenue_usd": "-1"})[0] == 400
    status, tenant = ask("PATCH", "/admin/tenants/hooli", {"tier": None, "routes": ["primary"]})
    assert (tenant["tier"], tenant["routes"], tenant["revenue_usd"]) == (None, ["primary"], "499.5")
    status, made = ask("POST", "/admin/keys", {"tenant": "hooli", "lasting_s": 3600})
    assert made["details"]["expires"] > made["details"]["created"]
    status, rotated = ask("POST", f"/admin/keys/{made['details']['id']}/rotate", {})
    assert (rotated["details"]["id"], rotated["key"] != made["key"]) == (made["details"]["id"], True)
    assert rotated["details"]["overlaps_until"]
    assert ask("GET", f"/admin/keys/{made['details']['id']}")[1]["state"] == "works"
    assert [each["name"] for each in ask("GET", "/admin/tenants")[1]] == ["acme", "globex", "hooli"]
    assert ask("DELETE", "/admin/tenants/hooli") == (200, {"tenant": "hooli", "keys": 1})
    assert ask("GET", "/admin/tenants/hooli")[0] == 404
    assert ask("GET", f"/admin/keys/{made['details']['id']}")[0] == 404
    assert ask("POST", "/admin/keys", {"tenant": "hooli"})[0] == 404


def test_a_store_that_cannot_be_used_is_a_503(setting: Setting) -> None:
    file = setting.gateway.data / "tenants" / "tenants.sqlite3"
    whole = file.read_bytes()
    file.write_bytes(b"not a database" * 100)
    try:
        status, told = setting.ask("GET", "/admin/keys", "admin")
        assert (status, told["error"]["kind"]) == (503, "overloaded")
        assert setting.ask("GET", "/v1/models", "virtual")[0] == 200
    finally:
        file.write_bytes(whole)
