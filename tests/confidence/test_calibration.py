"""A calibration says how likely an answer is acceptable, and declines where it cannot know."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.answers import answers, chance
from turnout.confidence.artefact import save_artefact
from turnout.confidence.blend import cross_fitted, fit_blend, grouped_folds
from turnout.confidence.calibration import (
    DEAREST,
    Calibration,
    fit_calibration,
    load_calibration,
    save_calibration,
)
from turnout.confidence.curves import LogisticCurve
from turnout.confidence.quality import calibration_error
from turnout.errors import ArtefactError


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return fit_calibration(answers(1_500), target="small", provenance={"route": "support"})


def test_confidence_comes_true_on_answers_that_it_never_saw(fitted: Calibration) -> None:
    unseen = answers(4_000, seed=9)
    confidences = fitted.confidences(unseen.columns)
    assert calibration_error(confidences, unseen.acceptable) < 0.04
    assert np.abs(confidences - chance(unseen.columns["mean_logprob"], unseen.columns["tokens"])).mean() < 0.05
    assert fitted.quality.calibration_error < 0.05


def test_one_answer_is_judged_as_it_is_among_many(fitted: Calibration) -> None:
    values = {"mean_logprob": -0.3, "tokens": 120.0, "unused": 7.0}
    judged = fitted.judge(values)
    many = fitted.confidences({name: np.array([value]) for name, value in values.items()})
    assert judged.confidence == pytest.approx(many[0])
    assert judged.gain is not None
    assert judged.declined == ""


def test_a_surer_answer_leaves_less_to_gain(fitted: Calibration) -> None:
    sure, unsure = (fitted.judge({"mean_logprob": logprob, "tokens": 90.0}) for logprob in (-0.05, -1.5))
    assert sure.confidence is not None
    assert unsure.confidence is not None
    assert sure.gain is not None
    assert unsure.gain is not None
    assert sure.confidence > unsure.confidence
    assert sure.gain < unsure.gain


def test_a_better_answer_has_the_price_of_the_next_stage_over_the_chance_that_it_helps(fitted: Calibration) -> None:
    judged = fitted.judge({"mean_logprob": -1.0, "tokens": 120.0})
    assert judged.gain is not None
    assert judged.price == pytest.approx(120e-5 / judged.gain, rel=0.05)
    unseen = answers(200, seed=4)
    prices = fitted.prices(unseen.columns)
    for place in range(200):
        one = fitted.judge({name: values[place] for name, values in unseen.columns.items()})
        assert one.declined or one.price == pytest.approx(prices[place])


def test_where_nothing_is_to_be_gained_no_price_buys_it(fitted: Calibration) -> None:
    hopeless = msgspec.structs.replace(fitted, strong=fitted.blend)
    hopeless = msgspec.structs.replace(hopeless, curve=LogisticCurve(0.0, 30.0))
    assert hopeless.judge({"mean_logprob": -1.0, "tokens": 120.0}).price == DEAREST
    assert set(hopeless.prices(answers(20).columns)) == {DEAREST}


def test_of_labels_without_the_next_stage_no_price_is_told() -> None:
    blind = fit_calibration(answers(300, strong=False), target="small")
    assert not blind.tells_prices
    assert blind.judge({"mean_logprob": -1.0, "tokens": 120.0}).price is None
    with pytest.raises(ArtefactError, match=r"what escalating brings and costs.*strong_cost_usd"):
        blind.prices(answers(20).columns)


@pytest.mark.parametrize(
    "values",
    [
        {"mean_logprob": -0.3, "tokens": 90_000.0},
        {"mean_logprob": -0.3},
        {"mean_logprob": float("nan"), "tokens": 90.0},
        {"mean_logprob": float("-inf"), "tokens": 90.0},
    ],
)
def test_it_declines_outside_of_what_it_was_fitted_on(fitted: Calibration, values: dict[str, float]) -> None:
    judged = fitted.judge(values)
    assert judged.confidence is None
    assert judged.gain is None
    assert judged.declined.startswith("outside_calibration:")


def test_it_is_read_as_it_was_written(fitted: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "support.json"
    saved = save_calibration(path, fitted, accept={"confidence": 0.85})
    assert len(saved.id) == 12
    assert load_calibration(path) == saved
    assert msgspec.structs.replace(saved, id="") == fitted


def test_foreign_contents_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    save_artefact(path, "calibration", {"target": "small"})
    with pytest.raises(ArtefactError, match=r"not a calibration that this turnout can use.*turnout calibrate"):
        load_calibration(path)


def test_too_few_labels_or_only_of_one_kind_are_refused() -> None:
    with pytest.raises(ArtefactError, match=r"39 labels are too few to calibrate on\. Give at least 40\."):
        fit_calibration(answers(39), target="small")
    all_good = msgspec.structs.replace(answers(100), acceptable=np.ones(100))
    with pytest.raises(ArtefactError, match="every labelled answer is acceptable"):
        fit_calibration(all_good, target="small")


def test_answers_to_one_prompt_are_never_on_both_sides() -> None:
    groups = [f"prompt {place // 3}" for place in range(90)]
    folds = grouped_folds(groups)
    assert {len({fold for fold, group in zip(folds, groups, strict=True) if group == one}) for one in groups} == {1}
    assert len(set(folds)) == 5


def test_what_cannot_be_told_is_not_told() -> None:
    """Labels that have nothing to do with the inputs: every answer gets about the share of good ones."""
    draws = np.random.default_rng(5)
    noise = {"mean_logprob": draws.normal(size=600)}
    labels = (draws.uniform(size=600) < 0.7).astype(float)
    folds = grouped_folds([str(place) for place in range(600)])
    blend = fit_blend(noise, labels, folds=folds)
    unseen = cross_fitted(noise, labels, folds=folds, pull=blend.pull)
    assert np.abs(unseen - 0.7).max() < 0.15


def test_some_rows_can_be_taken() -> None:
    labelled = answers(50)
    some = labelled.rows(np.arange(50) < 20)
    assert len(some) == 20
    assert some.groups == list(labelled.groups[:20])
    assert some.strong is not None
    assert answers(50, strong=False).rows([1, 2]).strong is None
