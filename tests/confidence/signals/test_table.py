"""The table of signals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.confidence.signals.holding import answer, held, tokens
from turnout.confidence.signal import read_free
from turnout.confidence.signals.measure import Measure
from turnout.confidence.signals.table import SIGNALS, Abilities, signal_named
from turnout.errors import ConfigError


@pytest.mark.parametrize("name", SIGNALS)
def test_each_signal_says_what_it_measures_and_what_it_needs(name: str) -> None:
    kind = SIGNALS[name]
    assert (kind.__doc__ or "").strip()
    assert kind.needs <= {"logprobs", "tail"}
    if issubclass(kind, Measure):
        signal = signal_named(name, abilities=Abilities(detect=lambda text: text[:2]))
        assert (signal.name, signal.calls, signal.target) == (name, 0, None)


def test_a_signal_may_have_a_name_of_its_own() -> None:
    case = held(answer("t", logprobs=tokens(-1.0, -2.0, -3.0)))
    low = signal_named("lowest_tenth", {"signal": "quantile_logprob", "at": 0.1})
    half = signal_named("half", {"signal": "quantile_logprob", "at": 0.5})
    assert (low.name, half.name) == ("lowest_tenth", "half")
    assert read_free(low, case) == pytest.approx(-2.8)
    assert read_free(half, case) == -2.0


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        (
            "mean_logprobs",
            {},
            r"unknown signal 'mean_logprobs'. Did you mean 'mean_logprob'\? Known signals: .*truncated",
        ),
        ("mine", {"signal": "zzz"}, r"unknown signal 'zzz' \(of mine\). Known signals: agreement"),
        ("quantile_logprob", {"p": 0.1}, r"the signal quantile_logprob has no setting 'p'. Its settings: at."),
        ("quantile_logprob", {"at": 2}, r"the setting at of the signal quantile_logprob is 2: .*< 1"),
        ("quantile_logprob", {"at": "low"}, r"the setting at .* is 'low': Expected float"),
        ("truncated", {"at": 2}, r"the signal truncated has no setting 'at'. It has no settings."),
        ("language_differs", {"detect": "x"}, r"has no setting 'detect'. It has no settings."),
        ("truncated", {"name": "x"}, r"has no setting 'name'"),
    ],
)
def test_a_wrong_setting_is_told_with_its_fix(name: str, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        signal_named(name, settings)
