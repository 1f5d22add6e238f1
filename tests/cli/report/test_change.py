"""`turnout report --explain-change` in a terminal and for machines."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.insight.test_cost_change import AFTER, BEFORE, by_the_dearer, usual
from tests.ledger.test_sqlite import append
from turnout.cli.app import app
from turnout.cli.report.change import parse_period
from turnout.errors import ConfigError
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore

TODAY = date(2026, 11, 18)  # a Wednesday


@pytest.mark.parametrize(
    ("written", "first", "until"),
    [
        ("2026-02", "2026-02-01", "2026-03-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-11-05", "2026-11-05", "2026-11-06"),
        ("2026-11-01..2026-11-07", "2026-11-01", "2026-11-08"),
        ("today", "2026-11-18", "2026-11-19"),
        ("Yesterday", "2026-11-17", "2026-11-18"),
        ("this-week", "2026-11-16", "2026-11-23"),
        ("last-week", "2026-11-09", "2026-11-16"),
        ("this-month", "2026-11-01", "2026-12-01"),
        ("last-month", "2026-10-01", "2026-11-01"),
    ],
)
def test_a_period_is_whole_days(written: str, first: str, until: str) -> None:
    period = parse_period(written, TODAY)
    assert [f"{edge:%Y-%m-%d}" for edge in period] == [first, until]


@pytest.mark.parametrize("written", ["", "2026-13", "soon", "2026-11-07..2026-11-01", "2026-11-01..", "2026-02-30"])
def test_what_is_no_period_is_told_with_examples(written: str) -> None:
    with pytest.raises(ConfigError, match=r"is no period\. Write 2026-11"):
        parse_period(written, TODAY)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    store = SqliteStore(database_file(directory))
    append(store, *(usual(number, BEFORE) for number in range(100)), *by_the_dearer(AFTER))
    store.close()
    return directory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_the_terminal_names_the_cause_and_who_contributes(data: Path) -> None:
    told = run("--data", data, "--explain-change", "2026-03-02..2026-03-08", "2026-03-09..2026-03-15")
    assert told.exit_code == 0, told.output
    assert "2 Mar 2026 – 8 Mar 2026 (7 days, UTC)" in told.stdout
    assert "(+200 %)" in told.stdout
    lines = told.stdout.splitlines()
    (cause,) = [line for line in lines if line.startswith("choice of target")]
    assert "acme/support/sonnet" in cause
    assert any(line.startswith("together") for line in lines)


def test_the_json_adds_up(data: Path) -> None:
    told = json.loads(
        run("--data", data, "--json", "--explain-change", "2026-03-02..2026-03-08", "2026-03-09..2026-03-15").stdout
    )
    assert sum(Decimal(amount) for amount in told["causes"].values()) == Decimal(told["change_usd"])
    assert Decimal(told["cost_after"]) - Decimal(told["cost_before"]) == Decimal(told["change_usd"]) > 0
