"""What calls tell of a target: quantiles near the truth, old news forgotten, callers' own doings left out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.execution.health import FadingQuantiles, HealthBoard, TargetWatch
from turnout.testing import FrozenClock
from turnout.types.health import TargetHealth, too_slow

DURATIONS = st.lists(st.floats(0.002, 600), min_size=5, max_size=60)


@given(DURATIONS, st.sampled_from([0.5, 0.9, 0.95]), st.floats(0, 1e6))
def test_a_quantile_is_within_five_per_cent_of_the_exact_one(given_: list[float], share: float, now: float) -> None:
    quantiles = FadingQuantiles()
    for duration in given_:
        quantiles.add(duration, now)
    rank, found = share * len(given_), quantiles.quantile(share)
    exact = [sorted(given_)[math.ceil(rank + rounding) - 1] for rounding in (-1e-6, 1e-6)]
    assert any(found == pytest.approx(each, rel=0.06) for each in exact)


def test_too_few_calls_make_no_quantile() -> None:
    quantiles = FadingQuantiles()
    for _ in range(4):
        quantiles.add(1.0, 0.0)
    assert quantiles.quantile(0.9) is None


@pytest.mark.parametrize("pause_s", [300.0, 15_000.0, 1e7])
def test_newer_calls_outweigh_older_ones_however_much_time_passes(pause_s: float) -> None:
    quantiles = FadingQuantiles()
    for _ in range(1_000):
        quantiles.add(10.0, 0.0)
    for _ in range(20):
        quantiles.add(0.1, pause_s)
    assert quantiles.quantile(0.9) == pytest.approx(0.1, rel=0.06)


def watch_of(clock: FrozenClock, *first_tokens: float) -> TargetWatch:
    watch = TargetWatch(clock)
    for first_token in first_tokens:
        watch.began()
        watch.answered(first_token + 1.0, first_token, 50)
    return watch


def test_answers_tell_first_token_speed_and_length() -> None:
    health = watch_of(FrozenClock(), *[0.2] * 5).now()
    assert health.first_token_ms == pytest.approx(200, rel=0.06)
    assert health.total_ms == pytest.approx(1200, rel=0.06)
    assert health.tokens_per_s == pytest.approx(50)
    assert (health.output_tokens, health.error_rate, health.in_flight) == (50, 0, 0)
    assert health.peak_ms == pytest.approx(200)


def test_what_is_expected_follows_from_first_token_length_and_speed() -> None:
    health = TargetHealth(first_token_ms=200, tokens_per_s=50, output_tokens=100, total_ms=9_000)
    assert health.predicted_ms(stream=True, max_tokens=None) == 200
    assert health.predicted_ms(stream=False, max_tokens=None) == 2_200
    assert health.predicted_ms(stream=False, max_tokens=10) == 400
    assert TargetHealth(total_ms=900).predicted_ms(stream=False, max_tokens=None) == 900
    assert TargetHealth().predicted_ms(stream=True, max_tokens=None) is None


def test_no_data_is_never_too_slow() -> None:
    assert too_slow(None, 0.001) is None
    assert too_slow(1_000.0, None) is None
    assert too_slow(1_000.0, 1.0) is None
    assert too_slow(1_840.2, 1.0) == "too_slow:1840ms"


def test_a_slower_call_counts_at_once_and_is_forgotten_by_time() -> None:
    clock = FrozenClock()
    watch = watch_of(clock, *[0.1] * 20, 3.0)
    assert watch.now().peak_ms == pytest.approx(3_000)
    clock.advance(20)
    faded = watch.now().peak_ms
    assert faded is not None
    assert faded == pytest.approx(3_000 * math.exp(-2), rel=0.01)


def test_a_quick_failure_does_not_look_like_a_quick_answer() -> None:
    watch = watch_of(FrozenClock(), *[0.1] * 10)
    watch.began()
    watch.failed(0.002, None)
    health = watch.now()
    assert health.peak_ms == pytest.approx(5_000)
    assert health.error_rate == pytest.approx(0.1)


def test_what_the_caller_caused_is_no_failure_and_a_short_silence_tells_nothing() -> None:
    watch = watch_of(FrozenClock(), *[0.2] * 10)
    before = watch.now()
    watch.began()
    watch.unknown(0.05, None)
    assert watch.now() == before
    watch.began()
    watch.unknown(4.0, None)  # long past what is usual, whoever gave up
    after = watch.now()
    assert after.error_rate == 0
    assert after.peak_ms == pytest.approx(4_000)


def test_a_target_that_nobody_calls_is_unknown_again() -> None:
    clock = FrozenClock()
    watch = watch_of(clock, *[2.0] * 10)
    watch.began()
    clock.advance(121)
    assert watch.now() == TargetHealth(in_flight=1)
    assert watch.silence(0.95) is None
    watch.answered(0.3, 0.1, 20)
    assert watch.now().peak_ms == pytest.approx(100)
    assert watch.now().first_token_ms is None, "the slow ones of before are forgotten"


def test_a_whole_answer_is_reckoned_without_the_time_to_write_it() -> None:
    watch = watch_of(FrozenClock(), *[0.2] * 5)
    watch.began()
    watch.answered(2.1, None, 100)
    peak = watch.now().peak_ms
    assert peak is not None
    assert peak == pytest.approx(200, rel=0.06)


@given(st.lists(st.sampled_from(["began", "answered", "failed", "unknown"]), max_size=40))
def test_calls_under_way_are_counted_whatever_becomes_of_them(events: list[str]) -> None:
    watch = TargetWatch(FrozenClock())
    under_way = 0
    for event in events:
        if event == "began":
            watch.began()
            under_way += 1
        elif under_way:
            under_way -= 1
            match event:
                case "answered":
                    watch.answered(1.0, 0.5, 10)
                case "failed":
                    watch.failed(1.0, None)
                case _:
                    watch.unknown(1.0, None)
        assert watch.now().in_flight == under_way


def test_a_new_configuration_keeps_what_is_known_of_unchanged_targets() -> None:
    clock = FrozenClock()
    board = HealthBoard(["a", "b"], clock)
    for target in ("a", "b"):
        board[target].began()
    after = board.renewed(["a", "b", "c"], kept={"a"})
    assert after["a"] is board["a"]
    assert {target: after.read()[target].in_flight for target in ("a", "b", "c")} == {"a": 1, "b": 0, "c": 0}


def test_one_decision_reads_a_target_once_and_tells_what_it_read() -> None:
    board = HealthBoard(["a", "b"], FrozenClock())
    read = board.read()
    assert read["a"].in_flight == 0
    board["a"].began()
    assert read["a"].in_flight == 0, "as it was when the decision first looked"
    assert dict(read) == {"a": TargetHealth()}
