"""What was said in recorded requests, and which questions about them can still be answered."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from turnout.insight.query import Filter, select
from turnout.ledger.store import Store
from turnout.types.request import Said

Need = Literal["features", "words", "exact"]
"""What a question must know of each request: `features` (its length, language, tools, ...: recorded always), `words`
(what was said, masked or not: other phrase lists, a classifier), `exact` (word for word: asking a model again)."""

_KNOWN: Final[dict[Need, str]] = {
    "features": "outcome <> 'interrupted'",
    "words": "id IN (SELECT decision FROM texts)",
    "exact": "id IN (SELECT decision FROM texts WHERE mode = 'full')",
}
_REASON: Final[dict[Need, str]] = {
    "features": "their process died before their record was complete",
    "words": "only a hash of what was said is kept (privacy: hash), or its time is over (ledger.retention.texts)",
    "exact": "what was said is not kept word for word (privacy: hash or redacted), or its time is over "
    "(ledger.retention.texts)",
}
_turns: Final = msgspec.json.Decoder(list[tuple[str, str]])


class Answerable(msgspec.Struct, frozen=True):
    """How far a question about recorded requests can be answered.

    Attributes:
        decisions: how many it is about.
        known: for how many of them what it needs is recorded.
        reason: why not for the others, as the end of a sentence; empty where there are none.
    """

    decisions: int
    known: int
    reason: str = ""

    def __str__(self) -> str:
        """The same in words."""
        if not self.reason:
            return f"All {self.decisions} decisions can be used."
        missing = self.decisions - self.known
        return f"{self.known} of {self.decisions} decisions can be used. Of the other {missing}, {self.reason}."


def answerable(store: Store, wanted: Filter, need: Need) -> Answerable:
    """For how many of the decisions wanted a question that has a need can be answered.

    Raises:
        LedgerError: the store cannot be read.
    """
    sql, parameters = select(f"count(*), coalesce(sum(CASE WHEN {_KNOWN[need]} THEN 1 ELSE 0 END), 0)", wanted, "")
    number, known = next(store.rows(sql, parameters), (0, 0))
    return Answerable(number, known, _REASON[need] if known < number else "")


def said(store: Store, decision_id: str) -> tuple[Said, ...] | None:
    """What was said in a request; None where that is not kept.

    Raises:
        LedgerError: the store cannot be read.
    """
    for (text,) in store.rows("SELECT said FROM texts WHERE decision = ?", (decision_id,)):
        return tuple(Said(*turn) for turn in _turns.decode(text))
    return None
