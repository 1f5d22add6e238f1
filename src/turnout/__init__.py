"""turnout sends each LLM request to the right model, records why, and learns from the record.

The public names are imported when they are first used, so that `import turnout` alone costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.config.build import ConfiguredRouter as Router
    from turnout.errors import (
        CallerError,
        ConfigError,
        LedgerError,
        MissingExtra,
        RequestFailed,
        ServingError,
        TurnoutError,
    )
    from turnout.policy.explain import Explanation
    from turnout.router.library import Answer, AnswerStream, Embeddings
    from turnout.sync import SyncRouter
    from turnout.types.decision import Attempt, Decision
    from turnout.types.request import Caller

__version__ = "0.1.0"

_HOMES = {
    "Answer": "turnout.router.library",
    "AnswerStream": "turnout.router.library",
    "Attempt": "turnout.types.decision",
    "Caller": "turnout.types.request",
    "CallerError": "turnout.errors",
    "ConfigError": "turnout.errors",
    "Decision": "turnout.types.decision",
    "Embeddings": "turnout.router.library",
    "Explanation": "turnout.policy.explain",
    "LedgerError": "turnout.errors",
    "MissingExtra": "turnout.errors",
    "RequestFailed": "turnout.errors",
    "Router": "turnout.config.build:ConfiguredRouter",
    "ServingError": "turnout.errors",
    "SyncRouter": "turnout.sync",
    "TurnoutError": "turnout.errors",
}

__all__ = [
    "Answer",
    "AnswerStream",
    "Attempt",
    "Caller",
    "CallerError",
    "ConfigError",
    "Decision",
    "Embeddings",
    "Explanation",
    "LedgerError",
    "MissingExtra",
    "RequestFailed",
    "Router",
    "ServingError",
    "SyncRouter",
    "TurnoutError",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'turnout' has no attribute '{name}'")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(import_module(module), attribute or name)
