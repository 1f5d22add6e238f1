"""A request's shape, as numbers."""

from __future__ import annotations

import math

import msgspec
import pytest

from turnout.features.measures import MEASURES, measure
from turnout.types.features import Features


def measured(query: str, **fields: int) -> dict[str, float]:
    features = msgspec.structs.replace(Features(chars=len(query), tokens=100, context_tokens=200), **fields)
    return dict(zip(MEASURES, measure(features, query), strict=True))


def test_lengths_count_by_their_logarithm() -> None:
    found = measured("a\nb\nc", turns=3)
    assert found["tokens"] == pytest.approx(math.log(101))
    assert found["over_50_tokens"] == pytest.approx(math.log(101 / 51))
    assert found["over_150_tokens"] == 0.0
    expected = {"context": math.log(201), "turns": math.log(4), "lines": math.log(3)}
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_what_is_no_prose_counts_by_its_share() -> None:
    found = measured("x=42 AB{}")
    assert found["digits"] == 2 / 9
    assert found["symbols"] == 3 / 9
    assert found["capitals"] == 2 / 9
    assert measured("")["digits"] == 0.0
