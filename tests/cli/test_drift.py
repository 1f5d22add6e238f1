"""`turnout drift`, as its user meets it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from bench.answers import answers
from bench.drift import traffic
from tests.ledger.test_sqlite import append
from turnout.cli.app import app
from turnout.confidence.calibration import Calibration, fit_calibration, save_calibration
from turnout.ledger.ids import new_decision_id
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp

CONFIG = """
providers: {nobody: {dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets:
  cheap:  {provider: nobody, model: small}
  strong: {provider: nobody, model: large}
routes:
  support:
    policy: {cascade: [{use: [cheap], accept: {confidence: 0.6, by: support.json}}, {use: strong}]}
"""


@pytest.fixture
def fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibration:
    monkeypatch.delenv("TURNOUT_CONFIG", raising=False)
    monkeypatch.setenv("TURNOUT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    Path("turnout.yaml").write_text(CONFIG)
    return save_calibration(tmp_path / "support.json", fit_calibration(answers(1_000), target="cheap"))


def record(fitted: Calibration, shift: float) -> None:
    store, now = SqliteStore(database_file(Path("data"))), datetime.now(UTC) - timedelta(hours=1)
    append(
        store,
        *(
            msgspec.structs.replace(each, id=new_decision_id(now), time=timestamp(now), artefact=fitted.id)
            for each in traffic(fitted, 300, shift=shift)
        ),
    )
    store.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["drift", *arguments], env={"COLUMNS": "200"})


def test_quiet_traffic_is_as_measured_and_leaves_with_zero(fitted: Calibration) -> None:
    record(fitted, 0.0)
    told = run()
    assert told.exit_code == 0, told.output
    assert f"support.json {fitted.id}: as measured" in told.stdout.replace("\n", "")
    assert "against those at fitting" in told.stdout
    assert "calibration, in all of the 300 of its route" in told.stdout
    assert "below 0.10 stable, up to 0.25 slight" in told.stdout


def test_moved_traffic_says_why_and_leaves_with_one(fitted: Calibration) -> None:
    record(fitted, 1.0)
    told = run("--json")
    assert told.exit_code == 1
    (watch,) = json.loads(told.stdout)
    assert watch["verdict"].startswith("retrain due, because tokens has moved")
    assert watch["indices"]["tokens"] > watch["limit"]
    assert watch["route"] == "support"
    assert watch["confidence"]["against"] == "fitting"


def test_a_configuration_that_uses_nothing_learnt_has_nothing_to_watch(fitted: Calibration) -> None:
    Path("turnout.yaml").write_text(CONFIG.partition("routes:")[0])
    told = run()
    assert told.exit_code == 0
    assert "nothing that could drift" in told.stdout


def test_the_report_says_it_too(fitted: Calibration) -> None:
    record(fitted, 1.0)
    report = CliRunner().invoke(app, ["report", "--since", "1d"], env={"COLUMNS": "200"})
    assert "route support: support.json: retrain due, because tokens has moved" in report.stdout.replace("\n", "")
    told = json.loads(CliRunner().invoke(app, ["report", "--since", "1d", "--json"]).stdout)
    assert told["retrain_due"][0].startswith("route support: support.json: retrain due")
    CliRunner().invoke(app, ["report", "--since", "1d", "--html", "page.html"])
    assert "<strong>Retrain due.</strong> route support" in Path("page.html").read_text()
    Path("turnout.yaml").write_text("routes: [")
    assert json.loads(CliRunner().invoke(app, ["report", "--since", "1d", "--json"]).stdout)["retrain_due"] == []
