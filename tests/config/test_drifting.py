"""A gateway tells by a metric that what it has learnt no longer fits its traffic."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import msgspec
import pytest

from bench.answers import answers
from bench.drift import traffic
from tests.ledger.test_sqlite import append
from tests.running import running_gateway
from tests.waiting import until
from turnout.confidence.calibration import Calibration, fit_calibration, save_calibration
from turnout.config import drifting
from turnout.config.drifting import Drifting
from turnout.config.load import LoadedConfig, load_config
from turnout.ledger.ids import new_decision_id
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp

PLAIN = """
providers: {nobody: {dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets:
  cheap:  {provider: nobody, model: small}
  strong: {provider: nobody, model: large}
routes:
  support:
    policy: strong
"""
LEARNT = PLAIN.replace(
    "policy: strong", "policy: {cascade: [{use: [cheap], accept: {confidence: 0.6, by: support.json}}, {use: strong}]}"
)
WHICH = ("support", "support.json")
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


def learnt(directory: Path) -> Calibration:
    return save_calibration(directory / "support.json", fit_calibration(answers(1_000), target="cheap"))


def recorded(directory: Path, fitted: Calibration, shift: float) -> Path:
    """A ledger of requests that are longer by so much than those that were learnt from."""
    data = directory / "data"
    store = SqliteStore(database_file(data))
    decisions = traffic(fitted, 300, shift=shift)
    known = {"time": timestamp(AN_HOUR_AGO), "route": "support", "artefact": fitted.id}
    append(store, *(msgspec.structs.replace(each, id=new_decision_id(AN_HOUR_AGO), **known) for each in decisions))
    store.close()
    return data


def loaded(directory: Path, text: str) -> LoadedConfig:
    file = directory / "turnout.yaml"
    file.write_text(text)
    return load_config(file, {})


def test_the_metric_says_what_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path, learnt(tmp_path), shift=1.0)
    monkeypatch.setattr(drifting, "FIRST_S", 0.0)
    told = 'turnout_retrain_due{artefact="support.json",route="support"} 1.0'
    with running_gateway(LEARNT, tmp_path) as gateway:

        def scraped() -> str:
            with urlopen(f"{gateway.url}/metrics", timeout=30) as answer:
                return str(answer.read().decode())

        asyncio.run(until(lambda: told in scraped(), within_s=60))


def test_what_fits_is_not_due_and_what_is_no_longer_used_neither(tmp_path: Path) -> None:
    data = recorded(tmp_path, learnt(tmp_path), shift=0.0)
    configurations = [loaded(tmp_path, PLAIN), loaded(tmp_path, LEARNT)]
    watched = Drifting(lambda: configurations[-1], data)
    watched.look()
    assert watched.due == {WHICH: False}
    watched.due = {WHICH: True}
    configurations.pop()
    watched.look()
    assert watched.due == {WHICH: False}


def test_what_cannot_be_read_stays_as_it_was_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = recorded(tmp_path, learnt(tmp_path), shift=1.0)
    configuration = loaded(tmp_path, LEARNT)
    watched = Drifting(lambda: configuration, data)
    with caplog.at_level(logging.WARNING):
        watched.look()
        watched.look()
    assert watched.due == {WHICH: True}
    assert caplog.text.count("retrain due, because tokens has moved") == 1
    (tmp_path / "support.json").write_text("{}")
    watched.look()
    assert watched.due == {WHICH: True}
    assert "support.json cannot be watched for drift" in caplog.text


def test_without_anything_learnt_no_ledger_is_read(tmp_path: Path) -> None:
    configuration = loaded(tmp_path, PLAIN)
    watched = Drifting(lambda: configuration, tmp_path / "nowhere")
    watched.look()
    assert watched.due == {}
    assert not (tmp_path / "nowhere").exists()
