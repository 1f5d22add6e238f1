"""The harness's own arithmetic: what is measured may be noisy, what is made of it may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import table
from bench.contestants import RELAY, TURNOUT
from bench.load import parse
from bench.machine import BenchError, Cores
from bench.spread import Spread, differences, percentile, ratios
from bench.verdicts import PROMISES, Verdict, judge

numbers = st.lists(st.floats(min_value=0, max_value=1e9), min_size=1)


@given(numbers, st.floats(min_value=0.01, max_value=1))
def test_a_percentile_is_a_measured_value_that_the_fraction_does_not_exceed(
    values: list[float], fraction: float
) -> None:
    found = percentile(values, fraction)
    assert found in values
    assert sum(value <= found for value in values) >= fraction * len(values)
    assert sum(value < found for value in values) < fraction * len(values)


@given(numbers)
def test_the_median_lies_within_the_spread(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread.low <= spread.median <= spread.high


def test_comparisons_are_made_within_a_round() -> None:
    assert ratios([50.0, 80.0], [100.0, 100.0]) == [0.5, 0.8]
    assert differences([3.0, 2.0], [1.0, 1.5]) == [2.0, 0.5]
    with pytest.raises(ValueError, match="longer"):
        ratios([1.0], [1.0, 2.0])


def test_the_report_is_found_in_a_generators_output() -> None:
    output = 'Running 3s test\n  1 threads\nREPORT {"requests": 900, "failures": 0, "seconds": 3.0}\n'
    assert parse(output).rate == 300


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        ("unable to connect", "reported nothing"),
        ('REPORT {"requests": 900, "failures": 1, "seconds": 3.0}', "1 of 900 requests failed"),
        ('REPORT {"requests": 0, "failures": 0, "seconds": 3.0}', "0 of 0"),
    ],
)
def test_a_run_with_failures_or_without_answers_is_no_measurement(output: str, complaint: str) -> None:
    with pytest.raises(BenchError, match=complaint):
        parse(output)


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ([], Cores(frozenset(), frozenset(), frozenset())),
        ([3], Cores(frozenset({3}), frozenset({3}), frozenset({3}))),
        ([0, 1], Cores(frozenset({0}), frozenset({1}), frozenset({1}))),
        ([0, 2, 4, 6], Cores(frozenset({0}), frozenset({2}), frozenset({4}))),
    ],
)
def test_the_contestant_has_a_core_to_itself_where_there_is_more_than_one(
    available: list[int], expected: Cores
) -> None:
    assert Cores.among(available) == expected


def _verdicts(turnout: dict[str, list[float]], relay: dict[str, list[float]]) -> dict[str, Verdict]:
    names = {*turnout, *relay}
    measured = {
        name: {who: rounds[name] for who, rounds in ((TURNOUT, turnout), (RELAY, relay)) if name in rounds}
        for name in names
    }
    return {verdict.promise.name: verdict for verdict in judge(measured)}


def test_a_promise_is_kept_by_the_median_and_a_miss_says_by_how_much() -> None:
    verdicts = _verdicts({"unary_rps": [4000, 4500, 6000], "import_ms": [150]}, {"unary_rps": [5000, 6000, 7000]})
    assert verdicts["unary requests/s, one core, 32 connections"].text == "short by 10%"
    assert verdicts["... as a share of the bare relay's"].kept
    assert verdicts["import turnout"].text == "met"


def test_a_ceiling_that_is_passed_is_over() -> None:
    verdicts = _verdicts({"p50_ms": [0.37], "p99_ms": [0.9]}, {"p50_ms": [0.25], "p99_ms": [1.0]})
    assert verdicts["latency over the bare relay, p50"].text == "over by 50%"
    assert verdicts["latency over the bare relay, p99"].kept


def test_what_was_not_measured_is_neither_kept_nor_broken() -> None:
    verdicts = judge({})
    assert [verdict.promise for verdict in verdicts] == list(PROMISES)
    assert all(verdict.kept is None and verdict.text == "not measured" for verdict in verdicts)


@pytest.mark.parametrize(
    ("value", "text"),
    [(8123.4, "8,123"), (45.12, "45.1"), (0.08234, "0.0823"), (0.0, "0"), (-0.5, "-0.500"), (5000, "5,000")],
)
def test_figures_are_shown_with_three_digits_that_mean_something(value: float, text: str) -> None:
    assert table.number(value) == text


def test_the_table_has_a_row_for_each_metric_and_a_column_for_each_contestant() -> None:
    grid = table.contestants({"unary_rps": {RELAY: [6000.0, 7000.0, 8000.0], TURNOUT: [5000.0]}, "rest_mb": {}})
    assert grid.head == ("", RELAY, TURNOUT)
    assert grid.rows == [("unary requests/s, 32 connections", "7,000 ± 1,000", "5,000")]
    assert grid.markdown().splitlines()[1] == "| --- | ---: | ---: |"


def test_the_promises_are_shown_with_their_bound_and_verdict() -> None:
    row = table.promises(judge({"rest_mb": {TURNOUT: [130.0]}})).rows[5]
    assert row == ("memory at rest, per worker", "≤ 120 MB", "130", "over by 8%")
