"""`turnout calibrate` as its user meets it: the promise, the artefact, the diff, the mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.insight.labelled import write_labels
from turnout.cli.app import app
from turnout.confidence.calibration import load_calibration
from turnout.config.build import build_parts
from turnout.config.load import load_config
from turnout.config.policies import CascadeSpec
from turnout.errors import ConfigError
from turnout.types.clock import SystemClock

CONFIG = """\
providers:
  own: {dialect: openai, base_url: "http://127.0.0.1:1/v1", api_key: k}
targets:
  cheap:  {provider: own, model: small, price: {input: 1, output: 1}}
  strong: {provider: own, model: large, price: {input: 5, output: 5}}
routes:
  contracts:   # the cheap one first
    baseline: strong
    policy:
      cascade:
        - {use: [cheap], accept: {confidence: 0.85}}
        - {use: strong}
  plain: {policy: [cheap, strong]}
"""


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labels(tmp_path_factory.mktemp("labels") / "labels.csv", 600)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "turnout.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


def test_the_promise_the_figures_and_the_diff_are_told_and_nothing_is_changed(here: Path, labels: Path) -> None:
    told = run("contracts", "--labels", labels, "--error", 0.2, "--html", here / "curves.html")
    assert told.exit_code == 0, told.output
    assert "Of the answers that are kept, at most 0.2 are unacceptable" in told.stdout
    for word in ("threshold", "escalated", "cost of a request", "calibration error", "wrong of these"):
        assert word in told.stdout
    assert "-        - {use: [cheap], accept: {confidence: 0.85}}" in told.stderr
    assert "by: calibrations/contracts.json}}" in told.stderr
    assert (here / "turnout.yaml").read_text() == CONFIG
    page = (here / "curves.html").read_text()
    assert page.count("<polyline") == 2
    assert "http" not in page
    assert "<script" not in page


def test_what_is_written_is_what_the_gateway_then_uses(here: Path, labels: Path) -> None:
    told = run("contracts", "--labels", labels, "--quality-loss", 0.05, "--write", "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["holds"]
    changed = (here / "turnout.yaml").read_text()
    assert "# the cheap one first" in changed, "comments stay"
    loaded = load_config(here / "turnout.yaml", {})
    policy = loaded.config.routes["contracts"].policy
    assert isinstance(policy, CascadeSpec)
    accept = policy.cascade[0].accept
    assert accept is not None
    assert accept.confidence == pytest.approx(found["threshold"], abs=1e-8)
    calibration = load_calibration(here / "calibrations" / "contracts.json")
    assert calibration.inputs == ("mean_logprob", "tokens")
    assert build_parts(loaded, SystemClock()).routes.find("contracts") is not None


def test_by_gain_the_gateway_is_told_what_a_better_answer_may_cost_and_back_again(here: Path, labels: Path) -> None:
    told = run("contracts", "--labels", labels, "--quality-loss", 0.05, "--by", "gain", "--write")
    assert told.exit_code == 0, told.output
    assert "escalated where one more acceptable answer costs less" in " ".join(told.stdout.split())
    assert "+        - {use: [cheap], accept: {worth: " in told.stderr
    loaded = load_config(here / "turnout.yaml", {})
    policy = loaded.config.routes["contracts"].policy
    assert isinstance(policy, CascadeSpec)
    accept = policy.cascade[0].accept
    assert accept is not None
    assert accept.confidence is None
    assert accept.worth is not None
    assert 0.005 < accept.worth < 1
    assert load_calibration(here / "calibrations" / "contracts.json").tells_prices
    assert build_parts(loaded, SystemClock()).routes.find("contracts") is not None
    assert run("contracts", "--labels", labels, "--error", 0.2, "--write").exit_code == 0
    assert "worth" not in (here / "turnout.yaml").read_text()


def test_a_cascade_that_loses_money_is_told_with_how_much(here: Path, tmp_path: Path) -> None:
    dear = write_labels(tmp_path / "dear.csv", 400, price_ratio=1.2)
    told = run("contracts", "--labels", dear, "--quality-loss", 0.01, "--json")
    found = json.loads(told.stdout)
    lost = 1_000 * (found["chosen"]["cost_usd"] - found["always_strong_usd"])
    assert found["cost_ratio"] > 1
    words = " ".join(run("contracts", "--labels", dear, "--quality-loss", 0.01).stdout.split())
    assert f"This cascade loses money: it costs {100 * (found['cost_ratio'] - 1):.1f} % more" in words
    assert f"${lost:.3f} of 1,000 requests" in words


def test_where_the_other_order_is_cheaper_it_is_said_how_to_ask_for_it(here: Path, tmp_path: Path) -> None:
    uneven = write_labels(tmp_path / "uneven.csv", 1_500, long=0.3)
    told = " ".join(run("contracts", "--labels", uneven, "--quality-loss", 0.03).stdout.split())
    assert "In the other order this costs" in told
    assert "a request: --by gain." in told
    found = json.loads(run("contracts", "--labels", uneven, "--quality-loss", 0.03, "--by", "gain", "--json").stdout)
    assert found["other_order_usd"] > found["chosen"]["cost_usd"]
    again = run("contracts", "--labels", uneven, "--quality-loss", 0.03, "--by", "gain").stdout
    assert "In the other order" not in again


def test_where_costs_are_not_told_it_is_said_that_nobody_knows_whether_it_pays(here: Path, labels: Path) -> None:
    rows = [line.split(",")[:5] for line in labels.read_text().splitlines()]
    bare = here / "bare.csv"
    bare.write_text("\n".join(map(",".join, rows)))
    told = run("contracts", "--labels", bare, "--quality-loss", 0.05)
    assert "Whether this cascade pays is not known: the labels lack cost_usd" in " ".join(told.stdout.split())


def test_a_promise_that_cannot_be_made_is_a_finding_and_leaves_nothing(here: Path, labels: Path) -> None:
    told = run("contracts", "--labels", labels, "--error", 0.001)
    assert told.exit_code == 1
    assert "Nothing can be certified" in told.stdout
    assert not (here / "calibrations").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("nowhere",), "there is no route 'nowhere'"),
        (("plain",), "the route 'plain' is no cascade"),
        (("contracts", "--stage", 2), "there is no stage 2"),
    ],
)
def test_what_cannot_be_calibrated_is_told(here: Path, labels: Path, arguments: tuple[object, ...], word: str) -> None:
    told = run(*arguments, "--labels", labels)
    assert isinstance(told.exception, ConfigError)
    assert word in str(told.exception)


def test_a_column_that_the_gateway_could_not_read_is_told_before_anything_is_written(here: Path, labels: Path) -> None:
    other = here / "other.csv"
    other.write_text(labels.read_text().replace("mean_logprob", "mean_logprobs", 1))
    told = run("contracts", "--labels", other, "--quality-loss", 0.05, "--write")
    assert isinstance(told.exception, ConfigError)
    assert "a column 'mean_logprobs', which is neither a signal nor a feature" in str(told.exception)
    assert "Did you mean 'mean_logprob'?" in str(told.exception)
    assert (here / "turnout.yaml").read_text() == CONFIG
    signals = "{confidence: 0.85, signals: {mean_logprobs: {signal: mean_logprob}}}"
    (here / "turnout.yaml").write_text(CONFIG.replace("{confidence: 0.85}", signals))
    assert run("contracts", "--labels", other, "--quality-loss", 0.05, "--write").exit_code == 0
    assert build_parts(load_config(here / "turnout.yaml", {}), SystemClock()).routes.find("contracts") is not None


def test_options_that_contradict_each_other_are_a_mistake_of_usage(here: Path, labels: Path) -> None:
    for options in (
        (),
        ("--labels", labels, "--from-ledger"),
        ("--labels", labels, "--error", 0.1, "--escalate", 0.1),
        ("--labels", labels, "--cost", 5),
        ("--labels", labels, "--error", 0.1, "--by", "gain"),
        ("--labels", labels, "--by", "gain"),
    ):
        assert run("contracts", *options).exit_code == 2


def test_an_accept_over_several_lines_is_left_to_its_writer(here: Path, labels: Path) -> None:
    spread = CONFIG.replace("accept: {confidence: 0.85}}", "accept:\n             {confidence: 0.85}}")
    (here / "turnout.yaml").write_text(spread)
    told = run("contracts", "--labels", labels, "--escalate", 0.2)
    assert isinstance(told.exception, ConfigError)
    assert "not written on one line" in str(told.exception)


def test_what_else_the_accept_says_stays(here: Path, labels: Path) -> None:
    file = here / "turnout.yaml"
    file.write_text(CONFIG.replace("{confidence: 0.85}", "{on_shift: escalate, confidence: 0.85, signals: {}}"))
    assert run("contracts", "--labels", labels, "--error", 0.2, "--write").exit_code == 0
    policy = load_config(file).config.routes["contracts"].policy
    assert isinstance(policy, CascadeSpec)
    accept = policy.cascade[0].accept
    assert accept is not None
    assert (accept.on_shift, accept.by) == ("escalate", "calibrations/contracts.json")


def beginnings(file: Path, number: int = 400) -> Path:
    """Answers of thirty tokens; the surer the first are, the likelier the whole is acceptable."""
    draw = np.random.default_rng(3)
    rows = []
    for _ in range(number):
        sure = draw.uniform(-2.0, 0.0)
        logprobs = [round(sure * draw.uniform(0.8, 1.2), 4) for _ in range(30)]
        rows.append({"acceptable": int(draw.random() < 1 / (1 + np.exp(-12 * (sure + 1)))), "logprobs": logprobs})
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def test_a_gate_is_calibrated_on_beginnings_and_written_beside_what_is_there(here: Path) -> None:
    labels = beginnings(here / "labels.jsonl")
    told = run("contracts", "--labels", labels, "--prefix", 20, "--error", 0.1, "--write")
    assert told.exit_code == 0, told.output
    assert "Of the answers that are released after their first 20 tokens, at most 0.1 are unacceptable" in told.stdout
    for word in ("release", "stop", "released", "held to the end", "wrong of the released"):
        assert word in told.stdout
    loaded = load_config(here / "turnout.yaml")
    policy = loaded.config.routes["contracts"].policy
    assert isinstance(policy, CascadeSpec)
    accept = policy.cascade[0].accept
    assert accept is not None
    assert accept.gate is not None
    assert (accept.confidence, accept.gate.by) == (0.85, "calibrations/contracts-20.json")
    assert 0 < accept.gate.stop < accept.gate.release < 1
    assert load_calibration(here / accept.gate.by).prefix == 20
    build_parts(loaded, SystemClock())  # the gateway would start with it


def test_a_gate_for_machines(here: Path) -> None:
    told = run("contracts", "--labels", beginnings(here / "labels.jsonl"), "--prefix", 20, "--error", 0.1, "--json")
    found = json.loads(told.stdout)
    assert found["prefix"] == 20
    assert 0 < found["stop"] < found["threshold"]
    assert 0 < found["stopped"] < 1 - found["chosen"]["kept"]


def test_a_gate_has_one_aim_only(here: Path) -> None:
    told = run("contracts", "--labels", beginnings(here / "labels.jsonl"), "--prefix", 20, "--escalate", 0.1)
    assert told.exit_code == 2
    assert "--error" in told.stderr
