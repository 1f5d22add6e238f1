"""`turnout keys` and `turnout tenants`, as their user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from turnout.cli.app import app
from turnout.errors import ConfigError, InvalidRequest, Unauthenticated
from turnout.tenancy.directory import Directory
from turnout.tenancy.keys import read
from turnout.tenancy.store import TenancyStore
from turnout.types.clock import SystemClock

TARGETS = """
providers: {nobody: {dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets: {model: {provider: nobody, model: a-model}}
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TURNOUT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TURNOUT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    configure("{from: store}")
    return tmp_path / "data"


def configure(tenants: str) -> None:
    Path("turnout.yaml").write_text(f"{TARGETS}tenants: {tenants}\n")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def done(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def holder_of(presented: str, data: Path) -> Any:
    directory = Directory(TenancyStore(data), SystemClock())
    directory.known = directory.draft(None)
    return directory.identify(presented)


def test_a_key_is_made_for_a_tenant_and_printed_alone(directory: Path) -> None:
    assert "turnout keys create --tenant acme" in run("tenants", "create", "acme", "--tier", "gold").stdout
    result = run("keys", "create", "--tenant", "acme", "--project", "web", "--route", "faq", "--expires", "90d")
    presented = result.stdout.strip()
    assert read(presented)
    assert presented not in result.stderr
    assert "shown this once" in result.stderr
    holder = holder_of(presented, directory)
    assert (holder.tenant.tier, holder.project, holder.routes) == ("gold", "web", ("faq",))
    (shown,) = done("keys", "list", "--tenant", "acme")
    assert (shown["id"], shown["state"]) == (presented[:15], "works")
    assert done("keys", "list", "--tenant", "globex") == []


def test_a_rotated_key_overlaps_for_as_long_as_it_is_told_to(directory: Path) -> None:
    run("tenants", "create", "acme")
    made = done("keys", "create", "--tenant", "acme")
    rotated = done("keys", "rotate", made["details"]["id"], "--overlap", "7d")
    assert rotated["details"]["overlaps_until"] > rotated["details"]["created"]
    assert holder_of(made["key"], directory).key == holder_of(rotated["key"], directory).key
    assert "rotates until" in run("keys", "list").stdout
    assert "does not work any more" in run("keys", "rotate", made["details"]["id"], "--overlap", "0").stderr
    with pytest.raises(Unauthenticated, match="rotated"):
        holder_of(rotated["key"], directory)


def test_a_key_is_revoked_once_that_is_confirmed(directory: Path) -> None:
    run("tenants", "create", "acme")
    made = done("keys", "create", "--tenant", "acme", "--expires", "1h")
    assert run("keys", "revoke", made["details"]["id"]).exit_code == 1
    assert holder_of(made["key"], directory)
    assert "works until" in run("keys", "list").stdout
    assert "within 2 s" in run("keys", "revoke", made["details"]["id"], "--yes").stdout
    with pytest.raises(Unauthenticated, match="revoked"):
        holder_of(made["key"], directory)
    assert "revoked 20" in run("keys", "list").stdout


def test_a_tenant_is_added_shown_changed_and_removed() -> None:
    assert "no tenants yet" in run("tenants", "list").stdout
    assert "no keys yet" in run("keys", "list").stdout
    made = done("tenants", "create", "acme", "--tag", "a=b", "--revenue", "499.50", "--route", "faq", "--route", "x-*")
    assert (made["tags"], made["revenue_usd"], made["routes"]) == ({"a": "b"}, "499.50", ["faq", "x-*"])
    assert done("tenants", "set", "acme", "--tier", "gold", "--revenue", "")["revenue_usd"] is None
    assert done("tenants", "show", "acme")["routes"] == ["faq", "x-*"]
    assert done("tenants", "set", "acme", "--route", "", "--tag", "")["tags"] == {}
    run("keys", "create", "--tenant", "acme")
    assert "1, of which 0 revoked" in run("tenants", "show", "acme").stdout
    assert "gold" in run("tenants", "list").stdout
    assert [each["name"] for each in done("tenants", "list")] == ["acme"]
    assert run("tenants", "remove", "acme").exit_code == 1
    assert "and 1 key with it" in run("tenants", "remove", "acme", "--yes").stdout
    assert done("keys", "list") == []


def test_budgets_and_limits_are_set_shown_and_taken_away() -> None:
    budgets = ("--budget", "50/day", "--budget", "5/month,of=user,timezone=Europe/Berlin,hard=false")
    made = done("tenants", "create", "acme", *budgets, "--requests-per-minute", "600", "--concurrent", "20")
    assert [each["name"] for each in made["budgets"]] == ["acme/tenant-day", "acme/user-month"]
    assert made["limit"] == {"requests_per_minute": 600, "tokens_per_minute": None, "concurrent": 20}
    assert "50 USD/day, 5 USD/month of each user (soft)" in run("tenants", "show", "acme").stdout
    changed = done("tenants", "set", "acme", "--concurrent", "0", "--tokens-per-minute", "9", "--budget", "")
    assert changed["limit"] == {"requests_per_minute": 600, "tokens_per_minute": 9, "concurrent": None}
    assert changed["budgets"] == []
    key = done("keys", "create", "--tenant", "acme", "--concurrent", "2", "--route", "faq")["details"]["id"]
    changed = done("keys", "set", key, "--requests-per-minute", "5", "--name", "web", "--route", "")
    assert changed["limit"] == {"requests_per_minute": 5, "tokens_per_minute": None, "concurrent": 2}
    assert (changed["name"], changed["routes"]) == ("web", [])
    assert "2 at a time" in " ".join(run("keys", "list").stdout.split())
    assert "within 2 s" in run("keys", "set", key, "--concurrent", "0").stdout


def test_tenants_of_the_file_are_listed_and_get_keys_and_are_changed_there(directory: Path) -> None:
    configure("{acme: {tier: gold}}")
    assert [each["tier"] for each in done("tenants", "list")] == ["gold"]
    assert read(run("keys", "create", "--tenant", "acme").stdout.strip())
    refused = run("tenants", "create", "globex").exception
    assert isinstance(refused, InvalidRequest)
    assert "Change them there" in refused.message


def test_without_tenants_there_are_no_keys() -> None:
    Path("turnout.yaml").write_text(TARGETS)
    refused = run("keys", "list").exception
    assert isinstance(refused, ConfigError)
    assert "Write `tenants: {from: store}`" in refused.fix


WRONG = [
    (("keys", "create", "--tenant", "acme", "--expires", "soon"), "no duration"),
    (("keys", "rotate", "tk_1", "--overlap", "never"), "no duration"),
    (("tenants", "create", "acme", "--tag", "enterprise"), "no label"),
    (("tenants", "create", "acme", "--revenue", "lots"), "no amount"),
    (("tenants", "create", "acme", "--revenue", "-1"), "no amount"),
    (("tenants", "set", "acme"), "what is to change"),
    (("keys", "set", "tk_1"), "what is to change"),
    (("tenants", "create", "acme", "--budget", "lots"), "Write 50/day"),
    (("tenants", "create", "acme", "--budget", "5/day,soft"), "is no budget"),
    (("tenants", "create", "acme", "--budget", "5/day,timezone=Nowhere"), "unknown time zone"),
    (("tenants", "create", "acme", "--budget", "5/day", "--budget", "6/day"), "another `name`"),
    (("tenants", "create", "acme", "--concurrent", "-1"), "greater than or equal to 0"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_understood_is_told_with_an_example(arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())
