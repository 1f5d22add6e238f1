"""How much of the gap between two models a router recovers: RouteLLM's measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]


class Gap(NamedTuple):
    """How much of the gap between two targets a router recovers, over the share that it sends to the dearer one.

    I. Ong et al., "RouteLLM" (arXiv 2406.18665), section 2.2.

    Attributes:
        apgr: the mean of the recovered share of the gap; 0.5 for chance.
        cpt50, cpt80: the share of the calls, in percent, at which 50 % and 80 % of the gap are recovered.
    """

    apgr: float
    cpt50: float
    cpt80: float


def recovered(scores: Array, weak: Array, strong: Array) -> Array:
    """The share of the gap that is recovered when the dearer model is asked for the first 0, 1, 2, ... requests.

    Args:
        scores: the higher, the sooner the dearer model is asked.
        weak: 1 where the cheaper model's answer was acceptable, else 0.
        strong: the same of the dearer's.
    """
    order = np.argsort(-scores, kind="stable")
    gained: Array = np.concatenate(([0.0], np.cumsum((strong - weak)[order]))) / (strong - weak).sum()
    return gained


def gap_of(gained: Array) -> Gap:
    """The measures of what `recovered` says."""
    shares = np.linspace(0.0, 1.0, len(gained))
    at_50, at_80 = (100 * shares[np.argmax(gained >= part)] for part in (0.5, 0.8))
    return Gap(float(np.trapezoid(gained, shares)), float(at_50), float(at_80))
