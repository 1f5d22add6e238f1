"""P-values for a mean risk: how surprising the observed losses would be if the true risk were over a bound."""

from __future__ import annotations

import math
from typing import Final

_E: Final = math.e


def hoeffding_bentkus(mean_loss: float, n: int, alpha: float) -> float:
    """A valid p-value for "the expected loss is over `alpha`", from `n` independent losses in [0, 1].

    The smaller of Hoeffding's bound in its tight (relative entropy) form and Bentkus's binomial bound: Bates,
    Angelopoulos, Lei, Malik and Jordan, "Distribution-Free, Risk-Controlling Prediction Sets", J. ACM 68 (2021),
    proposition 7; used as here in Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test" (2021), section 3.

    Args:
        mean_loss: the observed mean, 0 to 1.
        n: how many losses.
        alpha: the bound, above 0 and below 1.

    Returns:
        The p-value, 0 to 1; 1 where there are no losses.
    """
    if n == 0:
        return 1.0
    hoeffding = math.exp(-n * relative_entropy(min(mean_loss, alpha), alpha))
    bentkus = _E * binomial_cdf(math.ceil(n * mean_loss - 1e-9), n, alpha)
    return min(1.0, hoeffding, bentkus)


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(X ≤ k) for X of the binomial distribution of `n` trials with chance `p`, 0 < p < 1.

    Summed downwards from the largest term, which is exact to rounding and stops when nothing more is added.
    """
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    if k > n * p:  # the upper tail is the shorter one
        return 1.0 - binomial_cdf(n - k - 1, n, 1.0 - p)
    term = math.exp(
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
    )
    total = 0.0
    for count in range(k, -1, -1):
        total += term
        if term < total * 1e-17:
            break
        term *= count * (1.0 - p) / ((n - count + 1) * p)
    return min(total, 1.0)


def least_labels(alpha: float, delta: float) -> int:
    """How many labels without a single loss it takes to certify a risk of at most `alpha` at confidence 1 − `delta`.

    With fewer, nothing can be certified whatever they say: without a loss the p-value is (1 − `alpha`)^n.
    """
    return math.ceil(math.log(delta) / math.log1p(-alpha) - 1e-9)


def relative_entropy(a: float, b: float) -> float:
    """Of a coin of chance `a` to one of chance `b`, in nats."""
    heads = a * math.log(a / b) if a > 0 else 0.0
    tails = (1 - a) * math.log((1 - a) / (1 - b)) if a < 1 else 0.0
    return heads + tails
