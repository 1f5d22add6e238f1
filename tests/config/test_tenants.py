"""Tenants and keys as a configuration has them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from turnout.config.load import load_config_text
from turnout.config.show import settings
from turnout.config.tenancy import declared, desk_of
from turnout.errors import ConfigError, ConfigErrors
from turnout.types.clock import SystemClock
from turnout.types.tenant import Tenant

TARGETS = "providers: {openai: {}}\ntargets: {model: {provider: openai, model: gpt-4o}}\n"
ENV = {"OPENAI_API_KEY": "x"}


def test_a_tenant_is_what_the_file_says() -> None:
    text = TARGETS + "tenants:\n  acme: {tier: gold, tags: {seg: big}, routes: [a, b-*], revenue: 499.5}\n  globex:\n"
    acme = Tenant(name="acme", tier="gold", tags={"seg": "big"}, routes=("a", "b-*"), revenue_usd=Decimal("499.5"))
    assert declared(load_config_text(text, ENV)) == {"acme": acme, "globex": Tenant(name="globex")}


def test_tenants_of_the_store_are_not_declared() -> None:
    loaded = load_config_text(TARGETS + "tenants: {from: store}\n", ENV)
    assert declared(loaded) is None
    assert {each.key: each.value for each in settings(loaded)}["tenants.from"] == "store"


BOTH = "tenants: tenants stand in the store, and here as well (acme). Keep one: "
NAMED = "tenants.a/b: 'a/b' is no tenant's name. A name has 1 to 64 letters, digits, dots, dashes and underscores"
WRONG = [
    ("tenants: {from: store, acme: {}}", BOTH),
    ("tenants: {from: file}", "tenants.from: it should be 'store'. Write one of them."),
    ("tenants: {acme: {teir: gold}}", "tenants.acme.teir: unknown key 'teir'. Did you mean 'tier'?"),
    ("tenants: {a/b: {}}", NAMED),
    ("tenants: {acme: {revenue: -1}}", "tenants.acme.revenue: it should be greater than or equal to 0."),
    (
        "tenants: {acme: {}}\nserver: {keys: [{key: k, tenant: amce}]}",
        "server.keys.0.tenant: unknown tenant 'amce'. Did you mean 'acme'?",
    ),
    ("server: {keys: [{tenant: acme}]}", "server.keys.0.key: 'key' is missing. Add it."),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_with_tenants_is_told_with_its_fix(text: str, told: str) -> None:
    with pytest.raises(ConfigErrors) as refused:
        load_config_text(TARGETS + text, ENV)
    (error,) = refused.value.errors
    assert told in str(error)


def test_keys_need_tenants(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="keys would belong to nobody"):
        desk_of(load_config_text(TARGETS, ENV), tmp_path, SystemClock())
