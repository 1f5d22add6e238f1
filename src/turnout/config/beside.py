"""What is asked beside the traffic: by whom it is called."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

from turnout.execution.breaker import BreakerBoard, BreakerSettings
from turnout.execution.executor import Executor
from turnout.execution.health import HealthBoard
from turnout.execution.retry import RetrySettings
from turnout.providers.endpoint import Endpoint
from turnout.router.parts import Beside
from turnout.types.clock import Clock

_ONCE: Final = RetrySettings(attempts=1)


def caller_beside(
    endpoints: Mapping[str, Endpoint], clock: Clock, before: Beside | None = None, kept: Container[str] = ()
) -> Beside:
    """Calls targets once each, with no say in what the traffic knows of their health.

    Args:
        endpoints: of every target.
        clock: monotonic time.
        before: whose place it takes.
        kept: the targets of which what was learnt before still holds.
    """
    if before is not None:
        breakers = before.breakers.renewed(endpoints, kept)
        return Beside(before.executor.renewed(endpoints, breakers, kept), breakers)
    breakers = BreakerBoard(endpoints, BreakerSettings(), clock)
    return Beside(Executor(endpoints, breakers, HealthBoard(endpoints, clock), retries=_ONCE), breakers)
