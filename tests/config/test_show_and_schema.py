"""The configuration in effect, its JSON Schema, and the starter."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.config.configs import ENV, with_routes
from turnout.config.check import check
from turnout.config.compile import compile_routes
from turnout.config.defaults import SUGGESTIONS, default_configuration
from turnout.config.json_schema import json_schema
from turnout.config.load import load_config, load_config_text
from turnout.config.show import MASK, settings
from turnout.config.starter import starter
from turnout.providers.known import KNOWN_PROVIDERS

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_every_setting_says_where_it_comes_from_and_secrets_are_masked(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(
        with_routes("r: {policy: [haiku, gpt-4o], timeouts: {total: 90s}}") + "server: {port: '${P}', keys: ['${K}']}\n"
    )
    env = {**ENV, "P": "81", "K": "sk-canary"}
    shown = {each.key: (each.value, each.origin) for each in settings(load_config(file, env))}
    assert shown["routes.r.timeouts.total"] == ("90s", f"{file}:9")
    assert shown["routes.r.timeouts.connect"] == ("1s", "default")
    assert shown["routes.r.policy.1"] == ("gpt-4o", f"{file}:9")
    assert shown["server.port"] == (81, f"{file}:10 as ${{P}}")
    assert shown["server.keys.0"] == (MASK, f"{file}:10 as ${{K}}")
    assert shown["providers.openai.api_key"] == (MASK, "environment OPENAI_API_KEY")
    assert shown["providers.openai.base_url"] == ("https://api.openai.com/v1", "known provider")
    assert "canary" not in str(shown)


def test_without_a_file_settings_come_from_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = {each.key: each.origin for each in settings(load_config(None, ENV))}
    assert shown["routes.auto.policy.0"] == "keys in the environment"
    assert shown["routes.auto.timeouts.total"] == "default"
    assert shown["server.port"] == "default"


def test_the_json_schema_is_one_and_takes_what_turnout_takes() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    examples = Path(__file__).parents[2] / "examples"
    for file in sorted(examples.glob("*.yaml")):
        jsonschema.validate(yaml.safe_load(file.read_text()), schema)
    for env in ({}, ENV):
        jsonschema.validate(yaml.safe_load(starter(env)), schema)


@pytest.mark.parametrize(
    "route",
    [
        {"policy": "a", "timeouts": {"total": 5}},
        {"policy": "a", "unknown": 1},
        {"policy": {"rules": [{"use": "a"}]}},
        {"policy": {"weighted": [{"use": "a", "weight": -1}]}},
        {"policy": {"rules": [{"name": "x", "when": {"tokens": 3}, "use": "a"}]}},
    ],
)
def test_the_json_schema_refuses_what_turnout_refuses(route: dict) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"targets": {"a": {"provider": "p"}}, "routes": {"r": route}}, json_schema())


def test_every_setting_is_described() -> None:
    undescribed = [
        f"{name}.{field}"
        for name, model in {"": json_schema(), **json_schema()["$defs"]}.items()
        for field, said in model.get("properties", {}).items()
        if not said.get("description") and "$ref" not in said  # the section describes itself
    ]
    assert undescribed == []


ENVIRONMENTS = [
    {},
    {"OPENAI_API_KEY": "k"},
    ENV,
    {KNOWN_PROVIDERS[name].key_env[0]: "k" for name in SUGGESTIONS},
]


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_starter_loads_as_it_stands_and_has_nothing_to_fix(env: dict, tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text(starter(env))
    found = check(file, env, NOW)
    alone = len(load_config(file, env).config.providers) == 1
    assert all("its outage is the chain's" in each.problem for each in found)
    assert bool(found) == alone
    assert compile_routes(load_config(file, env)).find("support") is not None


@pytest.mark.parametrize("env", ENVIRONMENTS[1:])
def test_the_default_configuration_has_a_price_for_every_model(
    env: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [each.problem for each in check(None, env, NOW) if "price" in each.problem] == []
    assert next(iter(default_configuration(env)["routes"])) == "auto"


def test_what_the_starter_comments_out_works_when_it_is_let_in() -> None:
    text = starter(ENV)
    text = text.replace("  # trial:", "  trial:").replace("  #   ", "    ")
    text = text.replace("# server:", "server:").replace("\n#   ", "\n  ") if "# server:" in text else text
    head, rest = text.split("providers:", 1)
    config = load_config_text("providers:" + rest, {**ENV, "TURNOUT_KEY": "k"}).config
    assert "trial" in config.routes
    assert len(config.server.keys) == 1
    assert head.startswith("# turnout.yaml")
