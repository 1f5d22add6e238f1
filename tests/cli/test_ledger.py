"""`turnout ledger`, as its user meets it."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner, Result

from tests.cli.test_decisions import record
from tests.ledger import samples
from turnout.cli.ledger import app
from turnout.errors import LedgerError, MissingExtra
from turnout.insight.export import row_of, without_apostrophe, write_csv
from turnout.insight.query import Filter
from turnout.insight.sums import summary
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TURNOUT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TURNOUT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def done(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def some() -> list[Decision]:
    return [
        samples.a_decision(time=timestamp(NOW - timedelta(days=days)), user=user, tenant=tenant)
        for days, user, tenant in ((100, "eve", "acme"), (10, "bob", "acme"), (1, "eve", "other"))
    ]


def stored(data: Path) -> list[Decision]:
    store = SqliteStore(database_file(data))
    return [found for each in samples.recorded(store) if (found := store.read(each))]


def test_where_there_is_no_ledger_it_says_so_and_makes_none(data: Path) -> None:
    for command in (["info"], ["export", "-"], ["purge", "--user", "eve", "--yes"], ["vacuum"]):
        result = run(*command)
        assert isinstance(result.exception, LedgerError), result.output
        assert "There is no ledger in" in str(result.exception)
    assert not data.exists()


def test_info_tells_how_much_there_is_of_what(data: Path) -> None:
    record(data, *some())
    told = done("info")
    assert told["rows"]["decisions"] == told["rows"]["attempts"] == 3
    assert told["bytes"] >= database_file(data).stat().st_size
    assert told["oldest"] == some()[0].time
    text = run("info").stdout
    assert "3 rows" in text
    assert "version" in text


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_what_is_exported_is_imported_elsewhere_once(data: Path, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("pyarrow")
    record(data, *some())
    file = str(tmp_path / f"all.{kind}")
    assert done("export", file) == {"file": file, "decisions": 3}
    other = str(tmp_path / "other")
    for known in (0, 3):
        told = done("import", file, "--data", other)
        assert (told["read"], told["new"], told["known"]) == (3, 3 - known, known)
        assert told["oldest"] == some()[0].time
    one, two = ([row_of(each) for each in stored(Path(where))] for where in (data, other))
    if kind != "jsonl":  # a table has no place for how many attempts there were
        assert [each.pop("attempts") for each in two] == [1, 1, 1]
        for each in one:
            each.pop("attempts")
    assert [sorted(map(str, each.items())) for each in two] == [sorted(map(str, each.items())) for each in one]
    assert summary(SqliteStore(database_file(Path(other))), Filter()).cost_usd == 3 * some()[0].cost_usd  # type: ignore[operator]
    assert not list(tmp_path.glob("*.part"))


def test_only_what_is_wanted_goes_to_standard_output(data: Path) -> None:
    record(data, *some())
    result = run("export", "-", "--user", "eve", "--since", "30d")
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["tenant"] == "other"


def test_a_cell_is_never_a_formula(data: Path, tmp_path: Path) -> None:
    wicked = '=HYPERLINK("http://evil")'
    record(data, samples.a_decision(user=wicked, source="-1+1", time=timestamp(NOW)))
    run("export", str(tmp_path / "all.csv"))
    (row,) = csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text()))
    assert row["user"] == f"'{wicked}"
    assert row["source"] == "'-1+1"
    done("import", str(tmp_path / "all.csv"), "--data", str(tmp_path / "other"))
    assert stored(tmp_path / "other")[0].user == wicked


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
@given(samples.decisions)
def test_every_record_is_a_row_whose_cells_stand_for_its_values(decision: Decision) -> None:
    out = io.BytesIO()
    write_csv([decision], out)
    header, cells = csv.reader(io.StringIO(out.getvalue().decode("utf-8", "surrogatepass"), newline=""))
    row = dict(zip(header, cells, strict=True))
    assert without_apostrophe(row["tenant"]) == decision.tenant
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    assert (Decimal(row["cost_usd"]) if row["cost_usd"] else None) == decision.cost_usd


def test_somebody_elses_table_is_taken_in(tmp_path: Path, data: Path) -> None:
    file = tmp_path / "requests.csv"
    file.write_text("time,model,input_tokens,cost_usd,user,note\n2026-03-01 12:00,gpt-4o,1000,0.0025,u-1,hm\n")
    assert done("import", str(file))["new"] == 1
    assert done("import", str(file))["known"] == 1
    (decision,) = stored(data)
    assert decision.time == "2026-03-01T12:00:00.000+00:00"
    assert (decision.route, decision.target, decision.user) == ("gpt-4o", "gpt-4o", "u-1")
    assert decision.attempts[0].input_tokens == 1_000
    assert decision.cost_usd == Decimal("0.0025")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", "when,model\n", "x.csv: a table needs the columns time and target (or model)"),
        ("x.csv", "time,model\nsoon,m\n", "x.csv:2: Invalid isoformat string: 'soon'"),
        ("x.csv", "time,target\n2026-03-01,\n", "x.csv:2: 'model' is missing"),
        ("x.csv", "time,model,outcome\n2026-03-01,m,fine\n", "x.csv:2: 'fine' is no outcome: answered, "),
        ("x.csv", "time,model,input_tokens\n2026-03-01,m,-1\n", "x.csv:2: input_tokens is negative"),
        ("x.csv", "time,model,cost_usd\n2026-03-01,m,NaN\n", "x.csv:2: cost_usd is no amount"),
        ("x.csv", "time,model,tags\n2026-03-01,m,a=b\n", "x.csv:2: JSON is malformed"),
        ("x.csv", "time,model\n2026-03-01,\udcff\n", "x.csv: not a table in UTF-8, after line 0: "),
        ("x.jsonl", '\n{"id": 7}\n', "x.jsonl:2: not a decision: "),
        ("x.parquet", "no parquet", "x.parquet: not a table: "),
    ],
)
def test_what_is_no_decision_is_told_with_its_line(tmp_path: Path, name: str, content: str, told: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    result = run("import", name)
    assert isinstance(result.exception, LedgerError), result.output
    assert told in str(result.exception)


def test_without_the_extra_parquet_names_the_command_that_installs_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(data, *some())
    (tmp_path / "x.parquet").touch()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    for command in (["export", "new.parquet"], ["import", "x.parquet"]):
        result = run(*command)
        assert isinstance(result.exception, MissingExtra), result.output
        assert "turnout[parquet]" in str(result.exception)
    assert not (tmp_path / "new.parquet").exists()


def test_an_export_that_cannot_be_written_is_told(data: Path) -> None:
    record(data, *some())
    result = run("export", "nowhere/all.csv")
    assert "nowhere/all.csv cannot be written: No such file" in str(result.exception)


@pytest.mark.parametrize(
    "arguments",
    [["export", "all.xls"], ["import", "all.xls"], ["import", "none.csv"], ["purge", "--before", "1d", "--user", "u"]],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output


def test_a_user_is_forgotten_once_that_is_confirmed(data: Path) -> None:
    record(data, *some())
    assert CliRunner().invoke(app, ["purge", "--user", "eve"], input="n\n").exit_code == 1
    assert len(stored(data)) == 3
    result = CliRunner().invoke(app, ["purge", "--user", "eve"], input="y\n")
    assert "Removed every trace of user 'eve': 2 of the decisions." in result.stdout
    assert [each.user for each in stored(data)] == ["bob"]
    assert done("purge", "--tenant", "acme", "--yes")["decisions"] == 1
    assert stored(data) == []


def test_what_is_older_goes_and_its_room_is_given_back(data: Path) -> None:
    record(data, *some(), *(samples.a_decision(time=timestamp(NOW - timedelta(days=50))) for _ in range(200)))
    assert done("purge", "--before", "5d", "--yes")["decisions"] == 202
    assert [each.tenant for each in stored(data)] == ["other"]
    told = done("vacuum")
    assert told["bytes"] < told["bytes_before"]
    with closing(sqlite3.connect(database_file(data))) as file:
        assert file.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert "before, it had" in run("vacuum").stdout


def test_without_an_option_it_goes_as_the_configuration_says(data: Path, tmp_path: Path) -> None:
    (tmp_path / "turnout.yaml").write_text(
        "providers: {openai: {api_key: k}}\ntargets: {a: {provider: openai, model: m}}\n"
        f"ledger: {{directory: {data}, retention: {{decisions: 5d}}}}\n"
    )
    record(data, *some())
    assert done("purge", "--yes")["decisions"] == 2
