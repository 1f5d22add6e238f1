"""`turnout forecast`, as its user meets it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.cli.app import app
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp

CONFIG = """
providers: {nobody: {dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets: {model: {provider: nobody, model: a-model}}
tenants:
  acme: {revenue: 10000, budgets: [{usd: 5, per: month}, {usd: 1, per: day}]}
"""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TURNOUT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TURNOUT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def spend(data: Path, tenant: str, days: int, usd: object) -> None:
    store = SqliteStore(database_file(data))
    times = [datetime.now(UTC) - timedelta(days=each) for each in range(days + 1)]
    cost = None if usd is None else Decimal(str(usd))
    append(store, *(samples.a_decision(tenant=tenant, time=timestamp(at), cost_usd=cost) for at in times))
    store.close()


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["forecast", *arguments], env={"COLUMNS": "140"})
    assert result.exit_code == 0, result.output
    return result


def test_a_tenant_stands_beside_its_budget_and_its_revenue(data: Path) -> None:
    Path("turnout.yaml").write_text(CONFIG)
    spend(data, "acme", 28, 20)
    spend(data, "guest", 2, None)
    told = run().stdout
    assert "acme" in told
    assert "$5.00" in told
    assert "$10,000.00" in told
    assert "over budget" in told
    assert "dearer" not in told
    assert "+ ?" in told
    assert "four whole days" in told


def test_machines_get_the_same_and_one_tenant_alone_if_asked_for(data: Path) -> None:
    spend(data, "acme", 28, 20)
    spend(data, "other", 28, 90)
    assert [row["tenant"] for row in json.loads(run("--json").stdout)] == ["other", "acme"]
    (row,) = json.loads(run("acme", "--json").stdout)
    assert Decimal(row["forecast"]["low_usd"]) == Decimal(row["forecast"]["usd"]) > 0
    assert row["budget_usd"] is row["revenue_usd"] is None
    assert row["verdict"] == ""


def test_a_configuration_without_tenants_has_no_budgets_to_show(data: Path) -> None:
    Path("turnout.yaml").write_text(CONFIG.partition("tenants:")[0])
    spend(data, "acme", 3, 20)
    assert "acme" in run().stdout


def test_an_empty_ledger_says_so() -> None:
    assert "nothing to forecast from" in run().stdout
