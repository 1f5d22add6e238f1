"""From labels to a threshold: what is promised holds on answers that nobody has seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.insight.labelled import write_labels
from turnout.errors import ArtefactError, ConfigError
from turnout.insight.aims import Error, Escalations, QualityLoss, Spend
from turnout.insight.calibrate import Calibrated, calibrate
from turnout.insight.labels import Labels, read_labels


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Labels:
    return read_labels(write_labels(tmp_path_factory.mktemp("labels") / "labels.csv", 1_200))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Labels:
    return read_labels(write_labels(tmp_path_factory.mktemp("fresh") / "labels.csv", 4_000, seed=1))


def kept(found: Calibrated, labels: Labels) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    confidences = found.calibration.confidences(labels.labelled.columns)
    told: np.ndarray[tuple[int], np.dtype[np.bool_]] = confidences >= found.chosen.threshold
    return told


def test_a_certified_error_holds_on_new_answers(labels: Labels, fresh: Labels) -> None:
    found = calibrate(labels, Error(alpha=0.15, delta=0.1), target="cheap")
    assert found.holds
    assert found.chosen.kept > 0.2
    assert "at most 0.15" in found.promise
    assert 1 - fresh.labelled.acceptable[kept(found, fresh)].mean() <= 0.15


def test_what_is_certified_was_checked_on_answers_that_the_calibration_never_saw(labels: Labels) -> None:
    found = calibrate(labels, Error(alpha=0.15), target="cheap")
    assert found.calibration.quality.labels + found.checked == len(labels)


def test_where_nothing_can_be_certified_it_says_how_many_labels_it_takes(labels: Labels) -> None:
    found = calibrate(labels, Error(alpha=0.002), target="cheap")
    assert not found.holds
    assert found.chosen.kept == 0
    assert found.needed > len(labels)
    assert f"{found.needed:,} labels" in found.promise


def test_quality_stays_within_what_was_asked_and_costs_less_than_always_the_strong_one(
    labels: Labels, fresh: Labels
) -> None:
    found = calibrate(labels, QualityLoss(most=0.05), target="cheap")
    assert found.holds
    accepted = kept(found, fresh)
    quality = np.where(accepted, fresh.labelled.acceptable, fresh.labelled.strong).mean()
    assert quality >= 0.92 * fresh.labelled.strong.mean(), "within the noise of 1,200 labels"
    assert found.cost_ratio is not None
    assert found.cost_ratio < 0.9


@pytest.mark.parametrize("most", [0.05, 0.12, 0.4])
def test_escalations_are_as_many_as_allowed_and_hit_the_least_sure(labels: Labels, fresh: Labels, most: float) -> None:
    found = calibrate(labels, Escalations(most=most), target="cheap")
    accepted = kept(found, fresh)
    assert 1 - accepted.mean() == pytest.approx(most, abs=0.04)
    acceptable = fresh.labelled.acceptable
    assert acceptable[accepted].mean() > acceptable[~accepted].mean()


def test_a_sum_of_money_buys_as_many_escalations_as_it_can(labels: Labels) -> None:
    found = calibrate(labels, Spend(usd=4.0, requests=1_000), target="cheap")
    assert found.chosen.cost_usd is not None
    assert 0.0035 < found.chosen.cost_usd <= 0.004
    impossible = calibrate(labels, Spend(usd=0.5, requests=1_000), target="cheap")
    assert not impossible.holds
    assert impossible.promise.startswith("No threshold does this")


def test_escalating_where_it_gains_the_most_for_its_price_is_cheaper_at_equal_quality(tmp_path: Path) -> None:
    uneven = read_labels(write_labels(tmp_path / "labels.csv", 1_500, long=0.3))
    sure, gain = (calibrate(uneven, QualityLoss(most=0.03, by=by), target="cheap") for by in ("confidence", "gain"))
    assert (sure.by, gain.by) == ("confidence", "gain")
    assert sure.holds
    assert gain.holds
    assert sure.cost_ratio is not None
    assert gain.cost_ratio is not None
    assert gain.cost_ratio < 0.9 * sure.cost_ratio
    assert (sure.otherwise_usd, gain.otherwise_usd) == (gain.chosen.cost_usd, sure.chosen.cost_usd)
    fresh = read_labels(write_labels(tmp_path / "fresh.csv", 4_000, seed=1, long=0.3))
    accepted = gain.calibration.prices(fresh.labelled.columns) >= gain.chosen.threshold
    quality = np.where(accepted, fresh.labelled.acceptable, fresh.labelled.strong).mean()
    assert quality >= 0.94 * fresh.labelled.strong.mean(), "within the noise of 1,500 labels"


@pytest.mark.parametrize("aim", [Escalations(most=0.2, by="gain"), Spend(usd=6.0, requests=1_000, by="gain")])
def test_by_gain_other_aims_are_met_as_well(labels: Labels, aim: Escalations | Spend) -> None:
    chosen = calibrate(labels, aim, target="cheap").chosen
    assert chosen.cost_usd is not None
    assert calibrate(labels, aim, target="cheap").otherwise_usd is None, "it is another question"
    assert 1 - chosen.kept <= 0.2 if isinstance(aim, Escalations) else chosen.cost_usd <= 0.006


def test_the_surer_an_aim_is_to_be_met_the_more_is_escalated(labels: Labels) -> None:
    kept = [calibrate(labels, QualityLoss(most=0.05, sure=sure), target="c").chosen.kept for sure in (0.5, 0.8, 0.95)]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > kept[-1]


def test_a_cascade_that_loses_money_is_told(tmp_path: Path) -> None:
    dear = read_labels(write_labels(tmp_path / "labels.csv", 800, price_ratio=1.2))
    found = calibrate(dear, QualityLoss(most=0.01), target="cheap")
    assert found.cost_ratio is not None
    assert found.cost_ratio > 1


def test_the_curve_goes_from_everything_escalated_to_everything_kept(labels: Labels) -> None:
    curve = calibrate(labels, Escalations(most=0.1), target="cheap").curve
    shares = [point.kept for point in curve]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_the_same_labels_and_seed_give_the_same_calibration(labels: Labels) -> None:
    assert calibrate(labels, Error(alpha=0.15), target="c", seed=3) == calibrate(
        labels, Error(alpha=0.15), target="c", seed=3
    )


def test_too_few_labels_are_told(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="labels are too few"):
        calibrate(read_labels(write_labels(tmp_path / "few.csv", 30)), Error(alpha=0.1), target="cheap")


def test_an_aim_that_the_labels_say_nothing_of_is_told(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("mean_logprob,acceptable\n" + "".join(f"-{n % 7}.{n},{n % 2}\n" for n in range(100)))
    with pytest.raises(ConfigError, match=r"do not say whether the next stage's answer .*`?strong"):
        calibrate(read_labels(file), QualityLoss(most=0.02), target="cheap")
    with pytest.raises(ConfigError, match="strong_cost_usd"):
        calibrate(read_labels(file), Spend(usd=1, requests=1), target="cheap")
    with pytest.raises(ConfigError, match="--by gain"):
        calibrate(read_labels(file), Escalations(most=0.1, by="gain"), target="cheap")
