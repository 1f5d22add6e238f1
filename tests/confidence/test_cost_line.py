"""What the next stage's answer costs is foreseen by what it is asked."""

from __future__ import annotations

import numpy as np
import pytest

from turnout.confidence.cost_line import CostLine, fit_cost

INPUT_USD, OUTPUT_USD = 2.5e-6, 10e-6


def asked(n: int, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Questions of which a tenth is answered at length, and what that cost."""
    draws = np.random.default_rng(seed)
    tokens = np.exp(draws.normal(5, 0.5, size=n))
    long = draws.uniform(size=n) < 0.1
    said = np.where(long, draws.uniform(100, 400, size=n), 1.0)
    cost = INPUT_USD * tokens + OUTPUT_USD * said * np.where(long, draws.uniform(0.7, 1.3, size=n), 1.0)
    return {"tokens": tokens, "said": said}, cost


@pytest.fixture(scope="module")
def line() -> CostLine:
    return fit_cost(*asked(2_000))


def test_cheap_answers_are_foreseen_as_exactly_as_dear_ones(line: CostLine) -> None:
    columns, cost = asked(2_000, seed=1)
    expected = line.usd_of(list(columns.values()))
    inside = (line.inputs[0].low <= columns["tokens"]) & (columns["tokens"] <= line.inputs[0].high)
    short = inside & (columns["said"] == 1)
    assert np.abs(expected[short] / cost[short] - 1).max() < 0.1
    assert expected[inside & ~short].mean() == pytest.approx(cost[inside & ~short].mean(), rel=0.05)


def test_prices_of_tokens_are_found(line: CostLine) -> None:
    assert line.weights == pytest.approx((INPUT_USD, OUTPUT_USD), rel=0.1)


def test_one_is_foreseen_as_among_many(line: CostLine) -> None:
    columns, _ = asked(50, seed=2)
    many = line.usd_of(list(columns.values()))
    rows = ({name: float(values[place]) for name, values in columns.items()} for place in range(50))
    assert [line.usd(row) for row in rows] == pytest.approx(list(many))


def test_nothing_is_expected_to_cost_less_than_nothing() -> None:
    tokens = np.linspace(1, 100, 60)
    line = fit_cost({"tokens": tokens}, np.where(tokens < 50, 1e-9, 1.0))
    assert line.usd({"tokens": 1.0}) == line.least > 0
    free = fit_cost({"tokens": tokens}, np.zeros(60))
    assert free.usd({"tokens": 50.0}) == 0.0
