"""A recorder that remembers, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.types.decision import Decision, Intent
    from turnout.types.feedback import Feedback


class MemoryLedger:
    """Keeps what it is told, in order.

    Attributes:
        intents: every request that was about to be sent.
        decisions: every decision.
        feedback: all that was said of answers.
        failure: raised by every method while it is set; a full disk, for instance.
    """

    def __init__(self) -> None:
        self.intents: list[Intent] = []
        self.decisions: list[Decision] = []
        self.feedback: list[Feedback] = []
        self.failure: Exception | None = None

    def intend(self, intent: Intent) -> None:
        """See `turnout.ledger.recorder.Recorder.intend`."""
        if self.failure:
            raise self.failure
        self.intents.append(intent)

    def record(self, decision: Decision) -> None:
        """See `turnout.ledger.recorder.Recorder.record`."""
        if self.failure:
            raise self.failure
        self.decisions.append(decision)

    def hear(self, feedback: Feedback) -> None:
        """See `turnout.ledger.recorder.Recorder.hear`."""
        if self.failure:
            raise self.failure
        self.feedback.append(feedback)
