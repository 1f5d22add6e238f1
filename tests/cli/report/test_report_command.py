"""`turnout report` in a terminal, for machines, and as a page."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bench.ledger.traffic import traffic
from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.cli.app import app
from turnout.errors import ConfigError
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks of a company's traffic, and a tenant whose name is an attack."""
    directory = tmp_path_factory.mktemp("data")
    store = SqliteStore(database_file(directory))
    append(store, *traffic(400, days=14, until=NOW - timedelta(hours=3)))
    odd = {
        "tenant": "=cmd|' /C calc'!A0",
        "user": "<script>alert(1)</script>",
        "time": timestamp(NOW - timedelta(hours=1)),
    }
    append(store, samples.a_decision(**odd, cost_usd=None, source="\x1b[31mred"))
    store.close()
    return directory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_the_terminal_shows_every_figure_with_its_unit(data: Path) -> None:
    told = run("--data", data, "--since", "7d", "--by", "tenant", "--limit", 3)
    assert told.exit_code == 0, told.output
    for word in ("spend", "baseline", "saved, net", "requests", "first token", "added by turnout", " ms", "tenant-00"):
        assert word in told.stdout
    assert "and " in told.stdout
    assert "more: --limit shows them" in told.stdout
    assert "1 request has a call of unknown price" in told.stdout


def test_long_names_are_cut_and_figures_never(tmp_path: Path) -> None:
    store = SqliteStore(database_file(tmp_path))
    append(store, samples.a_decision(user="u" * 90, time=timestamp(NOW - timedelta(hours=1))))
    store.close()
    (line,) = [line for line in run("--data", tmp_path, "--by", "user,target").stdout.splitlines() if "uuu" in line]
    assert line.count("…") == 1
    assert "$" in line


def test_names_cannot_command_the_terminal(data: Path) -> None:
    told = run("--data", data, "--by", "source")
    assert "\x1b[31m" not in told.stdout
    assert "\\x1b[31mred" in told.stdout


def test_the_json_is_one_object_that_adds_up(data: Path) -> None:
    report = json.loads(run("--data", data, "--by", "route,rule", "--json").stdout)
    assert report["total"]["decisions"] == 401
    assert sum(line["decisions"] for line in report["lines"]) == 401
    assert sum(step["decisions"] for step in report["steps"]) == 401
    lines = sum(Decimal(line["cost_usd"]) for line in report["lines"])
    assert lines == Decimal(report["total"]["cost_usd"]) > 0
    assert report["latency_ms"]["total"]["p99"] >= report["latency_ms"]["total"]["p50"] > 0
    assert {call["provider"] for call in report["calls"]} >= {"anthropic", "inhouse"}


def test_no_cell_of_the_csv_is_a_formula(data: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("--data", data, "--by", "tenant", "--csv").stdout)))
    assert sum(int(row["decisions"]) for row in rows) == 401
    assert "'=cmd|' /C calc'!A0" in {row["tenant"] for row in rows}
    assert not any(row["tenant"].startswith("=") for row in rows)


def test_the_page_needs_nothing_from_anywhere_and_runs_nothing(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    told = run("--data", data, "--by", "user", "--html", path)
    assert told.exit_code == 0
    assert f"Wrote {path}" in told.stderr
    page = path.read_text()
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<svg" in page


def test_mistakes_are_told_in_a_line(data: Path, tmp_path: Path) -> None:
    assert isinstance(run("--data", data, "--by", "colour").exception, ConfigError)
    assert isinstance(run("--data", data, "--html", tmp_path / "no" / "page.html").exception, ConfigError)
    assert isinstance(run("--data", data, "--since", "1d", "--until", "2d").exception, ConfigError)
    both = run("--data", data, "--json", "--csv")
    assert both.exit_code == 2
    assert "Choose one of" in both.stderr


def test_an_empty_ledger_says_what_to_do_next(tmp_path: Path) -> None:
    told = run("--data", tmp_path)
    assert told.exit_code == 0
    assert "Start the gateway" in told.stderr
