"""`turnout reconcile` in a terminal and for machines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.insight.test_reconcile import FIRST, a_call, a_request, usual
from tests.ledger.test_sqlite import append
from turnout.cli.app import app
from turnout.errors import ConfigError
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore

HEADER = "start_time_iso,model,num_model_requests,input_tokens,output_tokens,input_cached_tokens,api_key_id\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    store = SqliteStore(database_file(directory))
    append(store, *map(a_request, usual()))
    store.close()
    return directory


def a_bill(path: Path, *days: str, more: int = 0) -> Path:
    """What OpenAI exports: `more` calls on the last day than the ledger has."""
    calls = [call for call in usual() if call.started[:10] in days]
    lines = [f"{call.started},{call.model},1.0,3000,500,1000,gateway" for call in calls]
    lines += [f"{days[-1]}T12:00:00+00:00,gpt-4o,1.0,3000,500,1000,laptop"] * more
    path.write_text(HEADER + "\n".join(lines) + "\n")
    return path


def run(*arguments: object, data: Path) -> Result:
    return CliRunner().invoke(app, ["reconcile", *map(str, arguments), "--data", str(data)])


def test_a_bill_that_agrees_exits_with_0(data: Path, tmp_path: Path) -> None:
    told = run(a_bill(tmp_path / "bill.csv", "2026-11-02", "2026-11-03"), data=data)
    assert told.exit_code == 0, told.output
    assert "OpenAI's bill of 2 Nov 2026 – 3 Nov 2026, held against calls to openai" in told.stdout
    assert "billed 504,000 tokens, recorded 504,000 tokens: ±0 tokens (+0.0 %)" in told.stdout
    assert "2 of 2 days and models agree within 1 %." in told.stdout


def test_a_gap_is_shown_with_its_cause_and_exits_with_1(data: Path, tmp_path: Path) -> None:
    bill = a_bill(tmp_path / "bill.csv", "2026-11-02", "2026-11-03", more=8)
    told = run(bill, data=data)
    assert told.exit_code == 1
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("2026-11-03")]
    shown = "2026-11-03 gpt-4o 280,000 tokens 252,000 tokens +28,000 tokens +10 % outside"
    assert " ".join(line.split()) == shown
    assert "outside: gpt-4o, 3 Nov 2026: the bill counts 80 requests, the ledger 72" in told.stdout
    assert run(bill, "--tolerance", "15%", data=data).exit_code == 0
    assert run(bill, "--tolerance", "0.15", data=data).exit_code == 0
    assert run(bill, "--only", "api_key_id=gateway", data=data).exit_code == 0


def test_several_files_and_many_gaps_are_cut_to_the_largest(data: Path, tmp_path: Path) -> None:
    bills = [a_bill(tmp_path / f"{day}.csv", f"2026-11-0{day}", more=5 + day) for day in (2, 3)]
    told = run(*bills, "--limit", 1, data=data)
    assert told.exit_code == 1
    assert "2026-11-03" in told.stdout
    assert "2026-11-02" not in told.stdout
    assert "... and 1 further gaps (--limit)." in told.stdout


def test_the_json_has_every_day_and_model(data: Path, tmp_path: Path) -> None:
    told = run(a_bill(tmp_path / "bill.csv", "2026-11-02", "2026-11-03", more=8), "--json", data=data)
    assert told.exit_code == 1
    whole = json.loads(told.stdout)
    assert whole["agrees"] is False
    assert [(row["day"], row["gap"], row["agrees"]) for row in whole["rows"]] == [
        ("2026-11-02", "0", True),
        ("2026-11-03", "28000", False),
    ]
    assert whole["rows"][1]["causes"][0]["kind"] == "outside"


def test_an_empty_ledger_is_said_to_be_one(tmp_path: Path) -> None:
    told = run(a_bill(tmp_path / "bill.csv", "2026-11-02"), data=tmp_path / "data")
    assert told.exit_code == 1
    assert "held against calls to no provider" in told.stdout
    assert "retention: gpt-4o, 2 Nov 2026: the ledger has no call at all" in told.stdout.replace("\n", " ")


def test_names_from_a_bill_cannot_command_the_terminal(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(HEADER + f"{a_call(FIRST).started},\x1b[31mred [bold]x,1,3000,500,0,k\n")
    told = run(path, data=data)
    assert "\x1b[31m" not in told.stdout
    assert "[bold]x" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--tolerance", "lots"], r"--tolerance lots is no share\. Write 1% or 0\.01"),
        (["--tolerance", "200%"], r"is no share"),
        (["--only", "api_key_id"], r"names no value\. Write --only COLUMN=VALUE"),
        (["--provider", "us"], r"no call to a provider 'us'\. There are: openai"),
    ],
)
def test_options_that_make_no_sense_are_told(data: Path, tmp_path: Path, arguments: list[str], told: str) -> None:
    bill = a_bill(tmp_path / "bill.csv", "2026-11-02")
    result = run(bill, *arguments, data=data)
    assert isinstance(result.exception, ConfigError)
    assert re.search(told, str(result.exception))
