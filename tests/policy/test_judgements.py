"""Escalations stay under their bound at any time, and a calibration is not trusted with another traffic."""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import NOON, a_context, drive, single
from tests.policy.test_cascade import RAW, said, told
from turnout.confidence.calibration import Calibration, Labelled, fit_calibration
from turnout.policy.acceptance import Acceptance
from turnout.policy.base import Context
from turnout.policy.cascade import Cascade, Stage
from turnout.policy.escalation_budget import EscalationBudget
from turnout.policy.filters import Filters
from turnout.policy.judgements import Judgements, judgements_of
from turnout.types.candidate import Judged, Outcome
from turnout.types.conditions import Conditions
from turnout.types.judging import Standing


def standing(**given: object) -> Context:
    return msgspec.structs.replace(
        a_context(),
        conditions=Conditions(now=NOON, standing=Standing(**given)),  # type: ignore[arg-type]
    )


def a_cascade(least: float = 0.8, at_most: float | None = None) -> Cascade:
    return Cascade((Stage(single("a"), Acceptance(least, RAW)), Stage(single("b"))), at_most=at_most)


def answered_by(accepted: Outcome | None) -> str:
    assert accepted is not None
    return accepted.target


@given(st.floats(0.01, 0.5), st.lists(st.floats(0, 1), min_size=1, max_size=400))
def test_of_any_number_of_requests_no_more_than_the_share_is_escalated(
    at_most: float, confidences: list[float]
) -> None:
    budget, escalations = EscalationBudget(at_most), 0
    for number, confidence in enumerate(confidences, 1):
        escalated = confidence < 0.9 and not budget.spent and confidence < (budget.keep_from or 1.0)
        budget.note(confidence, escalated=escalated)
        escalations += escalated
        assert escalations <= at_most * number + 1e-9


def test_the_worst_answers_are_escalated() -> None:
    draw, budget = random.Random(4), EscalationBudget(0.12)
    kept: list[float] = []
    escalated: list[float] = []
    for _ in range(3_000):
        confidence = draw.random()
        out = confidence < 0.9 and not budget.spent and confidence < (budget.keep_from or 1.0)
        budget.note(confidence, escalated=out)
        (escalated if out else kept).append(confidence)
    assert len(escalated) == pytest.approx(0.12 * 3_000, rel=0.15)
    assert np.mean(escalated[50:]) < 0.15
    assert np.mean(kept[500:]) > 0.5


def test_without_room_for_escalations_an_unsure_answer_is_kept_and_it_is_said_why() -> None:
    steps, accepted = drive(a_cascade(), standing(spent=True), told(said(sure=0.3)))
    (judged,) = (step for step in steps if isinstance(step, Judged))
    assert answered_by(accepted) == "a"
    assert judged.because == "confidence 0.300 < 0.8, but no escalation is left"


@pytest.mark.parametrize(("sure", "target"), [(0.3, "a"), (0.1, "b")])
def test_while_escalations_are_short_only_the_worst_are_escalated(sure: float, target: str) -> None:
    _, accepted = drive(a_cascade(), standing(keep_from=0.2), told(said(sure=sure), said()))
    assert answered_by(accepted) == target


def test_by_gain_the_cheapest_better_answers_are_bought_first() -> None:
    priced = Judged(target="a", accepted=False, because="", confidence=0.9, price=0.02)
    assert priced.rank == 0.02
    assert msgspec.structs.replace(priced, price=None).rank == 0.9
    assert Judged(target="a", accepted=False, because="").rank == 0
    judgements = Judgements(EscalationBudget(0.1), {})
    for price in range(100):
        judgements.note([msgspec.structs.replace(priced, price=price / 1_000)], a_context().features)
    assert judgements.read().keep_from == 0.01, "a tenth of the prices was lower"


def test_an_answer_that_says_nothing_is_escalated_whatever_the_bound() -> None:
    _, accepted = drive(a_cascade(), standing(spent=True), told(said(""), said()))
    assert answered_by(accepted) == "b"


def a_calibration() -> Calibration:
    draw = np.random.default_rng(0)
    sure = draw.beta(4, 1.2, 400)
    labelled = Labelled(
        columns={"mean_logprob": np.log(sure)},
        acceptable=(draw.random(400) < sure).astype(float),
        groups=[str(each) for each in range(400)],
    )
    return msgspec.structs.replace(fit_calibration(labelled, target="a"), id="0123456789ab")


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return a_calibration()


def notes(judgements: Judgements, calibration: Calibration, logprobs: list[float]) -> None:
    features = a_context().features
    for value in logprobs:
        judged = Judged(
            target="a",
            accepted=True,
            because="",
            confidence=0.9,
            signals={"mean_logprob": value},
            artefact=calibration.id,
        )
        judgements.note([judged], features)


def test_other_traffic_is_noticed_and_the_old_one_coming_back_as_well(calibration: Calibration) -> None:
    stage = Stage(single("a"), Acceptance(0.8, RAW, calibration))
    judgements = judgements_of(Filters(Cascade((stage, Stage(single("b"))))))
    assert judgements is not None
    draw = np.random.default_rng(1)
    notes(judgements, calibration, list(np.log(draw.beta(4, 1.2, 600))))
    assert judgements.read().shifted == {}
    notes(judgements, calibration, list(np.log(draw.beta(1, 3, 300))))
    assert judgements.read().shifted == {calibration.id: ("mean_logprob",)}
    notes(judgements, calibration, list(np.log(draw.beta(4, 1.2, 600))))
    assert judgements.read().shifted == {}


@pytest.mark.parametrize(("distrusts", "target"), [(True, "b"), (False, "a")])
def test_once_traffic_has_shifted_the_stage_does_what_its_configuration_says(
    calibration: Calibration, distrusts: bool, target: str
) -> None:
    accept = Acceptance(0.5, RAW, calibration, distrusts=distrusts)
    cascade = Cascade((Stage(single("a"), accept), Stage(single("b"))))
    shifted = standing(shifted={calibration.id: ("mean_logprob",)})
    steps, accepted = drive(cascade, shifted, told(said(sure=0.9), said()))
    assert answered_by(accepted) == target
    (judged,) = (step for step in steps if isinstance(step, Judged))
    assert ("another than the calibration's (mean_logprob)" in judged.because) is distrusts


def test_nothing_is_kept_beside_a_policy_that_judges_without_bound_and_calibration() -> None:
    assert judgements_of(Filters(a_cascade())) is None
    assert judgements_of(Filters(single("a"))) is None
    assert judgements_of(Filters(a_cascade(at_most=0.1))) is not None
