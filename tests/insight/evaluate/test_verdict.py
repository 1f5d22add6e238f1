"""Verdicts in words: worth it, keep what there is, or so many more judged requests."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.insight.evaluate.bootstrap import Interval
from turnout.insight.evaluate.evaluation import Evaluation, Kind, Standing
from turnout.insight.evaluate.verdict import Assumed, Verdict, verdicts, worth_of

USD = 0.001
ONE_CENT = Assumed(worth_usd=0.01)


def standing(name: str, quality: float, cost: float, kind: Kind = "policy", **fields: Any) -> Standing:
    exact = Interval(quality, quality - 0.01, quality + 0.01)
    return Standing(name=name, kind=kind, quality=exact, cost_usd=Interval(cost, 0.9 * cost, 1.1 * cost), **fields)


def evaluation(*others: Standing, requests: int = 1_000) -> Evaluation:
    return Evaluation(
        how="direct",
        requests=requests,
        recorded=requests,
        users=100,
        since="2026-03-01T00:00:00.000+00:00",
        until="2026-03-08T00:00:00.000+00:00",
        trained=0,
        baseline="rules",
        standings=(standing("rules", 0.80, USD), *others),
    )


def verdict(
    over: tuple[float, float, float],
    cost_over: tuple[float, float, float] | None = (0.0, -0.1, 0.1),
    assumed: Assumed = ONE_CENT,
    **fields: int,
) -> Verdict:
    """Of a classifier, whose quality is told in points and whose cost in shares of the rules'."""
    quality = Interval(*(each / 100 for each in over))
    cost = None if cost_over is None else Interval(*(each * USD for each in cost_over))
    given = standing("classifier", 0.8 + quality.value, USD, over=quality, cost_over=cost)
    (found,) = verdicts(evaluation(given, **fields), assumed, frozenset({"classifier"}))
    return found


def test_a_gain_at_equal_cost_pays_for_its_upkeep_from_some_volume_on() -> None:
    found = verdict((1.1, 0.4, 1.8))
    # 400 USD of upkeep in 365 / 12 days, by 0.011 × 0.01 USD for each request.
    assert found.from_requests == 120_000
    assert found.words == (
        "'classifier' gains 1.1 points (0.4 to 1.8) at equal cost over 'rules': worth it above 120,000 requests a day"
    )


def test_what_needs_no_upkeep_is_worth_it_at_any_volume() -> None:
    found = verdict((1.1, 0.4, 1.8), assumed=ONE_CENT._replace(upkeep_usd=0.0))
    assert found.words.endswith("at equal cost over 'rules': worth it")


def test_without_a_gain_what_there_is_is_kept() -> None:
    found = verdict((0.1, -0.6, 0.8))
    assert (found.kind, found.more) == ("keep", 0)
    assert found.words == "no measurable gain of 'classifier' over 'rules': keep 'rules'"


def test_too_wide_an_interval_says_how_many_more_judged_requests_would_settle_it() -> None:
    found = verdict((0.5, -1.5, 2.5))
    # Half of it must come down from 2 points to half a point: a quarter of the width takes sixteen times the requests.
    assert (found.kind, found.more) == ("open", 15_000)
    assert found.words == (
        "not enough evidence on 'classifier', +0.5 points (-1.5 to 2.5) over 'rules': 15,000 more judged requests "
        "would settle it"
    )


def test_what_was_never_tried_is_settled_by_no_number_of_such_requests() -> None:
    unknown = standing("cascade", 0.5, USD, over=Interval(0.0, -0.3, 0.3), unknown=0.3)
    (found,) = verdicts(evaluation(unknown), ONE_CENT)
    assert (found.kind, found.more) == ("open", 0)
    assert found.words == (
        "this traffic does not tell what 'cascade' would have come to on 30 % of the requests: "
        "ask its targets in the shadow, or explore them"
    )


def test_a_saving_at_equal_quality_is_a_reason_of_its_own() -> None:
    found = verdict((0.1, -0.3, 0.5), (-0.3, -0.34, -0.26))
    assert found.kind == "worth it"
    assert found.words.startswith(
        "'classifier' costs 30 % (26 to 34) less at equal quality (-0.3 to 0.5 points) than 'rules': worth it above"
    )


