"""Tenants and their keys, as callers meet them: over HTTP, in both headers, in every dialect."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.processes import wait_for
from tests.running import RunningGateway, running_gateway
from turnout.config.build import ConfiguredRouter
from turnout.errors import ConfigError
from turnout.tenancy.desk import Desk
from turnout.tenancy.keys import Key
from turnout.tenancy.store import TenancyStore
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.clock import SystemClock
from turnout.types.tenant import Tenant

CONFIGURED = "key-of-the-configuration"
CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  large: {{provider: chat, model: large, price: {{input: 1, output: 2}}}}
  small: {{provider: chat, model: small, price: {{input: 1, output: 2}}}}
routes:
  assistant:
    policy:
      rules:
        - {{name: paid, when: {{tier: [gold, silver]}}, use: large}}
        - {{name: rest, use: small}}
  remembered: {{policy: small, cache: {{ttl: 10m}}}}
server:
  keys: [{{key: {key}, tenant: acme, project: batch}}]
"""
STORED = CONFIG + "tenants: {{from: store}}\n"
DECLARED = CONFIG + "tenants: {{acme: {{tier: gold, routes: assistant}}}}\n"


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


KEYS: dict[str, dict[str, Any]] = {
    "acme": {"tenant": "acme", "project": "web"},
    "ann": {"tenant": "acme", "user": "ann"},
    "some routes": {"tenant": "acme", "routes": ("assist*",)},
    "rotated": {"tenant": "acme"},
    "revoked": {"tenant": "acme"},
    "globex": {"tenant": "globex"},
}


