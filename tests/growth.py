"""How the cost of a call grows with its input: as a ratio within one run, since these machines are noisy."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

LINEAR = 8.0
"""What four times the input may cost at most: 4 if the cost is linear, 16 if it is quadratic."""


def growth(call: Callable[[int], object], size: int) -> float:
    """CPU time for an input of `4 * size` over that for `size`, each the best of three."""
    return _best(call, 4 * size) / _best(call, size)


def _best(call: Callable[[int], object], size: int) -> float:
    spent = []
    gc.disable()  # how often it runs depends on what else is alive
    try:
        for _ in range(3):
            began = time.thread_time()
            call(size)
            spent.append(time.thread_time() - began)
    finally:
        gc.enable()
    return min(spent)
