"""Manners of a background thread."""

from __future__ import annotations

import time

BREATH_S = 0.0002
SLICE = 20
"""How many decisions to work on between two breaths: some 0.3 ms."""


def breathe() -> None:
    """Give this process's other threads their turn.

    To release the interpreter's lock is not enough where the threads share one core: whoever releases it has taken it
    again before the other one is awake, which then waits for five milliseconds. So this sleeps.
    """
    time.sleep(BREATH_S)
