"""Figures are those of scikit-learn, and what the card says is chosen is what the policy would choose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import roc_auc_score

from turnout.insight.train.appraisal import auc_of
from turnout.insight.train.contest import chosen_by
from turnout.policy.classifier.choice import BestValue, Cheapest, Choice, Option

NAMES = ("small", "middle", "large")
COST = np.array([0.0001, 0.001, 0.01])
SETTINGS: list[tuple[dict[str, Any], Choice]] = [
    ({"gain": 0.2}, Cheapest(None, 0.2, 0.0)),
    ({"at_least": 0.7}, Cheapest(0.7, 0.0, 0.0)),
    ({"utility": {"answer": 0.02}}, BestValue(0.02, 0.0, 0.0)),
]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40))
def test_the_area_is_that_of_scikit_learn(rows: list[tuple[int, bool, int]]) -> None:
    said, labels, counts = (np.array(column, float) for column in zip(*rows, strict=True))
    (area,) = auc_of(said, labels, counts[None, :])
    if len(set(labels[counts > 0])) < 2:
        assert area == 0.5
    else:
        assert area == pytest.approx(roc_auc_score(labels, said, sample_weight=counts))


@pytest.mark.parametrize(("settings", "choice"), SETTINGS)
@given(st.data())
def test_what_is_measured_is_what_the_policy_chooses(settings: dict[str, Any], choice: Choice, data: Any) -> None:
    grid = st.integers(0, 20).map(lambda twentieths: twentieths / 20 + 0.001)
    chances = data.draw(arrays.arrays(float, (4, 3), elements=grid))
    by_policy = [choice.of([Option(*each) for each in zip(NAMES, row, COST, strict=True)]) for row in chances]
    told = chosen_by(settings, NAMES, chances, COST)
    for row, place, option in zip(chances, told, by_policy, strict=True):
        assert option is not None
        assert NAMES[place] == option.name or row[place] == option.chance  # of equals either
