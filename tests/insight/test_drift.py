"""What was learnt is watched: alarms when traffic or quality moves, and none while they do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.answers import answers
from bench.drift import alarms, delay, traffic
from turnout.confidence.artefact import save_artefact
from turnout.confidence.calibration import fit_calibration, save_calibration
from turnout.errors import ArtefactError
from turnout.insight.drift import Learnt, Watch, load_learnt, observe

LABELS = answers(1_000)
FITTED = fit_calibration(LABELS, target="cheap")
LEARNT = Learnt(file="support.json", id="0a1b2c3d4e5f", kind="calibration", window=FITTED.window)


def watch(n: int, **changes: float) -> Watch:
    return observe(LEARNT, traffic(FITTED, n, seed=5, **changes))


def test_quiet_traffic_is_as_measured() -> None:
    found = watch(1_500)
    assert found.verdict == "as measured"
    assert found.escalated is not None
    assert found.escalated_before is not None
    assert found.rated > 100
    assert set(found.indices) == {"mean_logprob", "tokens"}


def test_at_most_one_of_fifty_quiet_runs_raises_an_alarm() -> None:
    assert alarms(FITTED, runs=50, n=800) <= 1


def test_longer_questions_are_named_as_the_reason() -> None:
    found = watch(1_000, shift=1.0)
    assert "retrain due, because tokens has moved (stability index" in found.verdict


def test_planted_drift_is_noticed_within_a_few_hundred_decisions() -> None:
    assert delay(FITTED, seed=3, shift=1.0) <= 300


def test_answers_that_are_worse_than_promised_are_noticed_though_nothing_else_has_moved() -> None:
    found = watch(1_500, worse=0.2)
    assert len(found.due) == 1
    assert "was promised" in found.verdict


def test_an_escalation_rate_that_has_moved_is_noticed() -> None:
    found = observe(LEARNT, [*traffic(FITTED, 500, seed=1, least=0.9), *traffic(FITTED, 500, seed=2, least=0.5)])
    assert "are escalated" in found.verdict


def test_a_few_decisions_and_those_of_other_artefacts_say_nothing() -> None:
    other = Learnt(file="other.json", id="f" * 12, kind="calibration", window=FITTED.window)
    assert observe(other, traffic(FITTED, 200)).verdict == "too few decisions yet: 0 of 100"
    assert watch(99).verdict == "too few decisions yet: 99 of 100"


def test_a_classifier_is_held_to_the_chances_that_it_gave() -> None:
    learnt = Learnt(file="support.json", id=LEARNT.id, kind="classifier")
    assert observe(learnt, traffic(FITTED, 1_500)).verdict == "as measured"
    assert "was promised" in observe(learnt, traffic(FITTED, 1_500, worse=0.2)).verdict


def test_an_artefact_is_read_whichever_kind_it_is(tmp_path: Path) -> None:
    saved = save_calibration(tmp_path / "a.json", FITTED)
    save_artefact(tmp_path / "b.json", "classifier", {})
    calibration, classifier = load_learnt(tmp_path / "a.json"), load_learnt(tmp_path / "b.json")
    assert (calibration.id, calibration.kind) == (saved.id, "calibration")
    assert calibration.window is not None
    assert (classifier.kind, classifier.window) == ("classifier", None)
    with pytest.raises(ArtefactError, match="cannot be read"):
        load_learnt(tmp_path / "none.json")


def test_without_scores_nothing_is_said_of_quality() -> None:
    unscored = [each for each in traffic(FITTED, 600) if each.feedback is None]
    found = observe(LEARNT, unscored)
    assert found.realised is found.promised is None
    assert np.isclose(found.rated, 0)
