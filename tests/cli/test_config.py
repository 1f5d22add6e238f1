"""`turnout config` and `turnout init`, as a new user meets them: real processes, real files, exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SOUND = """\
providers: {openai: {}}
targets: {gpt-4o: {provider: openai, model: gpt-4o}}
routes: {r: {policy: gpt-4o}}
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `turnout` in an empty directory, with one key in the environment."""

    def turnout(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from turnout.cli.app import main; main()", *args],
            cwd=tmp_path,
            env={**os.environ, "OPENAI_API_KEY": "sk-canary", "COLUMNS": "200", **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return turnout


def test_a_first_configuration_is_written_once_and_is_sound(run: Run, tmp_path: Path) -> None:
    written = run("init")
    assert written.returncode == 0, written.stderr
    assert "Wrote turnout.yaml (found in the environment: OPENAI_API_KEY)" in written.stdout
    assert "sk-canary" not in (tmp_path / "turnout.yaml").read_text()
    again = run("init")
    assert (again.returncode, again.stdout) == (1, "")
    assert "--force" in again.stderr
    assert json.loads(run("init", "--force", "--json").stdout) == {"file": "turnout.yaml", "providers": ["openai"]}
    checked = run("config", "check")
    assert checked.returncode == 0, checked.stdout
    assert "turnout.yaml is sound" in checked.stdout


def test_a_place_that_cannot_be_written_is_a_mistake_of_usage(run: Run) -> None:
    refused = run("init", "no/such/directory.yaml")
    assert refused.returncode == 2
    assert "cannot be written" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_check_tells_every_error_with_line_and_fix_and_exits_with_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / "turnout.yaml").write_text(SOUND.replace("policy: gpt-4o", "policy: gpt4o, basline: gpt-4o"))
    checked = run("config", "check")
    assert checked.returncode == 1
    assert "turnout.yaml:3: routes.r.policy: unknown target 'gpt4o'." in checked.stdout
    assert "Did you mean 'baseline'?" in checked.stdout
    assert "cannot be used: 2 errors." in checked.stdout
    found = json.loads(run("config", "check", "--json").stdout)
    assert [(each["severity"], each["line"], each["key"]) for each in found] == [
        ("error", 3, "routes.r.policy"),
        ("error", 3, "routes.r.basline"),
    ]


def test_a_warning_fails_only_a_strict_check(run: Run, tmp_path: Path) -> None:
    (tmp_path / "turnout.yaml").write_text(SOUND + "server: {host: 0.0.0.0}\n")
    assert run("config", "check").returncode == 0
    assert "is sound, with 1 warning." in run("config", "check").stdout
    assert run("config", "check", "--strict").returncode == 1


def test_a_file_that_is_not_there_is_a_mistake_of_usage(run: Run) -> None:
    for command in ("check", "show"):
        missing = run("config", command, "--config", "none.yaml")
        assert missing.returncode == 2
        assert "none.yaml: there is no such file." in missing.stderr
        assert "Traceback" not in missing.stderr


def test_show_masks_secrets_and_says_where_settings_come_from(run: Run, tmp_path: Path) -> None:
    (tmp_path / "turnout.yaml").write_text(SOUND)
    shown = run("config", "show")
    assert shown.returncode == 0, shown.stderr
    assert "environment OPENAI_API_KEY" in shown.stdout
    as_json = run("config", "show", "--json").stdout
    settings = {each["key"]: each for each in json.loads(as_json)["settings"]}
    assert settings["targets.gpt-4o.model"]["origin"] == "turnout.yaml:2"
    assert "sk-canary" not in shown.stdout + as_json


def test_the_schema_is_json_schema(run: Run) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(run("config", "schema").stdout))


@pytest.mark.parametrize("command", [["init"], ["config", "check"], ["config", "schema"], ["config", "show"]])
def test_every_command_shows_an_example(run: Run, command: list[str]) -> None:
    told = run(*command, "--help")
    assert told.returncode == 0
    described = told.stdout.partition("Usage:")[2].splitlines()[1:]
    assert any(f"turnout {' '.join(command)}" in line for line in described)
    assert "\\b" not in told.stdout


def test_who_calls_no_model_needs_no_key_and_who_does_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "turnout.yaml").write_text(SOUND)
    assert "chosen:   gpt-4o" in run("explain", "--route", "r", "hi", OPENAI_API_KEY="").stdout
    assert run("config", "show", OPENAI_API_KEY="").returncode == 0
    for calling in (("config", "check"), ("serve",)):
        refused = run(*calling, OPENAI_API_KEY="")
        assert refused.returncode != 0
        assert "Set OPENAI_API_KEY" in refused.stdout + refused.stderr
    (tmp_path / "turnout.yaml").write_text(SOUND.replace("openai: {}", "openai: {api_key: '${NOWHERE_SET}'}"))
    assert "NOWHERE_SET is not set" in run("config", "check", OPENAI_API_KEY="").stdout
    assert "is sound" in run("config", "check", "--keyless", OPENAI_API_KEY="").stdout


def test_where_nobody_has_the_keys_everything_else_is_checked(run: Run, tmp_path: Path) -> None:
    spelt = "providers: {openai: {}, mine: {dialect: openai, base_url: 'http://m/v1', api_key: '${MINE}'}}\n"
    secrets = "server: {host: 0.0.0.0, keys: ['${APP}'], admin_keys: [{name: me, key: '${MY}'}]}\n"
    text = SOUND.replace("providers: {openai: {}}\n", spelt) + secrets
    (tmp_path / "turnout.yaml").write_text(text)
    bare = {"OPENAI_API_KEY": ""}
    refused = run("config", "check", **bare)
    assert refused.returncode == 1
    assert "the environment variable MINE is not set" in refused.stdout
    assert "turnout config check --keyless" in refused.stdout
    passed = run("config", "check", "--keyless", "--strict", **bare)
    assert (passed.returncode, passed.stdout) == (0, "turnout.yaml is sound.\n")
    (tmp_path / "turnout.yaml").write_text(
        text.replace("policy: gpt-4o", "policy: gpt4o").replace("0.0.0.0", "'${HOST}'")
    )
    wrong = run("config", "check", "--keyless", **bare)
    assert wrong.returncode == 1
    assert "unknown target 'gpt4o'" in wrong.stdout
    assert "the environment variable HOST is not set" in wrong.stdout
    assert "cannot be used: 2 errors." in wrong.stdout
    assert "--keyless" not in run("config", "check", APP="a" * 20, MY="m" * 20, MINE="x").stdout


def test_explain_takes_the_only_route_and_names_them_where_there_are_several(run: Run, tmp_path: Path) -> None:
    (tmp_path / "turnout.yaml").write_text(SOUND)
    alone = run("explain", "hello")
    assert "chosen:   gpt-4o" in alone.stdout, alone.stderr
    (tmp_path / "turnout.yaml").write_text(
        SOUND.replace("{r: {policy: gpt-4o}}", "{r: {policy: gpt-4o}, s: {policy: gpt-4o}}")
    )
    several = run("explain", "hello")
    assert (several.returncode, several.stdout) == (2, "")
    assert several.stderr == "turnout.yaml: it has several routes. Give --route, one of: r, s.\n"