class Setting:
    """A gateway with the tenants `acme` (gold) and `globex` in its store, and their keys."""

    def __init__(self, gateway: RunningGateway, desk: Desk, keys: dict[str, str]) -> None:
        self.gateway = gateway
        self.desk = desk
        self.keys = keys

    def ask(
        self, method: str, path: str, key: str | None, body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent = {"authorization": f"Bearer {key}", **sent}
        raw = None if body is None else json.dumps(body)
        with closing(http.client.HTTPConnection(self.gateway.url.removeprefix("http://"), timeout=30)) as connection:
            connection.request(method, path, raw, sent)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return response.status, told, json.loads(response.read())

    def chat(
        self, key: str | None, model: str = "assistant", **headers: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        return self.ask("POST", "/v1/chat/completions", key, body, **headers)


@pytest.fixture(scope="module")
def setting(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    directory = tmp_path_factory.mktemp("gateway")
    desk = Desk(TenancyStore(directory / "data"), SystemClock())
    desk.create_tenant(Tenant(name="acme", tier="gold", tags={"segment": "enterprise"}))
    desk.create_tenant(Tenant(name="globex"))
    keys = {name: desk.create_key(Key(id="", created=0, **wanted)).presented for name, wanted in KEYS.items()}
    with running_gateway(STORED.format(provider=provider, key=CONFIGURED), directory) as gateway:
        yield Setting(gateway, desk, keys)


def test_the_record_and_the_rules_know_whose_key_it_was(setting: Setting) -> None:
    key = setting.keys["acme"]
    status, told, _ = setting.chat(key, x_turnout_user="ann")
    decision = setting.gateway.decision(told["x-turnout-decision"])
    assert status == 200
    assert (decision.tenant, decision.project, decision.user) == ("acme", "web", "ann")
    assert decision.key == key[: len("tk_") + 12]
    assert (decision.rule, decision.target) == ("paid", "large")
    _, told, _ = setting.chat(setting.keys["globex"], x_turnout_user="bob")
    decision = setting.gateway.decision(told["x-turnout-decision"])
    assert (decision.tenant, decision.project, decision.user, decision.rule) == ("globex", None, "bob", "rest")


def test_nobody_passes_for_another_user_by_the_key_of_one(setting: Setting) -> None:
    _, told, _ = setting.chat(setting.keys["ann"], x_turnout_user="bob")
    assert setting.gateway.decision(told["x-turnout-decision"]).user == "ann"


def test_a_key_of_the_configuration_may_name_a_tenant_of_the_store(setting: Setting) -> None:
    _, told, _ = setting.chat(CONFIGURED)
    decision = setting.gateway.decision(told["x-turnout-decision"])
    assert (decision.tenant, decision.project, decision.key, decision.rule) == ("acme", "batch", None, "paid")


def test_a_key_comes_in_either_header_and_every_dialect(setting: Setting) -> None:
    key = setting.keys["acme"]
    turns = {"model": "assistant", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}
    bodies = {
        "/v1/messages": turns,
        "/v1/chat/completions": turns,
        "/v1/responses": {"model": "assistant", "input": "Hi"},
    }
    for path, body in bodies.items():
        assert setting.ask("POST", path, None, body, x_api_key=key)[0] == 200
        assert setting.ask("POST", path, key, body)[0] == 200


def test_without_a_key_nobody_may_call(setting: Setting) -> None:
    for key in (None, "", "wrong", "tk_wrong", "' OR 1=1--"):
        status, _, told = setting.chat(key)
        assert (status, told["error"]["code"]) == (401, "invalid_api_key")


def test_a_key_is_for_its_routes_only(setting: Setting) -> None:
    key = setting.keys["some routes"]
    assert setting.chat(key)[0] == 200
    status, _, told = setting.chat(key, "small")
    assert (status, told["error"]["message"]) == (403, "This API key may not ask for 'small'.")
    body = {"model": "remembered", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}
    status, _, told = setting.ask("POST", "/v1/messages", key, body)
    assert (status, told["error"]["type"]) == (403, "permission_error")
    assert [each["id"] for each in setting.ask("GET", "/v1/models", key)[2]["data"]] == ["assistant"]
    assert setting.ask("GET", "/v1/models/small", key)[0] == 404


def test_no_tenant_is_given_an_answer_of_anothers(setting: Setting) -> None:
    acme, same, globex = (setting.keys[name] for name in ("acme", "ann", "globex"))
    told = [setting.chat(key, "remembered")[1]["x-turnout-cache"] for key in (acme, same, globex, globex)]
    assert told == ["miss", "hit", "miss", "hit"]


def test_a_retry_is_recognised_by_either_secret_of_a_rotated_key(setting: Setting) -> None:
    key = setting.keys["rotated"]
    rotated = setting.desk.rotate_key(key[:15], timedelta(hours=1)).presented
    wait_for(lambda: setting.ask("GET", "/v1/models", rotated)[0] == 200)
    first = setting.chat(key, x_turnout_idempotency_key="order-7")[1]
    again = setting.chat(rotated, x_turnout_idempotency_key="order-7")[1]
    other = setting.chat(setting.keys["acme"], x_turnout_idempotency_key="order-7")[1]
    assert (again["x-turnout-cache"], again["x-turnout-target"]) == ("replay", first["x-turnout-target"])
    assert other.get("x-turnout-cache") is None


def test_feedback_is_taken_from_the_decisions_own_tenant_only(setting: Setting) -> None:
    acme, globex = setting.keys["acme"], setting.keys["globex"]
    _, told, _ = setting.chat(acme)
    setting.gateway.decision(told["x-turnout-decision"])
    said = {"decision_id": told["x-turnout-decision"], "score": 1}
    assert setting.ask("POST", "/v1/feedback", globex, said)[0] == 404
    assert setting.ask("POST", "/v1/feedback", acme, said)[0] == 201


def test_a_revoked_key_is_soon_refused_and_no_other(setting: Setting) -> None:
    key, kept = setting.keys["revoked"], setting.keys["acme"]
    assert setting.chat(key)[0] == 200
    setting.desk.revoke_key(key[:15])
    wait_for(lambda: setting.chat(key)[0] == 401)
    assert setting.chat(key)[2]["error"]["message"] == f"The API key {key[:15]} has been revoked."
    assert setting.chat(kept)[0] == 200


def test_tenants_may_stand_in_the_configuration(provider: HostedFaultProvider, tmp_path: Path) -> None:
    with running_gateway(DECLARED.format(provider=provider, key=CONFIGURED), tmp_path) as gateway:
        desk = Desk(TenancyStore(gateway.data), SystemClock(), {"acme": Tenant(name="acme")})
        setting = Setting(gateway, desk, {})
        made = desk.create_key(Key(id="", created=0, tenant="acme"))
        wait_for(lambda: setting.chat(made.presented)[0] == 200)
        for presented in (made.presented, CONFIGURED):
            _, told, _ = setting.chat(presented)
            assert gateway.decision(told["x-turnout-decision"]).rule == "paid"
            assert setting.chat(presented, "small")[0] == 403
        assert setting.chat(None)[0] == 401


async def test_a_gateway_with_tenants_in_two_places_does_not_start(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    Desk(TenancyStore(tmp_path / "data"), SystemClock()).create_tenant(Tenant(name="globex"))
    (tmp_path / "turnout.yaml").write_text(DECLARED.format(provider=provider, key=CONFIGURED))
    with pytest.raises(ConfigError, match=r"tenants stand in this file, and others in the store.*globex"):
        async with ConfiguredRouter.from_config(tmp_path / "turnout.yaml", data=tmp_path / "data"):
            pass
