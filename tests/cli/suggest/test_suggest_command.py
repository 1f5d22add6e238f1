"""`turnout suggest` as its user meets it: the figures, a diff that is sound, nothing changed unless asked for."""

from __future__ import annotations

import asyncio
import csv
import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.insight.test_suggest import planted
from turnout import Router
from turnout.cli.app import app
from turnout.config.load import load_config
from turnout.errors import ConfigError
from turnout.testing import running_fault_provider

CONFIG = """\
providers:
  own: {dialect: openai, base_url: "BASE", api_key: k}
targets:
  cheap:  {provider: own, model: small, price: {input: 1, output: 1}}
  strong: {provider: own, model: large, price: {input: 5, output: 5}}
routes:
  support:   # the one that matters
    baseline: strong
    lists: {legal: [chargeback]}
    policy:
      rules:
        - {name: legal, when: {matches: legal}, use: strong}
        - {name: rest, use: strong}
  blocky:
    lists:
      legal: [chargeback]
    policy: strong   # for now
  bare:
    policy: [strong, cheap]
  inline: {policy: strong}
  open:
    policy:
      rules:
        - {name: legal, when: {turns: {max: 0}}, use: strong}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "turnout.yaml").write_text(CONFIG.replace("BASE", "http://127.0.0.1:1/v1"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("labels") / "labels.csv"
    with file.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["text", "group", "acceptable:cheap", "cost_usd:cheap", "acceptable:strong", "cost_usd:strong"])
        for case in planted(1_500):
            table.writerow([case.text, case.group, int(case.good), 0.001, 1, 0.011])
    return file


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["suggest", *map(str, arguments)])


def test_the_figures_and_the_diff_are_told_and_nothing_is_changed(here: Path, labels: Path) -> None:
    before = (here / "turnout.yaml").read_text()
    told = run("support", "--labels", labels)
    assert told.exit_code == 0, told.output
    for said in ("opening", "but for “refund", "served well", "for comparison: every request", "already"):
        assert said in told.stdout
    assert "+        - {name: suggested, when: {any: [{matches: suggested-easy}, {tokens: {max: " in told.stderr
    assert "Give --write" in told.stderr
    assert (here / "turnout.yaml").read_text() == before


@pytest.mark.parametrize("route", ["support", "blocky", "bare"])
def test_what_is_written_decides_so(here: Path, labels: Path, route: str) -> None:
    told = run(route, "--labels", labels, "--write", "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["holds"] is True
    assert found["measured"]["saving_usd"] == pytest.approx(0.01 * found["measured"]["support"])
    text = (here / "turnout.yaml").read_text()
    assert "# the one that matters" in text
    assert "suggested-easy" in load_config(here / "turnout.yaml").config.routes[route].phrases()
    asked = CliRunner().invoke(app, ["explain", "--route", route, "--json", "when are your opening hours on sunday"])
    candidates = [each["target"] for each in json.loads(asked.stdout)["candidates"]]
    assert candidates == ["cheap", "strong"]
    if route == "support":  # what has a condition keeps its place before it
        legal = CliRunner().invoke(app, ["explain", "--route", route, "--json", "a chargeback in opening hours"])
        assert json.loads(legal.stdout)["candidates"][0]["rule"] == "legal"
    again = run(route, "--labels", labels)
    assert again.exit_code == 1  # it goes there already
    assert "Nothing" in again.stdout


@pytest.mark.parametrize("route", ["inline", "open"])
def test_what_cannot_be_changed_line_by_line_is_told_to_be_done_by_hand(here: Path, labels: Path, route: str) -> None:
    told = run(route, "--labels", labels)
    assert isinstance(told.exception, ConfigError)
    assert "Add by hand" in str(told.exception)
    assert "suggested-easy" in str(told.exception)


def test_nothing_is_proposed_where_nothing_is_better(here: Path, tmp_path: Path) -> None:
    file = tmp_path / "random.csv"
    draw = random.Random(5)
    rows = "".join(f"{case.text},{draw.randint(0, 1)}\n" for case in planted(400))
    file.write_text("text,acceptable:cheap\n" + rows)
    told = run("support", "--labels", file)
    assert told.exit_code == 1
    assert "Nothing beats what is there" in told.stdout
    assert "not known" in told.stdout  # no cost is
    assert told.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "--labels", "LABELS"), "there is no route 'nowhere'"),
        (("support", "--labels", "LABELS", "--to", "other"), "no answer of 'other' is labelled"),
        (("support", "--from-ledger"), ""),
    ],
)
def test_mistakes_are_told(here: Path, labels: Path, arguments: tuple[str, ...], said: str) -> None:
    told = run(*(str(labels) if each == "LABELS" else each for each in arguments))
    assert told.exception is not None
    assert said in str(told.exception)
    assert run("support").exit_code == 2


def test_labels_come_from_the_ledger_too(here: Path) -> None:
    """Real requests, kept with their texts and scored; too few for a rule, which is said."""

    async def ask() -> None:
        async with Router.from_config(here / "turnout.yaml", data=here / "data") as router:
            for place in range(6):
                messages = [{"role": "user", "content": f"Where is parcel {place}?"}]
                answer = await router.chat(route="bare", messages=messages)
                await router.feedback(answer.decision.id, score=1.0)

    with running_fault_provider(seed=1) as provider:
        config = CONFIG.replace("BASE", provider.openai_base_url) + "privacy: {mode: full}\n"
        (here / "turnout.yaml").write_text(config)
        asyncio.run(ask())
        told = run("bare", "--from-ledger", "--data", here / "data")
    assert told.exit_code == 1
    assert "Nothing" in told.stdout
