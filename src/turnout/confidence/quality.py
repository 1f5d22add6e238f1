"""How good probabilities are: calibration error, Brier score, log loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from turnout.confidence.numbers import numpy

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

BINS: Final = 10


def brier(chances: Numbers, labels: Numbers) -> float:
    """The mean squared difference between probability and label: 0 is perfect. Brier, Monthly Weather Review (1950)."""
    return float(((chances - labels) ** 2).mean())


def log_loss(chances: Numbers, labels: Numbers) -> float:
    """The mean negative log-likelihood of the labels, in nats."""
    np = numpy()
    inside = np.clip(chances, 1e-9, 1 - 1e-9)
    return float(-(labels * np.log(inside) + (1 - labels) * np.log1p(-inside)).mean())


def calibration_error(chances: Numbers, labels: Numbers, bins: int = BINS) -> float:
    """The expected calibration error: how far, on average, a stated probability is from the share that came true.

    Over bins of equally many answers: of bins of equal width most would be empty. Naeini, Cooper and Hauskrecht,
    AAAI 2015; Nguyen and O'Connor, EMNLP 2015, for adaptive bins.
    """
    np = numpy()
    order = np.argsort(chances, kind="stable")
    gaps = [
        abs(float(chances[part].mean() - labels[part].mean())) * len(part)
        for part in np.array_split(order, min(bins, len(order)))
    ]
    return sum(gaps) / len(order)
