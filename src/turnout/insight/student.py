"""How far a mean of few values may be off."""

from __future__ import annotations


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's distribution, within 1 % from three degrees of freedom on.

    Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.7.5.
    """
    z, n = 1.959964, freedom
    terms = (
        z,
        (z**3 + z) / (4 * n),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3),
    )
    return sum(terms)
