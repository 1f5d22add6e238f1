"""Recorded outcomes drive a policy as calls would, and what was never recorded is never made up."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from tests.insight.evaluate.asked import an_asked, contender
from tests.policy.deciding import chain, single
from turnout.confidence.signals.table import signal_named
from turnout.insight.evaluate.driving import Came, drive
from turnout.insight.evaluate.traffic import Answer
from turnout.policy.acceptance import Acceptance
from turnout.policy.cascade import Cascade, Stage
from turnout.policy.weighted import Branch, Weighted

GOOD = Answer(quality=1.0, cost_usd=2.0, latency_ms=300.0)
POOR = Answer(quality=0.0, cost_usd=1.0, latency_ms=100.0)
RAW = Acceptance(0.5, (signal_named("mean_logprob", None),))


def test_a_chain_goes_on_after_a_recorded_failure_and_pays_for_both() -> None:
    failed = POOR._replace(failed=True)
    came = drive(contender("it", chain("cheap", "dear")), an_asked(1, {"cheap": failed, "dear": GOOD}))
    assert came.ways == {"cheap": 1.0}
    assert (came.target, came.calls) == ("dear", 2)
    assert came.answer is not None
    assert (came.answer.quality, came.answer.cost_usd, came.answer.latency_ms) == (1.0, 3.0, 400.0)


def test_where_everybody_failed_there_is_no_good_answer() -> None:
    failed = POOR._replace(failed=True)
    came = drive(contender("it", single("cheap")), an_asked(1, {"cheap": failed}))
    assert came.answer is not None
    assert (came.target, came.answer.quality, came.answer.failed) == (None, 0.0, True)


@pytest.mark.parametrize(("confidence", "target", "cost"), [(0.9, "cheap", 1.0), (0.2, "dear", 3.0)])
def test_a_cascade_judges_by_the_signals_that_were_recorded(confidence: float, target: str, cost: float) -> None:
    read = POOR._replace(signals={"mean_logprob": math.log(confidence)})
    came = drive(contender("it", cascade()), an_asked(1, {"cheap": read, "dear": GOOD}))
    assert came.ways == {"cheap (held)": 1.0}
    assert came.answer is not None
    assert (came.target, came.answer.cost_usd) == (target, cost)


@pytest.mark.parametrize("answers", [{}, {"dear": GOOD}, {"cheap": POOR, "dear": GOOD}])
def test_without_the_answer_or_its_signals_a_cascade_comes_to_nobody_knows_what(answers: dict[str, Answer]) -> None:
    assert drive(contender("it", cascade()), an_asked(1, answers)) == Came({"cheap (held)": 1.0})


def test_a_policy_that_reads_what_was_said_is_not_asked_where_that_is_not_kept() -> None:
    reads = contender("it", single("cheap"), reads_text=True)
    assert drive(reads, an_asked(1, {"cheap": GOOD})) == Came({})
    assert drive(reads, an_asked(1, {"cheap": GOOD}, query="Hello?")).target == "cheap"
    assert drive(reads, an_asked(1, {"cheap": GOOD}, policy_version="version of it")).target == "cheap"


def test_chance_is_drawn_anew_and_its_probabilities_are_told() -> None:
    split = contender("it", Weighted((Branch(single("cheap"), 1, "cheap"), Branch(single("dear"), 3, "dear")), "at"))
    came = [drive(split, an_asked(number, {"cheap": POOR, "dear": GOOD})) for number in range(400)]
    assert all(each.ways == {"cheap": 0.25, "dear": 0.75} for each in came)
    # 400 draws: six standard deviations are 0.13.
    assert Counter(each.target for each in came)["cheap"] / 400 == pytest.approx(0.25, abs=0.13)


def cascade() -> Cascade:
    return Cascade((Stage(single("cheap", more=True), RAW), Stage(single("dear"))))
