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


def gap_recovered(scores: Array, weak: Array, strong: Array) -> Gap:
    """How well scores tell for which requests the dearer target is worth it.

    Args:
        scores: the higher, the sooner the dearer target is asked.
        weak: 1 where the cheaper target's answer was acceptable, else 0.
        strong: the same of the dearer's.
    """
    order = np.argsort(-scores, kind="stable")
    gained = np.concatenate(([0.0], np.cumsum((strong - weak)[order]))) / (strong - weak).sum()
    shares = np.linspace(0.0, 1.0, len(gained))
    at_50, at_80 = (100 * shares[np.argmax(gained >= part)] for part in (0.5, 0.8))
    return Gap(float(np.trapezoid(gained, shares)), float(at_50), float(at_80))
