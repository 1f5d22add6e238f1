"""The value of a policy where the outcome of its choice was observed for every request: the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.features.ngrams import numpy
from turnout.insight.evaluate.parts import Parts

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


def direct(outcomes: Array) -> Parts:
    """V = (1/n) Σ y_i(π): the mean of what the policy's choices came to.

    Unbiased only where which outcomes were observed does not hang on the outcomes: every target was asked, or a part of
    the requests was drawn at random to ask them all.

    Args:
        outcomes: what the policy came to for each request; NaN is left out.
    """
    np = numpy()
    known = ~np.isnan(outcomes)
    return Parts(np.where(known, outcomes, 0.0), known.astype(float))
