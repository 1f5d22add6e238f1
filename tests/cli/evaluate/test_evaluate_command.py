"""`turnout evaluate` as its user meets it: a ledger goes in, a table and a verdict come out."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.ledger import samples
from turnout.cli.app import app
from turnout.errors import ConfigError, LedgerError
from turnout.insight.what_if import kept_as
from turnout.ledger.entry import encode_decision

HEAD = """\
providers:
  own: {dialect: openai, base_url: "http://127.0.0.1:1/v1", api_key: k}
targets:
  cheap:  {provider: own, model: small, price: {input: 1, output: 1}}
  strong: {provider: own, model: large, price: {input: 5, output: 5}}
routes:
  support:
    baseline: strong
    policy: """
POLICIES = {
    "rules": "{rules: [{name: long, when: {tokens: {min: 40}}, use: strong}, {name: rest, use: cheap}]}",
    "strong-first": "[strong, cheap]",
    "classifier": "[{classifier: {by: models/none.json, among: [cheap, strong], gain: 0.2}}, strong]",
    "cascade": "{cascade: [{use: cheap, accept: {confidence: 0.7, by: calibrations/none.json}}, {use: strong}]}",
}
COLUMNS = ("id", "time", "user", "target", "text", "feedback", "cost_usd", "latency_ms", "signals", "shadow_of")
WORDS = ("account", "invoice", "password", "delivery", "refund", "opening", "hours", "broken", "lost", "change")


def write_table(file: Path, requests: int) -> None:
    """Requests that both models answered; the cheap one cannot do what is legal, and mostly knows it."""
    draw = random.Random(0)
    with file.open("w", newline="") as out:
        table = csv.DictWriter(out, COLUMNS)
        table.writeheader()
        for number in range(requests):
            legal = draw.random() < 0.4
            text = " ".join(
                [draw.choice(["lawsuit", "attorney"] if legal else ["hello", "thanks"]), *draw.sample(WORDS, 5)]
            )
            good = draw.random() < (0.2 if legal else 0.95)
            sure = -0.1 if good is (draw.random() < 0.9) else -1.5
            at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number)
            common = {"time": at.isoformat(), "user": f"user-{number % 80}", "text": text}
            strong = {"id": f"s{number:04}", "target": "strong", "feedback": float(draw.random() < 0.95)}
            cheap = {"id": f"c{number:04}", "target": "cheap", "feedback": float(good)}
            table.writerow({**common, **strong, "cost_usd": "0.005", "latency_ms": 900})
            told = {"cost_usd": "0.001", "latency_ms": 300, "signals": json.dumps({"mean_logprob": sure})}
            table.writerow({**common, **cheap, **told, "shadow_of": strong["id"]})


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("evaluate")
    for name, policy in POLICIES.items():
        (directory / f"{name}.yaml").write_text(HEAD + policy + "\n")
    write_table(directory / "requests.csv", 700)
    imported = CliRunner().invoke(
        app, ["ledger", "import", str(directory / "requests.csv"), "--data", str(directory / "data"), "--json"]
    )
    assert imported.exit_code == 0, imported.output
    assert json.loads(imported.stdout)["new"] == 1_400
    return directory


@pytest.fixture
def here(there: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(there)
    return there


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--data", "data"])


def found(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    whole: dict[str, Any] = json.loads(result.stdout)
    return whole


KEEP = ("--html", "page.html", "--save", "worth-it")


def test_rules_a_classifier_and_a_cascade_are_scored_beside_single_targets_and_the_oracle(here: Path) -> None:
    whole = found("strong-first.yaml", "rules.yaml", "classifier.yaml", "cascade.yaml", *KEEP)
    assert (whole["how"], whole["requests"], whole["trained"]) == ("direct", 350, 350)
    standings = {each["name"]: each for each in whole["standings"]}
    assert list(standings) == ["strong-first", "rules", "classifier", "cascade", "strong", "cheap", "oracle"]
    assert standings["strong"]["quality"] == standings["strong-first"]["quality"]
    assert standings["classifier"]["quality"]["value"] > standings["cheap"]["quality"]["value"] + 0.15
    assert standings["classifier"]["cost_usd"]["value"] < standings["strong"]["cost_usd"]["value"]
    assert 0.2 < standings["cascade"]["escalated"] < 0.7
    assert standings["oracle"]["quality"]["value"] >= max(each["quality"]["value"] for each in whole["standings"])
    verdicts = {each["policy"]: each for each in whole["verdicts"]}
    assert verdicts["classifier"]["kind"] == "worth it"
    assert verdicts["classifier"]["words"].startswith("'classifier' costs")
    page = unescape((here / "page.html").read_text())
    assert "<polyline" in page
    assert "always cheap" in page
    assert verdicts["classifier"]["words"][1:] in page
    assert "<script" not in page
    kept = kept_as(here / "data", "worth-it")
    assert kept is not None
    assert kept.of == ("strong-first", "rules", "classifier", "cascade")
    assert any(verdicts["classifier"]["words"][1:] in each for each in kept.sentences)
    assert kept.plot is not None
    assert [len(kept.plot.points), len(kept.tables[0].rows)] == [7, 7]
    assert kept.tables[0].strong


def test_the_verdict_stands_above_the_table_and_what_it_rests_on_below(here: Path) -> None:
    told = run("rules.yaml", "strong-first.yaml", "--worth", 0.05, "--margin", 2)
    assert told.exit_code == 0, told.output
    assert "'strong-first' gains" in told.stdout.split("quality, %")[0]
    below = told.stdout.split("oracle")[1]
    for words in ("700 judged requests of 80 users out of 700", "matters from 2 points", "worth $0.05 (--worth)"):
        assert words in " ".join(below.split())


def test_a_file_of_labels_serves_as_well_as_the_ledger(here: Path) -> None:
    draw = random.Random(1)
    with (here / "labels.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(("text", "acceptable:cheap", "acceptable:strong", "cost_usd:cheap", "cost_usd:strong"))
        for number in range(200):
            long = draw.random() < 0.5
            text = f"question {number} " + "and so on " * (60 if long else 1)
            table.writerow((text, int(not long), 1, 0.001, 0.005))
    whole = found("strong-first.yaml", "rules.yaml", "--labels", "labels.csv")
    standings = {each["name"]: each for each in whole["standings"]}
    assert (whole["requests"], whole["since"], standings["rules"]["quality"]["value"]) == (200, "", 1.0)
    assert standings["rules"]["cost_usd"]["value"] < standings["strong"]["cost_usd"]["value"]
    assert "out of 200; every choice" in " ".join(run("rules.yaml", "--labels", "labels.csv").stdout.split())
    both = run("rules.yaml", "--labels", "labels.csv", "--from-ledger")
    assert isinstance(both.exception, ConfigError)


def test_from_explored_traffic_no_cascade_is_made_up(here: Path, tmp_path: Path) -> None:
    draw = random.Random(2)
    with (tmp_path / "explored.jsonl").open("w") as out:
        for number in range(300):
            chances = {"cheap": 0.2, "strong": 0.8}
            first = draw.choices(list(chances), list(chances.values()))[0]
            decision = samples.a_decision(
                id=f"e{number:04}",
                attempts=(samples.an_attempt(target=first),),
                target=first,
                user=None,
                query_hash=str(number),
                feedback=float(draw.random() < 0.8),
                conditions={"chances": {"first": first, "of": chances}},
            )
            out.write(encode_decision(decision).decode() + "\n")
    imported = CliRunner().invoke(app, ["ledger", "import", str(tmp_path / "explored.jsonl"), "--data", "explored"])
    assert imported.exit_code == 0, imported.output
    (here / "raw.yaml").write_text(HEAD + "{cascade: [{use: cheap, accept: {confidence: 0.7}}, {use: strong}]}\n")
    told = CliRunner().invoke(app, ["evaluate", "strong-first.yaml", "raw.yaml", "--data", "explored"])
    assert told.exit_code == 1, told.output
    assert "does not tell what 'raw' would have come to on 100 % of the requests" in " ".join(told.stdout.split())
    assert "(doubly robust)" in " ".join(told.stdout.split())
    row = next(line for line in told.stdout.splitlines() if line.startswith("raw "))
    assert row.split()[1:6] == ["–", "–", "–", "–", "–"]


def test_without_training_the_named_files_are_used_and_missing_ones_told(here: Path) -> None:
    result = run("classifier.yaml", "--train-fraction", 0)
    assert isinstance(result.exception, ConfigError)
    assert "models/none.json" in str(result.exception)


def test_too_few_requests_to_tell_end_with_1_and_say_how_many_more(here: Path) -> None:
    result = run("classifier.yaml", "cascade.yaml", "--until", "2026-03-01T04:00+00:00", "--json")
    assert result.exit_code == 1, result.output
    (verdict,) = (each for each in json.loads(result.stdout)["verdicts"] if each["policy"] == "cascade")
    assert verdict["kind"] == "open"
    assert verdict["more"] > 0
    assert "more judged requests would settle it" in verdict["words"]


@pytest.mark.parametrize(
    ("arguments", "kind", "told"),
    [
        (("rules.yaml", "--route", "suport"), ConfigError, "Did you mean"),
        (("rules.yaml", "rules.yaml", "rules.yaml"), ConfigError, "the same"),
        (("none.yaml",), ConfigError, "no such file"),
        (("rules.yaml", "--since", "2030-01-01"), LedgerError, "no request"),
        (("rules.yaml", "--html", "none/page.html"), ConfigError, "cannot be written"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_fix(
    here: Path, arguments: tuple[str, ...], kind: type[Exception], told: str
) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, kind)
    assert told in str(result.exception)
