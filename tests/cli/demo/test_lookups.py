"""The demo's cascade: labels of a real model, and a calibration that says what it may promise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from turnout.cli.demo.frontier import demo_config
from turnout.cli.demo.lookups import AIM, CALIBRATION, Labelling, Lookup, calibrated, label, lookups
from turnout.cli.demo.queries import own_queries
from turnout.confidence.calibration import load_calibration
from turnout.config.load import load_config
from turnout.config.policies import CascadeSpec
from turnout.errors import MissingExtra
from turnout.testing.local_model import installed_weights, running_local_model

ADDRESSES = dict.fromkeys(("local", "primary", "secondary"), "http://127.0.0.1:9000/v1")


def labels(file: Path, *, right_below: float = -0.5) -> Labelling:
    """Of 120 answers the surest are right."""
    sure = [-0.01 * place for place in range(120)]
    right = [int(each > right_below) for each in sure]
    rows = [
        {"acceptable": good, "tokens": 6, "logprobs": [each, 2 * each]} for each, good in zip(sure, right, strict=True)
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    return Labelling(file=file, labels=len(rows), right=sum(right))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "turnout.yaml"
    file.write_text(demo_config(ADDRESSES, None))
    return file


def test_what_the_demo_asks_is_not_what_it_was_calibrated_on() -> None:
    asked = {query.text for query in own_queries() if query.route == "contracts"}
    assert len(asked) >= 5
    assert asked.isdisjoint(lookup.question for lookup in lookups())


def test_an_answer_is_right_if_it_has_the_right_words_in_it() -> None:
    lookup = Lookup("What is the capital of Bolivia?", ("Sucre", "La Paz"))
    assert lookup.rightly("It is la paz.")
    assert not lookup.rightly("It is Lima.")


def test_sure_answers_that_are_right_are_certified_and_the_route_judges_by_that(tmp_path: Path, config: Path) -> None:
    found = calibrated(labels(tmp_path / "labels.jsonl"), config)
    assert found.holds
    assert f"at most {AIM.alpha:g} are unacceptable" in found.promise
    policy = load_config(config, {}).config.routes["contracts"].policy
    assert isinstance(policy, CascadeSpec)
    accept = policy.cascade[0].accept
    assert accept is not None
    assert (accept.confidence, accept.by) == (found.chosen.threshold, CALIBRATION)
    assert load_calibration(tmp_path / CALIBRATION).id == found.calibration.id


def test_where_nothing_can_be_promised_the_route_stays_as_it_was(tmp_path: Path, config: Path) -> None:
    before = config.read_text()
    found = calibrated(labels(tmp_path / "labels.jsonl", right_below=-0.03), config)
    assert not found.holds
    assert "Nothing can be certified" in found.promise
    assert config.read_text() == before


async def test_the_real_model_is_labelled_by_what_it_says(tmp_path: Path) -> None:
    try:
        installed_weights()
    except MissingExtra:  # `make test` installs it; a bare development environment may lack it
        pytest.skip("the local model is not installed")
    asked = [each for each in lookups() if "Germany" in each.question or "Bhutan" in each.question]
    with running_local_model(tmp_path / "log") as model:
        made = await label(model, asked, tmp_path / "labels.jsonl")
    rows = [json.loads(line) for line in made.file.read_text().splitlines()]
    assert [row["acceptable"] for row in rows] == [
        int("Thimphu" in rows[0]["answer"]),
        int("Berlin" in rows[1]["answer"]),
    ]
    assert made.right == sum(row["acceptable"] for row in rows)
    assert all(-30 < number <= 0 for row in rows for number in row["logprobs"])
    assert all(row["logprobs"] and row["tokens"] for row in rows)
