"""turnout sends each LLM request to the right model, records why, and learns from the record."""

from turnout.config.build import ConfiguredRouter as Router
from turnout.errors import (
    CallerError,
    ConfigError,
    RequestFailed,
    ServingError,
    TurnoutError,
)
from turnout.policy.explain import Explanation
from turnout.router.library import Answer, AnswerStream
from turnout.sync import SyncRouter
from turnout.types.decision import Attempt, Decision
from turnout.types.request import Caller

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "AnswerStream",
    "Attempt",
    "Caller",
    "CallerError",
    "ConfigError",
    "Decision",
    "Explanation",
    "RequestFailed",
    "Router",
    "ServingError",
    "SyncRouter",
    "TurnoutError",
    "__version__",
]
