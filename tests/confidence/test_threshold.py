"""A certified threshold keeps its promise in at least 1 − δ of the cases; a naive one does not."""

from __future__ import annotations

import numpy as np
import pytest

from turnout.confidence.threshold import GRID, NEVER, certify, labels_to_tighten, naive

ALPHA, DELTA = 0.05, 0.1


def answers(draws: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences that crowd near 1, each answer wrong as often as its confidence says."""
    confidences = 1 - draws.beta(0.6, 2.0, size=n)
    return confidences, (draws.uniform(size=n) > confidences).astype(float)


@pytest.mark.parametrize("among_kept", [False, True])
@pytest.mark.parametrize("labels", [100, 400])
def test_the_promise_is_kept_on_traffic_that_was_not_seen(labels: int, among_kept: bool) -> None:
    draws = np.random.default_rng(labels)
    unseen, losses = answers(draws, 100_000)

    def risk(threshold: float) -> float:
        kept = unseen >= threshold
        of = kept.sum() if among_kept else len(unseen)
        return float(losses[kept].sum() / of) if of else 0.0

    found = []
    for _ in range(200):
        seen = answers(draws, labels)
        sure = certify(*seen, alpha=ALPHA, delta=DELTA, among_kept=among_kept)
        found.append((risk(sure.threshold), risk(naive(*seen, alpha=ALPHA, among_kept=among_kept))))
    broken, naively_broken = (np.array(found) > ALPHA).mean(axis=0)
    assert broken <= DELTA
    assert naively_broken > 2 * DELTA


def test_too_few_labels_certify_nothing_and_say_how_many_would() -> None:
    draws = np.random.default_rng(7)
    few = certify(*answers(draws, 30), alpha=ALPHA, delta=DELTA)
    assert not few.keeps_any
    assert few.threshold == NEVER
    assert few.needed == 45


def test_answers_without_a_loss_are_all_kept() -> None:
    found = certify(np.full(200, 0.9), np.zeros(200), alpha=ALPHA, delta=DELTA)
    assert found.keeps_any
    assert found.threshold == min(GRID)
    assert found.kept == 1


def test_more_labels_are_asked_for_where_risk_and_bound_are_closer() -> None:
    draws = np.random.default_rng(3)
    found = certify(*answers(draws, 3_000), alpha=ALPHA, delta=DELTA)
    assert found.keeps_any
    assert labels_to_tighten(found, alpha=ALPHA, delta=DELTA) > 0
