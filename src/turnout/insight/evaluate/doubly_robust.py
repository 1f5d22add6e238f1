"""The value of a policy from what another one did, with a model of the outcomes to lean on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.features.ngrams import numpy
from turnout.insight.evaluate.parts import Parts

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


def doubly_robust(outcomes: Array, weights: Array, expected: Array, expected_of_done: Array) -> Parts:
    """V = (1/n) Σ [ Σ_a π(a|x_i) q(x_i, a) + w_i (y_i − q(x_i, a_i)) ] with w_i = π(a_i|x_i) / p(a_i|x_i).

    Unbiased if either the probabilities or the model are right; here the probabilities are. M. Dudík, J. Langford and
    L. Li, "Doubly Robust Policy Evaluation and Learning", ICML 2011, equation 1. The model is fitted without the
    request's own fold, so that the probabilities alone are enough (V. Chernozhukov et al., "Double/debiased machine
    learning", The Econometrics Journal 21, 2018).

    Args:
        outcomes: y: what came of what was done.
        weights: w.
        expected: Σ_a π(a|x) q(x, a): what the model expects of the policy.
        expected_of_done: q(x, a): what it expects of what was done.
    """
    return Parts(expected + weights * (outcomes - expected_of_done), numpy().ones(len(outcomes)))