def test_a_saving_may_be_sure_while_the_quality_is_not() -> None:
    found = verdict((0.5, -1.5, 2.5), (-0.3, -0.34, -0.26))
    assert found.kind == "worth it"
    assert found.words.startswith(
        "'classifier' costs 30 % (26 to 34) less than 'rules', at +0.5 points (-1.5 to 2.5): worth it above"
    )
    assert verdict((0.5, -1.5, 2.5), (-0.3, -0.34, -0.26), Assumed(worth_usd=0.1)).kind == "open"


@pytest.mark.parametrize(
    ("over", "cost_over", "worth", "kind", "told"),
    [
        ((2, 1, 3), (0.5, 0.4, 0.6), 0.1, "worth it", "at 50 % (40 to 60) more cost over 'rules': worth it above"),
        ((2, 1, 3), (0.5, 0.4, 0.6), 0.01, "trade", "$0.025 for each further acceptable answer, which is worth $0.01"),
        ((2, 1, 3), (-0.5, -0.6, -0.4), 0.01, "worth it", "gains 2.0 points (1.0 to 3.0) at 50 % (40 to 60) less cost"),
        ((-2, -3, -1), (-0.5, -0.6, -0.4), 0.1, "trade", "worth it only where an acceptable answer is worth less"),
        ((-2, -3, -1), (-0.5, -0.6, -0.4), 0.01, "worth it", "and loses 2.0 points (1.0 to 3.0): worth it above"),
        ((-2, -3, -1), (0.0, -0.1, 0.1), 0.01, "keep", "loses 2.0 points (1.0 to 3.0) against 'rules': keep"),
        ((-2, -3, -1), (0.5, 0.4, 0.6), 0.01, "keep", "and costs 50 % (40 to 60) more against 'rules': keep"),
        ((0.1, -0.5, 0.6), (0.5, 0.4, 0.6), 0.01, "keep", "over 'rules', and it costs 50 % (40 to 60) more: keep"),
        ((1, 0.5, 1.5), None, 0.01, "worth it", "gains 1.0 points (0.5 to 1.5) at equal cost"),
    ],
)
def test_cost_and_quality_are_weighed_by_what_an_answer_is_worth(
    over: tuple[float, float, float],
    cost_over: tuple[float, float, float] | None,
    worth: float,
    kind: str,
    told: str,
) -> None:
    found = verdict(over, cost_over, Assumed(worth_usd=worth))
    assert found.kind == kind
    assert told in found.words


def test_an_answers_worth_is_what_the_dearest_target_takes_for_one_more() -> None:
    found = evaluation(standing("haiku", 0.7, 0.001, "target"), standing("sonnet", 0.9, 0.005, "target"))
    assert worth_of(found, Assumed()) == pytest.approx(0.02)
    assert worth_of(found, ONE_CENT) == 0.01
    worse = evaluation(standing("haiku", 0.7, 0.001, "target"), standing("sonnet", 0.6, 0.005, "target"))
    assert worth_of(worse, Assumed()) is None
    assert worth_of(evaluation(), Assumed()) is None


def test_without_a_worth_a_gain_is_told_and_left_to_the_reader() -> None:
    found = verdict((2, 1, 3), (0.5, 0.4, 0.6), Assumed())
    assert (found.kind, found.words) == (
        "trade",
        "'classifier' gains 2.0 points (1.0 to 3.0) at 50 % (40 to 60) more cost over 'rules'",
    )


def test_a_single_target_is_spoken_of_only_where_it_would_do() -> None:
    as_good = {"over": Interval(0.001, -0.003, 0.005), "cost_over": Interval(-0.5 * USD, -0.6 * USD, -0.4 * USD)}
    dearer = {"over": Interval(0.02, 0.01, 0.03), "cost_over": Interval(0.5 * USD, 0.4 * USD, 0.6 * USD)}
    found = verdicts(
        evaluation(
            standing("haiku", 0.8, 0.0005, "target", **as_good), standing("sonnet", 0.82, 0.0015, "target", **dearer)
        ),
        ONE_CENT,
    )
    assert [each.words for each in found] == [
        "always asking haiku costs 50 % (40 to 60) less at equal quality (-0.3 to 0.5 points) than 'rules': worth it"
    ]
