"""`turnout advise` as its user meets it: five companies, a trace, a ledger, an interview."""

from __future__ import annotations

import csv
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from turnout.cli.app import app
from turnout.errors import ConfigError, LedgerError

HERE = Path(__file__).parent
REAL = Path(os.environ.get("TURNOUT_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
COLUMNS = (
    "id",
    "time",
    "tenant",
    "user",
    "target",
    "feedback",
    "cost_usd",
    "input_tokens",
    "output_tokens",
    "latency_ms",
)
PRICES = {"legal": ("strong=2.50/10", "cheap=0.60/0.60")}
"""What a company pays, in USD per million tokens; the others 3 and 15, and 0.80 and 4."""
APPROACH = {
    "small": "single",
    "support": "rules",
    "legal": "cascade",
    "outage": "fallback",
    "saas": "cost_aware",
}


def run(*arguments: str, entered: str | None = None) -> Result:
    return CliRunner().invoke(app, ["advise", *arguments], input=entered, env={"COLUMNS": "120"})


def company(name: str) -> list[str]:
    prices = PRICES.get(name, ("strong=3/15", "cheap=0.80/4"))
    return ["--answers", str(HERE / "companies" / f"{name}.yaml"), *(f"--assume={price}" for price in prices)]


def told(*arguments: str) -> dict[str, Any]:
    found = run(*arguments, "--json")
    assert found.exit_code == 0, found.output
    whole: dict[str, Any] = json.loads(found.stdout)
    return whole


@pytest.mark.parametrize("name", APPROACH)
def test_each_company_gets_the_advice_that_was_read_and_found_good(name: str) -> None:
    found = run(*company(name))
    assert found.exit_code == 0, found.output
    assert found.stdout == (HERE / "companies" / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize(("name", "approach"), APPROACH.items())
def test_each_company_gets_its_approach_and_a_configuration_that_is_sound(
    name: str, approach: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "turnout.yaml"
    assert told(*company(name), "--write", str(file))["recommended"]["approach"] == approach
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    checked = CliRunner().invoke(app, ["config", "check", str(file)])
    assert checked.exit_code == 0, checked.output
    again = run(*company(name), "--write", str(file))
    assert isinstance(again.exception, ConfigError)
    assert "is there already" in str(again.exception)


def test_models_of_the_price_list_are_written_as_targets(tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    answers = ["--answers", str(HERE / "companies" / "outage.yaml")]
    whole = told(
        *answers, "--assume", "strong=openai/gpt-4o", "--assume", "cheap=openai/gpt-4o-mini", "--write", str(file)
    )
    assert whole["assumptions"]["strong"]["price"]["version"].startswith("genai-prices")
    text = file.read_text("utf-8")
    assert "strong: {provider: openai, model: gpt-4o}" in text
    assert "backup: {provider: anthropic" in text


def test_a_cascade_that_loses_money_is_declined_with_its_arithmetic() -> None:
    found = run(*company("legal"), "--assume", "strong=1/2", "--assume", "cheap=0.80/1.60")
    assert found.exit_code == 0, found.output
    assert "Don't cascade." in found.stdout
    assert "It loses money where more than 20 % escalate." in " ".join(found.stdout.split())


def write_trace(
    file: Path, days: int, header: tuple[str, ...] = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
) -> None:
    with file.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow([*header, "customer_id", "weak_correct", "interactive", "intent"])
        for number in range(days * 40):
            at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=36 * number)
            tokens = 900_000 + 1_000 * (number // 40)
            extra = ("big" if number % 4 else "small", number % 10 < 8, number % 2, f"kind{number % 3}")
            table.writerow([at.isoformat(), tokens, 100_000, *extra])


def test_a_trace_tells_its_volume_tenants_and_shares(tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    write_trace(file, 35)
    facts = told("--trace", str(file), "--column", "tenant=customer_id")["facts"]
    tokens = facts["tokens_per_day"]
    assert tokens["low"] < tokens["value"] < tokens["high"]
    assert tokens["value"] == pytest.approx(40 * 1_017_000)
    assert facts["tenants"]["value"] == 2
    assert facts["top_tenant"]["value"] == pytest.approx(0.75, abs=0.01)
    assert facts["cheaper_share"]["value"] == pytest.approx(0.8)
    assert facts["latency_share"]["value"] == pytest.approx(0.5)
    assert facts["categories"]["value"] == 3
    assert facts["growth"]["value"] == pytest.approx(0.029, abs=0.005)


def test_an_hour_of_traffic_says_how_a_day_was_made_of_it(tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    file.write_text("timestamp_ms,input_tokens,output_tokens\n0,900,100\n3600000,900,100\n")
    tokens = told("--trace", str(file), "--assume", "busy_hours=10")["facts"]["tokens_per_day"]
    assert (tokens["low"], tokens["value"], tokens["high"]) == (2_000, 10_000, 24_000)
    assert "busy_hours" in tokens["how"]


@pytest.mark.parametrize(
    ("text", "arguments", "problem"),
    [
        ("a,b\n1,2\n", (), "no column is its time"),
        ("time,input_tokens,output_tokens\nsoon,1,2\n", (), "'time' is 'soon'"),
        ("time,input_tokens,output_tokens\n1,-1,2\n", (), "'input_tokens' is '-1'"),
        ("time,input_tokens,output_tokens\n1e30,1,2\n", (), "'time' is '1e30'"),
        ("time,input_tokens,output_tokens\n1,1,2\n", ("--column", "tenant=who"), "no column 'who'"),
        ("time,input_tokens,output_tokens\n1,1,2\n", ("--column", "colour=time"), "nothing that a trace tells"),
    ],
)
def test_a_trace_that_makes_no_sense_is_told_with_its_line(
    text: str, arguments: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(text)
    found = run("--trace", str(file), *arguments)
    assert isinstance(found.exception, ConfigError)
    assert problem in str(found.exception)


@pytest.mark.parametrize("name", ["azure_llm_trace_2023_conv", "mooncake_traces"])
def test_real_traces_are_read_as_they_are(name: str) -> None:
    file = REAL / f"{name}.parquet"
    if not file.exists():
        pytest.skip(f"the public traces are not here: {file}")
    whole = told("--trace", str(file))
    assert whole["facts"]["tokens_per_day"]["value"] > 1e6
    assert "cheaper_share" in whole["unknown"]


def test_the_ledger_tells_what_it_has_seen(tmp_path: Path) -> None:
    with (tmp_path / "requests.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(COLUMNS)
        now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for number in range(40 * 10):
            at = now - timedelta(days=10) + timedelta(minutes=36 * number)
            cheap = number % 4 == 0
            good = 1 if number % 10 else 0
            row = ("cheap", good, 0.001) if cheap else ("strong", good, 0.01)
            table.writerow([f"r{number:04}", at.isoformat(), f"t{number % 3}", f"u{number % 50}", *row, 900, 100, 300])
    data = str(tmp_path / "data")
    imported = CliRunner().invoke(app, ["ledger", "import", str(tmp_path / "requests.csv"), "--data", data])
    assert imported.exit_code == 0, imported.output
    facts = told("--data", data, "--answer", "outage_critical=no")["facts"]
    assert facts["tokens_per_day"]["value"] == pytest.approx(40_000)
    assert facts["tenants"]["value"] == 3
    assert facts["cheap_cost"]["value"] == pytest.approx(0.1)
    assert facts["cheaper_share"]["low"] < 0.25
    assert facts["cheaper_share"]["high"] > 0.75
    assert facts["cost_per_month"]["value"] == pytest.approx(30 * (10 * 0.001 + 30 * 0.01), rel=0.02)


def test_the_page_stands_by_itself_and_says_what_the_terminal_says(tmp_path: Path) -> None:
    file = tmp_path / "advice.html"
    assert run(*company("legal"), "--html", str(file)).exit_code == 0
    page = file.read_text("utf-8")
    assert "<h1>Route. Recommended: cascade: cheap first, escalate.</h1>" in page
    assert "$5,850 a month on the strong model" in page
    assert "http" not in page
    assert "<script" not in page
    found = run(*company("legal"), "--html", str(tmp_path / "no" / "advice.html"))
    assert isinstance(found.exception, ConfigError)


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    found = run("--data", str(tmp_path))
    assert isinstance(found.exception, LedgerError)
    assert "no request" in str(found.exception)
    assert "turnout advise --interview" in str(found.exception)


def test_a_person_is_asked_for_what_is_not_known_and_may_not_know_it_either() -> None:
    found = run("--interview", "--json", entered="many\n3M\n" + "\n" * 40)
    assert found.exit_code == 0, found.output
    whole = json.loads(found.stdout[found.stdout.index('{"verdict"') :])
    assert whole["facts"]["tokens_per_day"]["value"] == 3_000_000
    assert whole["verdict"] == "not needed"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--answer", "colour=red"), "no question 'colour'"),
        (("--answer", "tenants=several"), "no figure"),
        (("--answer", "cheaper_share=140%"), "no share"),
        (("--answer", "tenants=-1"), "less than nothing"),
        (("--assume", "colour=1"), "no assumption 'colour'"),
        (("--assume", "rules_finds=5%"), "must be above"),
        (("--assume", "input_share=3"), "is a share"),
        (("--assume", "busy_hours=30"), "busy hours"),
        (("--assume", "strong=acme/gpt"), "no model with a price"),
        (("--assume", "strong=openai/none-such"), "no price for"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: tuple[str, ...], problem: str) -> None:
    found = run(*company("small"), *arguments)
    assert isinstance(found.exception, ConfigError)
    assert problem in str(found.exception)
