"""numpy, imported by whoever computes and not by whoever imports turnout."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from types import ModuleType
from typing import Any

from turnout.errors import MissingExtra


def numpy() -> ModuleType:
    """The module.

    Raises:
        MissingExtra: the extra `learn` is not installed.
    """
    try:
        import numpy as np
    except ImportError:
        raise MissingExtra("confidence", "learn") from None
    return np


def one_thread() -> AbstractContextManager[Any]:
    """Within it, products of matrices take one thread.

    Those of a calibration are tall and narrow, and finished before more threads have met; on a machine whose cores are
    taken, waiting for each other makes them many times slower.
    """
    controller = _controller()
    return nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@cache
def _controller() -> Any:
    """Of the libraries that numpy computes with; it comes with scikit-learn, and there is none without."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
