"""A recorder that remembers, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.types.decision import Decision, Intent


class MemoryLedger:
    """Keeps what it is told, in order.

    Attributes:
        intents: every request that was about to be sent.
        decisions: every decision.
        failure: raised by both methods while it is set; a full disk, for instance.
    """

    def __init__(self) -> None:
        self.intents: list[Intent] = []
        self.decisions: list[Decision] = []
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
