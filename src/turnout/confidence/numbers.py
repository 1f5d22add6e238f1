"""numpy, imported by whoever computes and not by whoever imports turnout."""

from __future__ import annotations

from types import ModuleType

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
