"""What the router reports to."""

from __future__ import annotations

from typing import Protocol

from turnout.types.decision import Decision, Intent
from turnout.types.feedback import Feedback


class Recorder(Protocol):
    """Takes down what happens, at once: what it has returned from survives the death of the process."""

    def intend(self, intent: Intent) -> None:
        """Write that a request is about to be sent.

        Raises:
            LedgerError: it could not be written.
        """
        ...

    def record(self, decision: Decision) -> None:
        """Write what became of a request, once for each id.

        Raises:
            LedgerError: it could not be written.
        """
        ...

    def hear(self, feedback: Feedback) -> None:
        """Write what was said of an answer, once for each id.

        Raises:
            LedgerError: it could not be written.
        """
        ...
