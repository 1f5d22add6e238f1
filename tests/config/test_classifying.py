"""A classifier in the configuration: read with it, checked with it, and the same one in the service's record."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.config.configs import ENV, with_routes
from turnout.cli.app import app
from turnout.config.build import build_parts
from turnout.config.check import check
from turnout.config.load import load_config
from turnout.insight.train.examples import fit_examples
from turnout.policy.classifier.model import save_classifier
from turnout.testing import FrozenClock

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PHRASES = {"faq": ["reset my password", "opening hours"], "legal": ["liability clause", "breach of contract"]}
CLASSIFIER = "{by: models/kinds.json, among: {faq: [haiku, gpt-4o], legal: sonnet}, at_least: 0.5}"
ROUTE = "r:\n  baseline: sonnet\n  policy:\n    - classifier: %s\n    - gpt-4o"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_classifier(tmp_path / "models" / "kinds.json", fit_examples(PHRASES))
    return tmp_path / "turnout.yaml"


Found = Callable[..., list[tuple[int | None, str, str]]]


@pytest.fixture
def found(file: Path) -> Found:
    def checked(classifier: str, *, route: str = ROUTE) -> list[tuple[int | None, str, str]]:
        file.write_text(with_routes(route % classifier))
        return [(each.line, each.problem, each.fix) for each in check(file, ENV, NOW)]

    return checked


def test_a_sound_one_has_no_findings_and_is_watched_for_changes(file: Path, found: Found) -> None:
    assert found(CLASSIFIER) == []
    assert load_config(file, ENV).files == [file, file.parent / "models" / "kinds.json"]


def test_a_missing_file_is_named_at_its_line(found: Found) -> None:
    ((line, problem, _),) = found(CLASSIFIER.replace("kinds", "none"))
    assert line == 12
    assert "models/none.json: cannot be read" in problem
    assert "turnout train" in problem


def test_what_the_classifier_does_not_know_is_named(found: Found) -> None:
    ((_, problem, fix),) = found(CLASSIFIER.replace("legal:", "legall:"))
    assert problem == "the classifier knows nothing of 'legall'."
    assert fix == "Did you mean 'legal'?"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("gain: 0.1", "this classifier tells categories, which have no value and no gain."),
        ("utility: {answer: 1}", "this classifier tells categories, which have no value and no gain."),
        ("utility: {answer: 1}, at_least: 0.5", "it chooses by a bar and by value."),
        ("at_leest: 0.5", "unknown key 'at_leest'."),
    ],
)
def test_settings_that_do_not_fit_are_named(found: Found, settings: str, problem: str) -> None:
    classifier = CLASSIFIER.replace("at_least: 0.5", settings)
    assert [each[1] for each in found(classifier)] == [problem]


def test_one_that_nothing_follows_is_warned_of(found: Found) -> None:
    ((line, problem, fix),) = found(CLASSIFIER, route="r:\n  baseline: sonnet\n  policy: {classifier: %s}")
    assert (line, problem) == (11, "what the classifier declines, nobody decides: such a request is refused (400).")
    assert fix.startswith("Put it first in a list")


def test_a_list_of_targets_is_short_for_a_mapping(file: Path) -> None:
    save_classifier(file.parent / "models" / "targets.json", fit_examples({"haiku": ["short"], "sonnet": ["long"]}))
    file.write_text(
        with_routes("r: {policy: [{classifier: {by: models/targets.json, among: [haiku, sonnet]}}, gpt-4o]}")
    )
    parts = build_parts(load_config(file, ENV), FrozenClock(NOW))
    route = parts.routes.find("r")
    assert route is not None
    assert route.policy.targets == ("haiku", "sonnet", "gpt-4o")


def test_explain_shows_what_it_expects(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(with_routes(ROUTE % CLASSIFIER))
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    asked = ["explain", "--config", str(file), "--route", "r"]
    shown = CliRunner().invoke(app, [*asked, "Is that a breach of contract?"])
    assert "legal" in shown.output
    assert "likely 0." in shown.output
    told = json.loads(CliRunner().invoke(app, [*asked, "--json", "Is that a breach of contract?"]).output)
    (predicted,) = told["predicted"]
    assert predicted["signals"]["legal.chance"] > predicted["signals"]["faq.chance"]
    assert told["candidates"][0]["target"] == "sonnet"
    assert told["candidates"][0]["reason"] == "primary/classifier:legal"
