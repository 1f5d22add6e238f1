"""A request's features as numbers."""

from __future__ import annotations

from turnout.confidence.signals.request import REQUEST_VALUES, request_values
from turnout.confidence.signals.table import SIGNALS
from turnout.types.features import Features


def test_every_feature_that_is_a_number_is_one() -> None:
    features = Features(chars=27, tokens=7, context_tokens=11, turns=2, images=1, language="en", needs=("tools",))
    expected = {
        "chars": 27.0,
        "tokens": 7.0,
        "context_tokens": 11.0,
        "max_tokens": 0.0,
        "turns": 2.0,
        "tools": 0.0,
        "images": 1.0,
    }
    assert request_values(features).items() >= expected.items()
    assert tuple(request_values(features)) == REQUEST_VALUES


def test_no_signal_has_a_features_name() -> None:
    assert not set(SIGNALS) & set(REQUEST_VALUES)
