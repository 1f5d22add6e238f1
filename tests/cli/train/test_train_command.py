"""`turnout train` and `turnout models` as their user meets them, from labels to a gateway that decides by them."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tests.policy.classifier.traffic import EASY, HARD, traffic
from tests.waiting import until
from turnout import Caller, Router
from turnout.cli.app import app
from turnout.config.build import ConfiguredRouter
from turnout.config.load import LoadedConfig
from turnout.config.reload import reloading
from turnout.errors import ArtefactError
from turnout.insight.train.rows import Rows
from turnout.policy.classifier.model import load_classifier
from turnout.testing import FaultProvider
from turnout.types.clock import SystemClock

CONFIG = """\
providers:
  own: {{dialect: openai, base_url: "{url}", api_key: k}}
targets:
  small: {{provider: own, model: "fault:tokens(3)", price: {{input: 1, output: 1}}}}
  large: {{provider: own, model: "fault:tokens(3)", price: {{input: 5, output: 5}}}}
routes:
  support:
    privacy: full
    lists: {{hard: [theorem, statute]}}
    policy:
{policy}
      - rules:
          - {{name: hard, when: {{matches: hard}}, use: large}}
          - {{name: rest, use: small}}
"""
CLASSIFIED = "      - classifier: {by: models/support.json, among: [small, large], gain: 0.2, margin: 0}"
HARD_QUESTION = "derive the clause about liability and the covenant of damages"


def write_labels(file: Path, rows: Rows) -> Path:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(
            ["text", "time", "segment", "acceptable:small", "acceptable:large", "cost_usd:small", "cost_usd:large"]
        )
        for row in zip(rows.texts, rows.times, rows.segments, rows.acceptable, rows.cost_usd, strict=True):
            writer.writerow([*row[:3], *row[3].astype(int), *row[4]])
    return file


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labels(tmp_path_factory.mktemp("labels") / "labels.csv", traffic(300))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(directory: Path, *, policy: str = "", url: str = "http://127.0.0.1:1/v1") -> Path:
    (directory / "turnout.yaml").write_text(CONFIG.format(policy=policy, url=url))
    return directory / "turnout.yaml"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


def test_the_card_is_told_and_what_was_made_waits_to_be_promoted(here: Path, labels: Path) -> None:
    configure(here)
    told = run("train", "support", "--labels", labels, "--quick")
    assert told.exit_code == 0, told.output
    for part in ("It beats the length rule.", "the route as it is", "Limits", "By segment", "calibration error"):
        assert part in told.stdout
    (version,) = (here / "models").glob("support.*.json")
    assert version.with_suffix(".md").read_text().startswith(f"# Classifier `{version.stem.partition('.')[2]}`")
    assert f"turnout models promote {version}" in told.stderr
    assert "classifier: {by: models/support.json, among: [small, large], gain: 0." in told.stderr
    assert not (here / "models" / "support.json").exists()

    again = run("train", "support", "--labels", labels, "--quick", "--promote", "--json")
    card = json.loads(again.stdout)
    assert (card["id"], card["promoted"], card["winner"]) == (version.name.split(".")[1], True, "classifier")
    assert load_classifier(here / "models" / "support.json").id == card["id"]  # the same labels, the same file


def test_where_the_length_rule_is_not_beaten_it_says_so_and_promotes_nothing(here: Path) -> None:
    noise = traffic(240)
    draws = np.random.default_rng(0)
    file = write_labels(
        here / "l.csv", msgspec.structs.replace(noise, acceptable=draws.integers(0, 2, (240, 2)).astype(float))
    )
    told = run("train", "support", "--labels", file, "--quick", "--promote")
    assert told.exit_code == 1
    assert "The length rule is not beaten by more than chance explains: use that instead." in told.stdout
    assert not (here / "models" / "support.json").exists()


def test_a_route_that_was_learnt_takes_no_part_in_the_comparison(here: Path, labels: Path) -> None:
    configure(here)
    run("train", "support", "--labels", labels, "--quick", "--promote")
    configure(here, policy=CLASSIFIED)
    told = run("train", "support", "--labels", labels, "--quick", "--seed", 1)
    assert "The route as it is takes no part in the comparison: its policy has a classifier" in told.stderr
    assert "the route as it is" not in told.stdout


def test_a_handful_of_phrases_makes_categories(here: Path) -> None:
    (here / "phrases.yaml").write_text("faq: [reset my password, opening hours]\nlegal: [liability clause]\n")
    told = run("train", "triage", "--examples", "phrases.yaml", "--promote")
    assert told.exit_code == 0, told.output
    assert "How well it does is not known" in told.stdout
    assert "among: {faq: TARGET, legal: TARGET}, at_least: 0.8}" in told.stderr
    assert load_classifier(here / "models" / "triage.json").names == ("faq", "legal")
    (here / "rows.csv").write_text("text,category\nopening hours,faq\nliability,legal\n")
    assert json.loads(run("train", "t2", "--examples", "rows.csv", "--json").stdout)["phrases"] == {
        "faq": 1,
        "legal": 1,
    }


async def test_recorded_requests_with_feedback_are_labels(here: Path) -> None:
    draws, scores = np.random.default_rng(3), dict[str, float]()
    async with FaultProvider() as provider:
        policy = "      - rules: [{name: trial, when: {user: trial}, use: large}, {name: rest, use: small}]"
        file = configure(here, url=provider.openai_base_url, policy=policy)
        async with Router.from_config(file, data=here / "data") as router:
            for place in range(200):
                hard, caller = place % 4 > 1, Caller(user=("usual", "trial")[place % 2])
                text = " ".join(draws.choice(HARD if hard else EASY, 5))
                messages = [{"role": "user", "content": text}]
                decision = (await router.chat(route="support", messages=messages, caller=caller)).decision
                scores[decision.id] = float(decision.target == "large" or not hard)
            await router.chat(route="small", messages=[{"role": "user", "content": "nobody scores this"}])
            await asyncio.gather(*(router.feedback(each, score=score) for each, score in scores.items()))
    told = run("train", "support", "--from-ledger", "--data", here / "data", "--since", "1d", "--quick", "--json")
    assert told.exit_code == 0, (told.output, told.exception)
    card = json.loads(told.stdout)
    assert (card["requests"], card["source"], card["complete"], card["timed"]) == (200, "the ledger", 0, True)
    assert card["labels"] == {"small": 100, "large": 100}
    assert card["targets"][0]["auc"]["value"] > 0.9  # of `small`, which fails at what is hard
    assert "Of 200 requests not every target's answer is labelled, and which ones may not be chance." in card["limits"]
    for route, said in (
        ("small", "no answer in this part has evidence of the kind 'feedback'"),
        ("other", "there is no request in this part"),
    ):
        assert said in str(run("train", route, "--from-ledger", "--data", here / "data").exception)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Give one of --labels FILE, --examples FILE and --from-ledger."),
        (["--labels", "a.csv", "--from-ledger"], "Give one of --labels FILE"),
        (["--labels", "none.csv"], "none.csv cannot be read: No such file"),
        (["--labels", "few.csv"], "3 labelled requests are too few. Give at least 80."),
        (["--examples", "none.yaml"], "none.yaml cannot be read"),
        (["--examples", "bad.yaml"], "it is no YAML"),
        (["--examples", "empty.yaml"], "it holds no phrases. Write a category a line"),
        (["--labels", "few.csv", "--config", "none.yaml"], "there is no such file"),
    ],
)
def test_a_mistake_is_told(here: Path, arguments: list[str], told: str) -> None:
    (here / "few.csv").write_text("text,acceptable:a,acceptable:b\nx,1,0\ny,1,0\nz,0,1\n")
    (here / "bad.yaml").write_text("a: [")
    (here / "empty.yaml").write_text("faq: []")
    result = run("train", "support", *arguments)
    assert result.exit_code != 0
    assert told in f"{result.exception} {' '.join(result.output.replace('│', ' ').split())}"


def test_versions_are_listed_compared_promoted_and_rolled_back(here: Path, labels: Path) -> None:
    assert "holds no artefact" in run("models", "list").stdout
    ids = []
    for seed in (0, 1):
        card = json.loads(run("train", "support", "--labels", labels, "--quick", "--seed", seed, "--json").stdout)
        ids.append(card["id"])
        assert run("models", "promote", card["file"]).exit_code == 0
    listed = run("models", "list").stdout
    assert all(identity in listed for identity in ids)
    assert listed.count("in use") == 1
    assert [each["id"] for each in json.loads(run("models", "list", "--json").stdout) if each["current"]] == ids[1:]
    compared = run("models", "compare", "models/support.json", f"models/support.{ids[0]}.json").stdout
    assert all(part in compared for part in (*ids, "winner", "classifier", "logistic regression", "2026-03-01"))
    assert (
        len(
            json.loads(
                run("models", "compare", "models/support.json", f"models/support.{ids[0]}.json", "--json").stdout
            )
        )
        == 2
    )
    back = run("models", "rollback", "models/support.json")
    assert f"models/support.json is {ids[0]} again" in back.stdout
    unknown = run("models", "promote", "models/none.json")
    assert isinstance(unknown.exception, ArtefactError)
    assert "See `turnout models list`" in str(unknown.exception)
    Path(f"models/support.{ids[1]}.json").write_text("{}")
    assert "unusable" in run("models", "list").stdout


async def test_a_running_gateway_decides_by_what_was_promoted(here: Path, labels: Path) -> None:
    configure(here)
    cards = [
        json.loads(run("train", "support", "--labels", labels, "--quick", "--seed", seed, "--json").stdout)
        for seed in (0, 1)
    ]
    run("models", "promote", cards[0]["file"])

    def accept(loaded: LoadedConfig) -> None:
        assert loaded.learnt

    async with FaultProvider() as provider:
        file = configure(here, policy=CLASSIFIED, url=provider.openai_base_url)
        async with (
            ConfiguredRouter.from_config(file, data=here / "data") as router,
            reloading(router, SystemClock(), accept) as reloader,
        ):
            messages = [{"role": "user", "content": HARD_QUESTION}]
            before = (await router.chat(route="support", messages=messages)).decision
            version = reloader.in_effect.version
            assert run("models", "promote", cards[1]["file"]).exit_code == 0
            await until(lambda: reloader.in_effect.version != version)
            after = (await router.chat(route="support", messages=messages)).decision
    assert (before.target, after.target) == ("large", "large")
    assert (before.artefact, after.artefact) == (cards[0]["id"], cards[1]["id"])
