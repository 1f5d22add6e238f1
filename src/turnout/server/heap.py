"""How often the interpreter looks for garbage that reference counts do not free."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 20)
"""Python's own are (700, 10, 10): a few dozen requests under way hold more objects than 700, so that it would collect
at nearly every request and find nothing. A request leaves no cycle behind unless it fails."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Collect seldom, and never look at what is there now: the modules and the configuration stay for good.

    Saves about 45 µs of each request's 300. For a process that does nothing but serve.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
