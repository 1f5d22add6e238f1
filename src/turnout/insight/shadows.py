"""What others said to the same requests: each decision beside its shadows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from turnout.insight.query import Filter
from turnout.ledger.entry import stored_decision
from turnout.ledger.store import Store
from turnout.types.decision import Decision

_PAIRS = """
SELECT d.record, d.feedback, s.record FROM shadows AS s JOIN decisions AS d ON d.id = s.decision
WHERE s.purpose = 'shadow' AND s.time >= ? AND s.time < ? AND (? IS NULL OR s.route = ?)
ORDER BY s.time DESC, s.seq DESC"""
_OF = "SELECT record FROM shadows WHERE decision = ? AND purpose = 'shadow' ORDER BY seq"
_EVER = 1 << 62


class Pair(NamedTuple):
    """A request that was asked twice.

    Attributes:
        served: the answer that the caller got.
        shadow: the one beside it.
    """

    served: Decision
    shadow: Decision


def pairs(store: Store, wanted: Filter) -> Iterator[Pair]:
    """Every request that was asked again, newest first.

    Args:
        store: the ledger.
        wanted: since when, until when, and on which route; nothing else of it is looked at.

    Raises:
        LedgerError: the store cannot be read.
    """
    since, until = (round(edge.timestamp() * 1000) if edge else None for edge in (wanted.since, wanted.until))
    bound = (since or 0, _EVER if until is None else until, wanted.route, wanted.route)
    for served, feedback, shadow in store.rows(_PAIRS, bound):
        yield Pair(stored_decision(served, feedback), stored_decision(shadow))


def shadows_of(store: Store, decision_id: str) -> list[Decision]:
    """The shadows of a decision, oldest first.

    Raises:
        LedgerError: the store cannot be read.
    """
    return [stored_decision(record) for (record,) in store.rows(_OF, (decision_id,))]
