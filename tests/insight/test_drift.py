"""What was learnt is watched: alarms when traffic or quality moves, and none while they do not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.answers import answers
from bench.drift import alarms, delay, doubted, traffic
from tests.ledger.test_sqlite import append
from turnout.confidence.artefact import save_artefact
from turnout.confidence.calibration import fit_calibration, save_calibration
from turnout.errors import ArtefactError
from turnout.insight import drift
from turnout.insight.drift import LATEST, Learnt, Watch, load_learnt, observe, survey
from turnout.insight.query import Filter
from turnout.ledger.ids import new_decision_id
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

LABELS = answers(1_000)
FITTED = fit_calibration(LABELS, target="cheap")
OLD = Learnt(
    file="old.json",
    id="0a1b2c3d4e5f",
    kind="calibration",
    calibration=msgspec.structs.replace(FITTED, spread=None),
)
CLASSIFIER = Learnt(file="chooser.json", id="0a1b2c3d4e5f", kind="classifier")
LEARNT = Learnt(file="support.json", id="0a1b2c3d4e5f", kind="calibration", calibration=FITTED)


def watch(n: int, learnt: Learnt = LEARNT, **changes: float) -> Watch:
    made = traffic(FITTED, n, seed=5, **changes)
    return observe(learnt, made[:LATEST], made[LATEST:])


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
    found = observe(LEARNT, traffic(FITTED, 500, seed=1, least=0.9), traffic(FITTED, 500, seed=2, least=0.5))
    assert "are escalated" in found.verdict


def test_a_few_decisions_and_those_of_other_artefacts_say_nothing() -> None:
    other = Learnt(file="other.json", id="f" * 12, kind="calibration", calibration=FITTED)
    assert observe(other, traffic(FITTED, 200)).verdict == "too few decisions yet: 0 of 100"
    assert watch(99).verdict == "too few decisions yet: 99 of 100"


def test_a_classifier_is_held_to_the_chances_that_it_gave() -> None:
    assert watch(1_500, CLASSIFIER).verdict == "as measured"
    assert "was promised" in watch(1_500, CLASSIFIER, worse=0.2).verdict


def test_an_artefact_is_read_whichever_kind_it_is(tmp_path: Path) -> None:
    saved = save_calibration(tmp_path / "a.json", FITTED)
    save_artefact(tmp_path / "b.json", "classifier", {})
    calibration, classifier = load_learnt(tmp_path / "a.json"), load_learnt(tmp_path / "b.json")
    assert (calibration.id, calibration.kind) == (saved.id, "calibration")
    assert calibration.calibration == saved
    assert (classifier.kind, classifier.calibration) == ("classifier", None)
    with pytest.raises(ArtefactError, match="cannot be read"):
        load_learnt(tmp_path / "none.json")


def test_without_scores_nothing_is_said_of_quality() -> None:
    unscored = [each for each in traffic(FITTED, 600) if each.feedback is None]
    found = observe(LEARNT, unscored)
    assert found.realised is found.promised is None
    assert np.isclose(found.rated, 0)


def against_itself(learnt: Learnt, *, seed: int, doubt: float = 1.0) -> Watch:
    made = traffic(FITTED, 1_500, seed=seed)
    return observe(learnt, doubted(made[:LATEST], doubt), made[LATEST:])


def test_the_confidences_of_discarded_answers_count_as_well() -> None:
    told = watch(1_500).confidence
    assert told is not None
    assert (told.against, told.limit) == ("fitting", 0.25)
    assert told.index < 0.1
    assert told.answers > 450, "but those about which the calibration says nothing"


def test_confidences_that_have_moved_are_noticed() -> None:
    assert "confidence is another than at fitting (stability index" in against_itself(LEARNT, seed=5, doubt=2).verdict
    assert delay(FITTED, seed=3, doubt=2.0) <= 500


@pytest.mark.parametrize("learnt", [OLD, CLASSIFIER], ids=["calibration of before", "classifier"])
def test_what_does_not_know_its_confidences_at_fitting_is_held_to_those_before(learnt: Learnt) -> None:
    quiet = [against_itself(learnt, seed=seed) for seed in range(20)]
    assert {each.confidence.against for each in quiet if each.confidence} == {"before"}
    assert not any(each.due for each in quiet)
    assert watch(LATEST + 99, learnt).confidence is None, "of those before there are too few"


def test_confidences_that_have_moved_from_those_before_are_noticed() -> None:
    assert "confidence is another than before" in against_itself(OLD, seed=5, doubt=2).verdict
    surer = [
        msgspec.structs.replace(each, signals={f"{each.target}.chance": 0.99}) for each in traffic(FITTED, 500, seed=6)
    ]
    found = observe(CLASSIFIER, surer, traffic(FITTED, 1_000))
    assert "confidence is another than before" in found.verdict


def stored(directory: Path, decisions: Sequence[Decision], *, every: timedelta) -> SqliteStore:
    """A ledger of decisions that ended an hour ago, the first of them the latest."""
    store = SqliteStore(database_file(directory))
    times = (datetime.now(UTC) - timedelta(hours=1) - place * every for place in range(len(decisions)))
    append(
        store,
        *(
            msgspec.structs.replace(each, id=new_decision_id(time), time=timestamp(time))
            for each, time in zip(decisions, times, strict=True)
        ),
    )
    return store


def test_a_short_ledger_is_read_whole_and_the_last_day_at_least_is_the_latest(tmp_path: Path) -> None:
    store = stored(tmp_path, traffic(FITTED, 1_000), every=timedelta(minutes=2))
    found = survey(store, LEARNT, Filter(route="support"))
    assert (found.decisions, found.read, found.of) == (1_000, 1_000, 1_000)
    assert found.escalated_before is not None
    made = traffic(FITTED, 1_000)
    assert found == msgspec.structs.replace(observe(LEARNT, made[:721], made[721:]), read=1_000, of=1_000)
    assert survey(store, LEARNT, Filter(route="none")).verdict == "too few decisions yet: 0 of 100"


def test_of_a_long_ledger_a_sample_is_read_and_finds_what_all_of_it_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "READ", 1_000)
    made = traffic(FITTED, 2_000, seed=4)
    others = [msgspec.structs.replace(each, artefact=None) for each in made]
    mixed = [each for pair in zip(made, others, strict=True) for each in pair]
    found = survey(stored(tmp_path, mixed, every=timedelta(seconds=60)), LEARNT, Filter(route="support"))
    assert found.of == 4_000
    assert found.read == pytest.approx(2_000, abs=2)
    assert found.decisions == pytest.approx(1_000, abs=20), "whatever pattern they arrive in"
    assert found.verdict == "as measured"


def test_where_decisions_of_the_artefact_are_rare_more_than_a_day_is_the_latest(tmp_path: Path) -> None:
    made = [
        each if place % 4 == 0 else msgspec.structs.replace(each, artefact="f" * 12)
        for place, each in enumerate(traffic(FITTED, 3_000))
    ]
    found = survey(stored(tmp_path, made, every=timedelta(minutes=10)), LEARNT, Filter(route="support"))
    assert found.decisions == 750
    assert found == msgspec.structs.replace(observe(LEARNT, made[:1_997], made[1_997:]), read=3_000, of=3_000)
