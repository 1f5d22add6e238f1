"""Traffic that has moved is told from traffic that has not."""

from __future__ import annotations

import numpy as np

from bench.answers import answers
from turnout.confidence.shift import Drift, Window, drift, shift_word, window_of

CALIBRATED = window_of(answers(1_000).columns)


def drifted(window: Window, *, seed: int, n: int, shift: float = 0.0) -> Drift:
    columns = answers(n, seed=seed, shift=shift).columns
    return drift(window, {name: window.histograms[name].counts(values) for name, values in columns.items()})


def test_quiet_traffic_raises_no_alarm_in_small_windows_and_large_ones() -> None:
    alarms = [bool(drifted(CALIBRATED, seed=seed, n=n).shifted) for n in (50, 400) for seed in range(1, 101)]
    assert sum(alarms) <= 2


def test_longer_questions_are_noticed_and_named() -> None:
    found = drifted(CALIBRATED, seed=3, n=400, shift=1.0)
    assert found.shifted == ["tokens"]
    assert found.indices["tokens"] > 5 * found.indices["mean_logprob"]


def test_the_furthest_mover_is_named_first() -> None:
    told = Drift(answers=1_000, indices={"a": 0.3, "b": 0.9, "c": 0.1}, limit=0.25)
    assert told.shifted == ["b", "a"]


def test_no_traffic_is_no_shift() -> None:
    assert drift(CALIBRATED, {}).shifted == []


def test_an_input_with_one_value_has_one_bin() -> None:
    window = window_of({"tools": np.zeros(80)})
    assert window.histograms["tools"].shares == (0.0, 1.0)
    assert drift(window, {"tools": np.array([0.0, 50.0])}).shifted == []
    assert drift(window, {"tools": np.array([50.0, 0.0])}).shifted == ["tools"]


def test_a_shift_is_called_as_is_customary_unless_chance_reaches_further() -> None:
    assert [shift_word(index, 0.25) for index in (0.09, 0.1, 0.25, 0.26)] == ["stable", "slight", "slight", "moved"]
    assert shift_word(0.3, limit=0.33) == "slight"
