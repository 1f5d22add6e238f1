"""The value of a policy from what another one did, where the probability of everything it did is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.insight.evaluate.parts import Parts

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


def inverse_propensity(outcomes: Array, wanted: Array, logged: Array) -> Parts:
    """V = Σ w_i y_i / Σ w_i with w_i = π(a_i | x_i) / p(a_i | x_i): self-normalised inverse propensity weights.

    D. G. Horvitz and D. J. Thompson, "A Generalization of Sampling Without Replacement From a Finite Universe", JASA 47
    (1952); self-normalised as in A. Swaminathan and T. Joachims, "The Self-Normalized Estimator for Counterfactual
    Learning", NeurIPS 2015, which trades a bias of order 1/n for a smaller variance.

    Args:
        outcomes: what came of what was done, of each request.
        wanted: π: with which probability the policy would have done it.
        logged: p: with which probability it was done; above 0.
    """
    weights = wanted / logged
    return Parts(weights * outcomes, weights)
